"""Whether a call is recorded, and whether that is paused, as its marks tell."""

from __future__ import annotations

from dataclasses import dataclass

from ivr.calls.call import Call, Micros


@dataclass(frozen=True, slots=True)
class Recorded:
    """A call that is recorded."""

    paused: Micros | None = None
    """Since when nothing is recorded for a moment; None while it is."""
    by: str = ""
    """The officer who asked for the pause."""


def recording_of(call: Call) -> Recorded | None:
    """None where the call is not recorded."""
    found: Recorded | None = None
    for mark in call.marks:
        if mark.name in {"recording", "recording_resumed"}:
            found = Recorded()
        elif mark.name == "recording_paused" and found is not None and found.paused is None:
            found = Recorded(mark.at, mark.by or "")
    return found
