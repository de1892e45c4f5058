"""The path of a case: one table of states × acts → state, with the roles that may do each.

A case is recorded and has its number, is laid before the Director of the Central Division, who
assigns it to the agencies that must answer; their accepted answers settle it; it is closed when
the complainant knows. Formal requests for advice (เรื่องขอคำปรึกษา) go the same way.

Rules that the table cannot show:
- `STANDING` as a next state means: as the assignments stand then (`standing`).
- An officer outside the Central Division acts only for the own agency; the queries see to it.
- That the complainant was told the number is a fact beside the state, not a state.
- An act that is not in the table is refused, and says in which state the case is and what this
  person can do with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from crm_bridge.access.roles import NAMES, Role
from crm_bridge.errors import Refused


class State(StrEnum):
    """Where a case is on its path."""

    RECORDED = "recorded"
    PROPOSED = "proposed"
    RETURNED = "returned"
    ASSIGNED = "assigned"
    ANSWERED = "answered"
    SETTLED = "settled"
    CLOSED = "closed"
    CANCELLED = "cancelled"


STATES: Final[dict[State, tuple[str, str]]] = {
    State.RECORDED: ("บันทึกเรื่องแล้ว", "Recorded"),
    State.PROPOSED: ("เสนอผู้อำนวยการกองกลางแล้ว", "Before the Director"),
    State.RETURNED: ("ส่งคืนให้แก้ไข", "Returned for correction"),
    State.ASSIGNED: ("หน่วยงานกำลังดำเนินการ", "With the agencies"),
    State.ANSWERED: ("หน่วยงานตอบแล้ว รอพิจารณา", "Answered, to be judged"),
    State.SETTLED: ("ได้ข้อยุติ", "Settled"),
    State.CLOSED: ("ปิดเรื่องแล้ว", "Closed"),
    State.CANCELLED: ("ยกเลิกเรื่อง", "Cancelled"),
}
"""Each state's name in Thai and English."""

OPEN: Final = frozenset(State) - {State.SETTLED, State.CLOSED, State.CANCELLED}
"""States in which somebody still owes the complainant something."""


class Act(StrEnum):
    """What a person does with a case."""

    EDIT = "edit"
    TELL = "tell"
    NOTE = "note"
    ATTACH = "attach"
    PROPOSE = "propose"
    RETURN = "return"
    ASSIGN = "assign"
    RELEASE = "release"
    ANSWER = "answer"
    DECLINE = "decline"
    ASK_EXTENSION = "ask-extension"
    GRANT_EXTENSION = "grant-extension"
    REFUSE_EXTENSION = "refuse-extension"
    SEND_BACK = "send-back"
    ACCEPT = "accept"
    SETTLE = "settle"
    CLOSE = "close"
    REOPEN = "reopen"
    CANCEL = "cancel"


ACTS: Final[dict[Act, tuple[str, str]]] = {
    Act.EDIT: ("แก้ไขเรื่อง", "Edit"),
    Act.TELL: ("แจ้งเลขเรื่อง", "Tell the ticket number"),
    Act.NOTE: ("บันทึกหมายเหตุ", "Add a note"),
    Act.ATTACH: ("แนบไฟล์", "Attach a file"),
    Act.PROPOSE: ("เสนอผู้อำนวยการกองกลาง", "Lay before the Director"),
    Act.RETURN: ("ส่งคืนให้แก้ไข", "Return for correction"),
    Act.ASSIGN: ("สั่งการหน่วยงาน", "Assign to agencies"),
    Act.RELEASE: ("ยกเลิกการมอบหมายหน่วยงาน", "Release an agency"),
    Act.ANSWER: ("ตอบเรื่อง", "Answer"),
    Act.DECLINE: ("แจ้งว่าไม่อยู่ในอำนาจหน้าที่", "Decline: not our matter"),
    Act.ASK_EXTENSION: ("ขอขยายเวลา", "Ask for more time"),
    Act.GRANT_EXTENSION: ("อนุมัติขยายเวลา", "Grant more time"),
    Act.REFUSE_EXTENSION: ("ไม่อนุมัติขยายเวลา", "Refuse more time"),
    Act.SEND_BACK: ("ส่งคำตอบกลับให้ดำเนินการเพิ่ม", "Send the answer back"),
    Act.ACCEPT: ("รับคำตอบเป็นข้อยุติ", "Accept the answers"),
    Act.SETTLE: ("ยุติเรื่อง", "Settle"),
    Act.CLOSE: ("แจ้งผลและปิดเรื่อง", "Tell the result and close"),
    Act.REOPEN: ("เปิดเรื่องอีกครั้ง", "Reopen"),
    Act.CANCEL: ("ยกเลิกเรื่อง", "Cancel"),
}
"""Each act's name in Thai and English, in the order in which buttons stand."""


class Assignment(StrEnum):
    """How far one agency is with one case."""

    OUTSTANDING = "outstanding"
    ANSWERED = "answered"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    RELEASED = "released"


ASSIGNMENTS: Final[dict[Assignment, tuple[str, str]]] = {
    Assignment.OUTSTANDING: ("รอคำตอบ", "To answer"),
    Assignment.ANSWERED: ("ตอบแล้ว", "Answered"),
    Assignment.ACCEPTED: ("รับคำตอบแล้ว", "Answer accepted"),
    Assignment.DECLINED: ("ไม่อยู่ในอำนาจหน้าที่", "Declined"),
    Assignment.RELEASED: ("ยกเลิกการมอบหมาย", "Released"),
}
"""Each in Thai and English."""


class _Standing:
    """The next state is what the assignments make it."""


STANDING: Final = _Standing()


@dataclass(frozen=True, slots=True)
class Rule:
    """What one act makes of one state; `to` None leaves it as it is."""

    to: State | _Standing | None
    roles: frozenset[Role]


_AGENTS: Final = frozenset({Role.AGENT, Role.SUPERVISOR})
_LEADS: Final = frozenset({Role.SUPERVISOR, Role.DIRECTOR})
_DIRECTOR: Final = frozenset({Role.DIRECTOR})
_CENTRAL: Final = _AGENTS | _LEADS
_AGENCIES: Final = frozenset({Role.AGENCY_OFFICER, Role.PROVINCIAL_OFFICER})
_ALL: Final = _CENTRAL | _AGENCIES

S, A = State, Act
TABLE: Final[dict[tuple[State, Act], Rule]] = {
    (S.RECORDED, A.EDIT): Rule(None, _AGENTS),
    (S.RECORDED, A.TELL): Rule(None, _AGENTS),
    (S.RECORDED, A.NOTE): Rule(None, _CENTRAL),
    (S.RECORDED, A.ATTACH): Rule(None, _CENTRAL),
    (S.RECORDED, A.PROPOSE): Rule(S.PROPOSED, _AGENTS),
    (S.RECORDED, A.CANCEL): Rule(S.CANCELLED, _CENTRAL),
    (S.PROPOSED, A.EDIT): Rule(None, _CENTRAL),
    (S.PROPOSED, A.TELL): Rule(None, _AGENTS),
    (S.PROPOSED, A.NOTE): Rule(None, _CENTRAL),
    (S.PROPOSED, A.ATTACH): Rule(None, _CENTRAL),
    (S.PROPOSED, A.RETURN): Rule(S.RETURNED, _DIRECTOR),
    (S.PROPOSED, A.ASSIGN): Rule(S.ASSIGNED, _DIRECTOR),
    (S.PROPOSED, A.SETTLE): Rule(S.SETTLED, _DIRECTOR),
    (S.PROPOSED, A.CANCEL): Rule(S.CANCELLED, _LEADS),
    (S.RETURNED, A.EDIT): Rule(None, _AGENTS),
    (S.RETURNED, A.TELL): Rule(None, _AGENTS),
    (S.RETURNED, A.NOTE): Rule(None, _CENTRAL),
    (S.RETURNED, A.ATTACH): Rule(None, _CENTRAL),
    (S.RETURNED, A.PROPOSE): Rule(S.PROPOSED, _AGENTS),
    (S.RETURNED, A.CANCEL): Rule(S.CANCELLED, _CENTRAL),
    (S.ASSIGNED, A.EDIT): Rule(None, _LEADS),
    (S.ASSIGNED, A.TELL): Rule(None, _AGENTS),
    (S.ASSIGNED, A.NOTE): Rule(None, _ALL),
    (S.ASSIGNED, A.ATTACH): Rule(None, _ALL),
    (S.ASSIGNED, A.ASSIGN): Rule(S.ASSIGNED, _DIRECTOR),
    (S.ASSIGNED, A.RELEASE): Rule(STANDING, _DIRECTOR),
    (S.ASSIGNED, A.ANSWER): Rule(STANDING, _AGENCIES),
    (S.ASSIGNED, A.DECLINE): Rule(STANDING, _AGENCIES),
    (S.ASSIGNED, A.ASK_EXTENSION): Rule(None, _AGENCIES),
    (S.ASSIGNED, A.GRANT_EXTENSION): Rule(None, _DIRECTOR),
    (S.ASSIGNED, A.REFUSE_EXTENSION): Rule(None, _DIRECTOR),
    (S.ASSIGNED, A.SEND_BACK): Rule(STANDING, _LEADS),
    (S.ASSIGNED, A.ACCEPT): Rule(STANDING, _LEADS),
    (S.ASSIGNED, A.SETTLE): Rule(S.SETTLED, _DIRECTOR),
    (S.ASSIGNED, A.CANCEL): Rule(S.CANCELLED, _LEADS),
    (S.ANSWERED, A.EDIT): Rule(None, _LEADS),
    (S.ANSWERED, A.TELL): Rule(None, _AGENTS),
    (S.ANSWERED, A.NOTE): Rule(None, _ALL),
    (S.ANSWERED, A.ATTACH): Rule(None, _ALL),
    (S.ANSWERED, A.ASSIGN): Rule(S.ASSIGNED, _DIRECTOR),
    (S.ANSWERED, A.RELEASE): Rule(STANDING, _DIRECTOR),
    (S.ANSWERED, A.SEND_BACK): Rule(STANDING, _LEADS),
    (S.ANSWERED, A.ACCEPT): Rule(STANDING, _LEADS),
    (S.ANSWERED, A.SETTLE): Rule(S.SETTLED, _DIRECTOR),
    (S.ANSWERED, A.CANCEL): Rule(S.CANCELLED, _LEADS),
    (S.SETTLED, A.TELL): Rule(None, _AGENTS),
    (S.SETTLED, A.NOTE): Rule(None, _ALL),
    (S.SETTLED, A.ATTACH): Rule(None, _CENTRAL),
    (S.SETTLED, A.CLOSE): Rule(S.CLOSED, _CENTRAL),
    (S.SETTLED, A.REOPEN): Rule(S.PROPOSED, _CENTRAL),
    (S.CLOSED, A.NOTE): Rule(None, _CENTRAL),
    (S.CLOSED, A.REOPEN): Rule(S.PROPOSED, _CENTRAL),
    (S.CANCELLED, A.NOTE): Rule(None, _CENTRAL),
    (S.CANCELLED, A.REOPEN): Rule(S.RECORDED, _LEADS),
}
"""Every act that is allowed; what is not here is refused."""
del S, A


def standing(assignments: Iterable[Assignment]) -> State:
    """The state of a case whose agencies are this far.

    Nobody left who answers: before the Director again. One outstanding: with the agencies. All
    answered: to be judged. All accepted: settled.
    """
    live = [a for a in assignments if a not in {Assignment.DECLINED, Assignment.RELEASED}]
    if not live:
        return State.PROPOSED
    if Assignment.OUTSTANDING in live:
        return State.ASSIGNED
    return State.ANSWERED if Assignment.ANSWERED in live else State.SETTLED


def allowed(state: State, role: Role) -> tuple[Act, ...]:
    """What this role can do with a case in this state, in the order of `ACTS`."""
    return tuple(a for a in ACTS if (rule := TABLE.get((state, a))) and role in rule.roles)


def check(state: State, act: Act, role: Role) -> Rule:
    """The rule of an act; Refused with the state and what can be done where it is not allowed.

    409 where the state does not allow it to anybody, 403 where it is another's to do.
    """
    rule = TABLE.get((state, act))
    if rule is not None and role in rule.roles:
        return rule
    th, en = why_not(state, act, role)
    if rule is None:
        raise Refused("act-not-now", th, en, 409)
    raise Refused("act-not-yours", th, en, 403)


def why_not(state: State, act: Act, role: Role) -> tuple[str, str]:
    """Why this role cannot do this now, and what it can do; in Thai and English."""
    rule = TABLE.get((state, act))
    act_th, act_en = ACTS[act]
    state_th, state_en = STATES[state]
    if rule is None:
        th = f"เรื่องอยู่ในสถานะ “{state_th}” จึง{act_th}ไม่ได้"
        en = f"the case is “{state_en}”, where “{act_en}” is not possible"
    else:
        names = [NAMES[r] for r in Role if r in rule.roles]
        th = f"เรื่องอยู่ในสถานะ “{state_th}” การ{act_th}เป็นอำนาจของ{_or([n[0] for n in names], 'หรือ')}"
        whose = _or([n[1] for n in names], " or ")
        en = f"the case is “{state_en}”, where “{act_en}” is for: {whose}"
    can = allowed(state, role)
    if not can:
        return f"{th} และไม่มีสิ่งที่บัญชีนี้ทำได้ในสถานะนี้", f"{en}; your account can do nothing here"
    return (
        f"{th} ที่ทำได้: {', '.join(ACTS[a][0] for a in can)}",
        f"{en}; you can: {', '.join(ACTS[a][1] for a in can)}",
    )


def _or(names: list[str], word: str) -> str:
    return word.join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]
