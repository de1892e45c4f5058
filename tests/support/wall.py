"""A floor as full as a test wants it, for the wallboard: officers, calls and callers who wait.

Calls are records told to the line as its pipeline tells them; nothing of Asterisk is needed.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Final

from crm_bridge.desk.agent_states import Sitting, State
from crm_bridge.desk.kept_places import Kept
from crm_bridge.web.health import Health, NodeHealth
from crm_bridge.web.wallboard.wall import Wall
from ivr.calls.call import (
    OUTBOUND,
    AgentPart,
    Attempt,
    AttemptOutcome,
    Call,
    Consultation,
    Hold,
    Mark,
    PassageOutcome,
    QueuePassage,
)
from ivr.events import types as ev
from tests.support.screens import LineDesk

SECOND: Final = 1_000_000

OFFICERS: Final = (
    ("สมหญิง แสงทอง", "Somying Saengthong"), ("ประเสริฐ ศรีวงศ์", "Prasert Sriwong"),
    ("กิตติพงษ์ วัฒนา", "Kittiphong Watthana"), ("นภา จันทร์แจ่ม", "Napha Chanchaem"),
    ("อรทัย บุญมา", "Orathai Bunma"), ("วิชัย ทองดี", "Wichai Thongdi"),
    ("สุดารัตน์ พรหมมา", "Sudarat Phromma"), ("ธีระ อินทร์แก้ว", "Thira Inkaeo"),
    ("พิมพ์ใจ รักษ์ไทย", "Phimchai Rakthai"), ("อนุชา สายทอง", "Anucha Saithong"),
    ("มณีรัตน์ ศิริวัฒน์", "Maneerat Siriwat"), ("ชลธิชา ปานทอง", "Chonthicha Panthong"),
    ("ณัฐพล เจริญสุข", "Natthaphon Charoensuk"), ("รุ่งนภา แก้วมณี", "Rungnapha Kaeomani"),
    ("สมพร ใจงาม", "Somphon Chaingam"), ("เกศินี วงศ์ทอง", "Kesini Wongthong"),
)  # fmt: skip

_QUEUES: Final = ("information", "complaint", "information", "appointment", "market_information")


class Floor:
    """What stands on the floor of a desk; each act tells the desk of it."""

    def __init__(self, desk: LineDesk) -> None:
        self.desk = desk
        self.calls: list[Call] = []

    @property
    def now(self) -> int:
        return self.desk.clock.now_us()

    def sit(
        self, extension: str, state: State = State.READY, ago: float = 60, reason: str | None = None
    ) -> None:
        """An officer in this state since `ago` seconds."""
        agents = self.desk.floor.agents
        th, en = OFFICERS[int(extension) % len(OFFICERS)]
        since = self.now - round(ago * SECOND)
        agents._held[extension] = Sitting(
            extension, extension, extension, (), since, extension, state, since,
            reason=reason, name_th=th, name_en=en,
        )  # fmt: skip
        agents._publish(extension)

    def call(self, queue: str, ago: float, **more: Any) -> Call:
        """A caller who joined this queue `ago` seconds ago, with the number of nobody."""
        at = self.now - round(ago * SECOND)
        number = len(self.calls)
        made = Call(
            f"lab-{number}.1", "lab", [f"{number}.1"], "1203", at - 20 * SECOND,
            caller_presented=f"08{number:08}", caller_name="ผู้โทร", answered_at=at - 19 * SECOND,
            service=self.desk.context.config.directory().service(queue), language="th",
            passages=[QueuePassage(queue, at)], **more,
        )  # fmt: skip
        self.calls.append(made)
        self.tell(made)
        return made

    def ring(self, call: Call, extension: str, ago: float = 4) -> None:
        """The caller's queue rings this officer."""
        call.passages[-1].attempts.append(Attempt(extension, self.now - round(ago * SECOND)))
        self.tell(call)

    def answer(self, call: Call, extension: str, ago: float) -> None:
        """This officer has had the caller for `ago` seconds."""
        at, passage = self.now - round(ago * SECOND), call.passages[-1]
        rang = max(passage.joined_at, at - 3 * SECOND)
        passage.attempts.append(Attempt(extension, rang, at, AttemptOutcome.ANSWERED))
        passage.left_at, passage.outcome = at, PassageOutcome.ANSWERED
        call.agents.append(AgentPart(extension, at))
        self.desk.floor.agents._in_call[extension] = call.call_id
        self.tell(call)
        self.desk.floor.agents._publish(extension)

    def ask(self, call: Call, ago: float) -> None:
        """The officer asks an agency, the caller on hold."""
        by, at = call.agents[-1].agent, self.now - round(ago * SECOND)
        call.holds.append(Hold(by, at))
        call.consultations.append(Consultation(by, "2001", "dit", at, at + SECOND))
        self.tell(call)

    def call_back(self, lost: str, number: str, extension: str) -> Call:
        """The line calls a kept place back: an officer has it, and its number (E.164) rings."""
        at = self.now
        national = "0" + number.removeprefix("+66")
        made = Call(
            f"lab-{len(self.calls)}.1", "lab", [f"{len(self.calls)}.1"], national, at - 4 * SECOND,
            direction=OUTBOUND, caller_presented=national,
            passages=[QueuePassage("information", at - 4 * SECOND, at, PassageOutcome.ANSWERED)],
            marks=[Mark("callback", at - 4 * SECOND, lost)],
        )  # fmt: skip
        rang = Attempt(extension, at - 3 * SECOND, at, AttemptOutcome.ANSWERED)
        made.passages[0].attempts.append(rang)
        self.calls.append(made)
        self.tell(made)
        return made

    def reach(self, call: Call, extension: str) -> None:
        """The number of a call back has answered this officer."""
        call.answered_at = self.now
        call.agents.append(AgentPart(extension, self.now))
        self.tell(call)

    def end(self, call: Call) -> None:
        """The call is over."""
        from ivr.calls.call import Outcome

        call.ended_at, call.closed = self.now, True
        call.outcome = Outcome.SERVED if call.agents else Outcome.ABANDONED_QUEUE
        for part in call.agents:
            part.released_at = self.now
            self.desk.floor.agents._in_call.pop(part.agent, None)
            self.tell(call)
            self.desk.floor.agents._publish(part.agent)
        self.tell(call)

    def tell(self, call: Call) -> None:
        """The line tells of a change of this call."""
        self.desk.floor.line.heard(call, ev.LinkUp(self.now, False))

    def busy(self) -> None:
        """An ordinary Monday morning."""
        for n in range(24):
            self.sit(f"{1001 + n}", ago=40 + 31 * n)
        spans = (35, 290, 12, 95, 460, 180, 247, 20, 66, 150, 8)
        for n, span in enumerate(spans):
            call = self.call(_QUEUES[n % 5], span + 17)
            self.answer(call, f"{1001 + n}", span)
        self.ask(self.calls[3], 70)
        self.ask(self.calls[5], 12)
        for n, span in enumerate((342, 61, 38, 24, 15, 6, 3)):
            self.call(_QUEUES[n % 3], span)
        self.ring(self.calls[len(spans)], "1012")
        self.ring(self.calls[len(spans) + 1], "1013", 2)
        self.sit("1014", State.WRAPUP, 75)
        self.sit("1015", State.WRAPUP, 333)
        self.sit("1016", State.WRAPUP, 20)
        self.sit("1017", State.PAUSED, 1260, "lunch")
        self.sit("1018", State.PAUSED, 410, "personal")
        self.sit("1019", State.PAUSED, 95, "elsewhere")


def health(desk: LineDesk, *, up: bool = True, saving: bool = True) -> Health:
    """What the bridge says of itself, on this desk's clock."""
    from crm_bridge.clock import iso

    now = desk.clock.now_us()
    node = NodeHealth(
        "pbx1", "up" if up else "waiting", None if up else "refused", 0 if up else 3, 1, 1000, 80,
        7, iso(now - 2 * SECOND), 0.01, 0, 0, 0,
    )  # fmt: skip
    why = None if saving else "database is locked"
    since = None if saving else iso(now - 90 * SECOND)
    return Health(iso(now - 7200 * SECOND), True, why, since, iso(now), 0, False, 0, (node,))


def kept(call_id: str, ago: float, now: int, number: str = "+66899999999") -> Kept:
    """A place that a caller keeps who joined `ago` seconds ago."""
    place = now - round(ago * SECOND)
    return Kept(
        call_id, number, "information", place, place + 30 * SECOND, now + 3600 * SECOND, 0, 0, None,
        None, 0, False, False,
    )  # fmt: skip


def alert(key: str, th: str, en: str, level: str, since: int) -> Any:
    """An alert as whoever watches gives it."""
    return SimpleNamespace(id=key, th=th, en=en, level=level, since=since)


def with_health(wall: Wall, desk: LineDesk, **state: bool) -> None:
    """The wall sees this health from its next look on."""
    wall._health = lambda: health(desk, **state)
