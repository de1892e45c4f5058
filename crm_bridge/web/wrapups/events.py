"""Everything on record of a call, in order of time, each with how it is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from crm_bridge.web.wrapups.story import Moment, Words, story
from ivr.calls.call import Call, Gap, Micros, Role

EVIDENCE: Final[dict[str, Words]] = {
    "observed": ("จากระบบโทรศัพท์", "Observed"),
    "declared": ("เจ้าหน้าที่ระบุ", "Declared"),
    "inferred": ("เวลาอนุมาน", "Time inferred"),
    "unknown": ("อยู่ในช่วงที่ระบบไม่ได้ยิน", "Within a gap"),
    "cel": ("เติมจากสมุด CEL", "Filled in from CEL"),
    "queue_log": ("เติมจาก queue_log", "Filled in from queue_log"),
}
_ROLES: Final[dict[Role, Words]] = {
    Role.CALLER: ("ช่องสัญญาณของผู้ติดต่อ", "The caller's channel"),
    Role.AGENT: ("ช่องสัญญาณของเจ้าหน้าที่", "The officer's channel"),
    Role.AGENCY: ("ช่องสัญญาณของหน่วยงาน", "The agency's channel"),
    Role.LOCAL: ("ช่องสัญญาณภายใน", "An inner channel"),
    Role.OTHER: ("ช่องสัญญาณอื่น", "Another channel"),
}


@dataclass(frozen=True, slots=True)
class Event:
    """One entry: what happened, and how it is known (a key of `EVIDENCE`)."""

    moment: Moment
    evidence: str


def events(
    call: Call, party: Callable[[str | None, str], str], *, supervised: bool = True
) -> list[Event]:
    """The story of a call and its channels; `party(agency, target)` names who was asked.

    `supervised`: also channels that may be a supervisor's.
    """
    moments = [*story(call, party, supervised=supervised), *_channels(call, supervised=supervised)]
    return [
        Event(moment, _known_by(call, moment)) for moment in sorted(moments, key=lambda m: m.at)
    ]


def _channels(call: Call, *, supervised: bool) -> Iterator[Moment]:
    for leg in call.legs:
        if leg.role is Role.OTHER and not supervised:
            continue
        detail = f"{leg.channel} · Q.850 {leg.cause}" if leg.cause is not None else leg.channel
        yield Moment(leg.started_at, *_ROLES[leg.role], detail, leg.ended_at)


def _known_by(call: Call, moment: Moment) -> str:
    if moment.declared:
        return "declared"
    gap = next((gap for gap in call.gaps if _lies_in(moment.at, gap)), None)
    if gap is not None:
        return str(gap.filled_by) if gap.filled_by in EVIDENCE else "unknown"
    return "inferred" if call.times_inferred else "observed"


def _lies_in(at: Micros, gap: Gap) -> bool:
    return gap.started_at <= at and (gap.ended_at is None or at <= gap.ended_at)
