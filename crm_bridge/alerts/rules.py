"""What is to be watched: a rule's kind, its thresholds with their units, whom it tells. Pure.

| kind | looks at, each by itself | raised | unit |
|---|---|---|---|
| `wait` | a queue: the caller who has waited longest | over | seconds |
| `waiting` | a queue, or all together: callers who wait | over | callers |
| `step` | a published step: the call furthest into its standard | over | per cent of it |
| `service_level` | a queue, or all together: the last minutes, or today | under | per cent |
| `nobody_ready` | a queue: callers who wait while nobody serves it | over | callers |
| `case_due` | a case: working days left of its limit | at or under | working days |
| `case_overdue` | a case: working days past its limit | over | working days |
| `unwell` | a telephone system, or the bridge: something is wrong with it | is so | – |
| `standstill` | another CRM: since when nothing has gone there that waits | over | minutes |

Values and thresholds are in the unit of the kind. What is raised is cleared past a threshold of its
own (`clear_at`), so that a value that trembles about one threshold makes no difference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

Words = tuple[str, str]
"""Thai, English."""

EACH: Final = ""
"""The scope of a rule that looks at each by itself."""
TOGETHER: Final = "*"
"""The scope of a rule that looks at all queues together; also the subject it then has."""

LONGEST_QUIET: Final = 24 * 60
"""Minutes."""
SHORTEST_CLEAR: Final = 5
"""Seconds: the least time for which a condition must be away."""


class Kind(StrEnum):
    """What a rule looks at."""

    WAIT = "wait"
    WAITING = "waiting"
    STEP = "step"
    SERVICE_LEVEL = "service_level"
    NOBODY_READY = "nobody_ready"
    CASE_DUE = "case_due"
    CASE_OVERDUE = "case_overdue"
    UNWELL = "unwell"
    STANDSTILL = "standstill"


class Level(StrEnum):
    """How much it matters."""

    NOTICE = "notice"
    WARNING = "warning"
    CRITICAL = "critical"


class Unit(StrEnum):
    """What a value of a kind counts."""

    SECONDS = "seconds"
    CALLERS = "callers"
    PERCENT = "percent"
    WORKING_DAYS = "working_days"
    MINUTES = "minutes"
    NONE = "none"


class Compared(StrEnum):
    """How a value stands to the threshold where the condition holds."""

    OVER = "over"
    UNDER = "under"
    UP_TO = "up_to"


@dataclass(frozen=True, slots=True)
class Form:
    """What every rule of a kind has in common."""

    kind: Kind
    name: Words
    unit: Unit
    compared: Compared
    lowest: float
    highest: float
    """The bounds of its thresholds."""
    usual: tuple[float, float] = (0, 0)
    """With what a new rule begins: raised at, cleared at."""
    whole: bool = True
    """Its thresholds are whole numbers."""
    queues: bool = False
    """It can be narrowed to one queue."""
    together: bool = False
    """It can look at all queues together."""
    window: bool = False
    """It looks at a span of time, and wants a number of calls in it."""


FORMS: Final[Mapping[Kind, Form]] = {
    form.kind: form
    for form in (
        Form(Kind.WAIT, ("ผู้โทรรอในคิวนาน", "A caller waits long"), Unit.SECONDS,
             Compared.OVER, 5, 7200, (180, 180), queues=True),
        Form(Kind.WAITING, ("ผู้โทรรอหลายราย", "Many callers wait"), Unit.CALLERS,
             Compared.OVER, 0, 1000, (5, 3), queues=True, together=True),
        Form(Kind.STEP, ("ขั้นตอนใช้เวลาเกินมาตรฐาน", "A step is over its standard"),
             Unit.PERCENT, Compared.OVER, 10, 1000, (100, 100)),
        Form(Kind.SERVICE_LEVEL, ("ระดับการให้บริการต่ำ", "Service level is low"), Unit.PERCENT,
             Compared.UNDER, 1, 100, (80, 85), queues=True, together=True, window=True),
        Form(Kind.NOBODY_READY, ("มีผู้โทรรอแต่ไม่มีเจ้าหน้าที่พร้อม", "Callers wait and no officer is ready"),
             Unit.CALLERS, Compared.OVER, 0, 1000, queues=True),
        Form(Kind.CASE_DUE, ("เรื่องร้องเรียนใกล้ครบกำหนด", "A case is due"),
             Unit.WORKING_DAYS, Compared.UP_TO, 0, 30, (3, 3)),
        Form(Kind.CASE_OVERDUE, ("เรื่องร้องเรียนเกินกำหนด", "A case is overdue"),
             Unit.WORKING_DAYS, Compared.OVER, 0, 365),
        Form(Kind.UNWELL, ("ระบบโทรศัพท์หรือระบบบันทึกขัดข้อง", "The line or the bridge is unwell"),
             Unit.NONE, Compared.OVER, 0, 0),
        Form(Kind.STANDSTILL, ("ข้อมูลที่รอส่งไป CRM อื่นค้าง", "What waits for another CRM stands still"),
             Unit.MINUTES, Compared.OVER, 1, 1440, (30, 30)),
    )
}  # fmt: skip
"""By kind, in the order in which they are shown."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule as it stands."""

    id: str
    kind: Kind
    level: Level
    threshold: float
    clear_at: float
    scope: str = EACH
    """`EACH`, `TOGETHER` or the name of a queue."""
    window: int = 0
    """Minutes back that a service level is of; 0: today."""
    least: int = 0
    """Calls that a service level is of, at the least, to be raised."""
    hold: int = 0
    """Seconds for which the condition must hold before it is raised."""
    clear_after: int = 15
    """Seconds for which it must be away before it is cleared."""
    quiet: int = 10
    """Minutes within which the same thing is told once at the most."""
    active: bool = True
    browser: bool = False
    emails: tuple[str, ...] = ()
    webhooks: tuple[str, ...] = ()
    """Names of the webhooks of hotline.toml."""
    position: int = 0
    version: int = 1

    @classmethod
    def new(cls, kind: Kind) -> Rule:
        """A rule of this kind as it begins: off, to be looked through before it is switched on."""
        form = FORMS[kind]
        return cls(
            "", kind, Level.WARNING, *form.usual, window=30 if form.window else 0,
            least=10 if form.window else 0, active=False,
        )  # fmt: skip

    @property
    def form(self) -> Form:
        """What it has in common with others of its kind."""
        return FORMS[self.kind]

    def bad(self, value: float) -> bool:
        """Whether the condition holds at this value."""
        match self.form.compared:
            case Compared.OVER:
                return value > self.threshold
            case Compared.UNDER:
                return value < self.threshold
            case Compared.UP_TO:
                return value <= self.threshold

    def good(self, value: float) -> bool:
        """Whether the value is past the threshold at which it is cleared; never while bad."""
        match self.form.compared:
            case Compared.OVER:
                return value <= self.clear_at
            case Compared.UNDER:
                return value >= self.clear_at
            case Compared.UP_TO:
                return value > self.clear_at

    def mistakes(self) -> dict[str, Words]:
        """What cannot be so, by the field at fault."""
        form = self.form
        found: dict[str, Words] = {}
        for name in ("threshold", "clear_at"):
            value = getattr(self, name)
            if not form.lowest <= value <= form.highest:
                found[name] = (
                    f"ต้องอยู่ระหว่าง {form.lowest:g} ถึง {form.highest:g}",
                    f"must be from {form.lowest:g} to {form.highest:g}",
                )
            elif form.whole and value != int(value):
                found[name] = ("ต้องเป็นจำนวนเต็ม", "must be a whole number")
        if not found and self.bad(self.clear_at) and self.clear_at != self.threshold:
            found["clear_at"] = _BEYOND[form.compared]
        if self.scope == TOGETHER and not form.together:
            found["scope"] = ("กฎนี้ดูแต่ละคิวแยกกัน", "this looks at each by itself")
        elif self.scope not in {EACH, TOGETHER} and not form.queues:
            found["scope"] = ("กฎนี้ไม่ขึ้นกับคิว", "this is not of a queue")
        return found


_BEYOND: Final[Mapping[Compared, Words]] = {
    Compared.OVER: ("ต้องไม่สูงกว่าค่าที่แจ้งเตือน", "must not be above the value that raises it"),
    Compared.UNDER: ("ต้องไม่ต่ำกว่าค่าที่แจ้งเตือน", "must not be below the value that raises it"),
    Compared.UP_TO: ("ต้องไม่ต่ำกว่าค่าที่แจ้งเตือน", "must not be below the value that raises it"),
}
