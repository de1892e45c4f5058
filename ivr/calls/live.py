"""A call in progress: its record and what the tracker must remember until it is over."""

from __future__ import annotations

from dataclasses import dataclass, field

from ivr.calls.call import (
    AgencyLeg,
    AgentPart,
    Attempt,
    Call,
    Consultation,
    EndedBy,
    Gap,
    Hold,
    QueuePassage,
    Transfer,
)
from ivr.calls.correlate import Channel, Group
from ivr.calls.transitions import Phase


@dataclass(slots=True, eq=False)
class Live:
    """One caller's call while a channel of it exists; keys are uniqueids of channels."""

    call: Call
    caller: Channel
    group: Group
    called_by: Channel | None = None
    """The officer's channel, where the hotline is who calls."""
    keeps_place: bool = False
    """The caller is not on the line: a Local channel keeps his place in a queue for him."""
    phase: Phase = Phase.ENTERED
    phase_since: int = 0
    passage: QueuePassage | None = None
    """The passage whose outcome is still to come."""
    attempts: dict[str, Attempt] = field(default_factory=dict)
    """Ringing members by the channel that rings."""
    parts: dict[str, AgentPart] = field(default_factory=dict)
    agency_parts: dict[str, AgencyLeg] = field(default_factory=dict)
    holds: dict[str, Hold] = field(default_factory=dict)
    consults: dict[str, Consultation] = field(default_factory=dict)
    """Consultations in progress by the channel the officer speaks (or waits) on."""
    consult_targets: dict[str, str] = field(default_factory=dict)
    """A channel that is being consulted → the key of its consultation."""
    transfer: Transfer | None = None
    """A transfer whose end is still to come."""
    transfer_targets: list[str] = field(default_factory=list)
    """Channels that ring for the transfer under way."""
    talking_with: dict[str, Channel] = field(default_factory=dict)
    left_at: dict[str, int] = field(default_factory=dict)
    """When a channel that may yet come back left the caller."""
    emptied: tuple[int, Channel] | None = None
    """When the caller was last left alone, and by whom."""
    queue_keys: list[str] = field(default_factory=list)
    """Channels under which a queue knows this caller."""
    menu_exten: str | None = None
    """The key whose extension of the watched menu runs now."""
    pressed: tuple[str, int, bool] | None = None
    """A key, when, and whether it is on the record, until the extension it leads to is seen."""
    parked_at: int | None = None
    promised: tuple[str, str, int] | None = None
    """Channel, officer and time of a queue's answer, until the two are in conversation."""
    left_by_key: bool = False
    """The caller pressed a key just before leaving the queue."""
    marked: bool = False
    """The dialplan speaks our markers on this call."""
    offered: bool = False
    """The passage began with the officer who knows the caller: a queue may still take it over."""
    gap: Gap | None = None
    hung_up_by: EndedBy | None = None
    """Who ended the conversation, where the caller is then asked how it was: he who hangs up in the
    survey did not."""

    def release(self, uniqueid: str, at: int | None) -> bool:
        """Ends an officer's part and a hold of theirs at this time; false if there was none."""
        part = self.parts.pop(uniqueid, None)
        if part is None:
            return False
        part.released_at = at
        self.end_hold(uniqueid, at)
        return True

    def release_agency(self, uniqueid: str, at: int | None) -> bool:
        """Ends an agency's leg at this time; false if there was none."""
        leg = self.agency_parts.pop(uniqueid, None)
        if leg is not None:
            leg.released_at = at
        return leg is not None

    def end_hold(self, uniqueid: str, at: int | None) -> bool:
        """Ends the hold this channel began; false if there was none."""
        hold = self.holds.pop(uniqueid, None)
        if hold is not None:
            hold.ended_at = at
        return hold is not None
