"""What the line is told of a caller at a queue, for any state of queues, officers and rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from crm_bridge.config_door import DoorSection
from crm_bridge.desk.agent_states import Sitting, State
from crm_bridge.desk.card import DAY, Knower
from crm_bridge.desk.line import Line, LineNode
from crm_bridge.records.database import Database
from crm_bridge.selfservice.door import Door
from crm_bridge.selfservice.queue_figures import GOOD_FOR, QueueFigures
from ivr.ami.reconnect import LinkState
from ivr.calls.directory import Directory
from ivr.calls.members import Members
from ivr.calls.tracker import Tracker
from ivr.events import types as ev
from ivr.selfservice.port import Arrival, Expect
from tests.support.desk_clock import HeldClock

FREE, IN_USE, AWAY = 0, 1, 4
COMPLAINT, OTHER = "complaint", "information"


@dataclass
class House:
    """One Asterisk as it stands; `caller` is at the door."""

    clock: HeldClock = field(default_factory=HeldClock)
    link: Any = field(default_factory=lambda: SimpleNamespace(state=LinkState.UP))
    knowers: tuple[Knower, ...] = ()
    seats: dict[str, Sitting] = field(default_factory=dict)

    def __post_init__(self) -> None:
        directory = Directory(
            services={COMPLAINT: "complaint", OTHER: "information"},
            agent_patterns=("PJSIP/1[0-9][0-9][0-9]",),
        )
        self.tracker, self.members = Tracker("pbx1", directory), Members()
        line = Line(directory)
        line.add(LineNode("pbx1", self.link, self.tracker, self.members))
        self.door = Door(
            Database("sqlite:///never-opened.db"), self.clock, line, DoorSection(),
            agents=SimpleNamespace(of_account=self.seats.get),  # type: ignore[arg-type]
            card_of=lambda _call: SimpleNamespace(knowers=self.knowers),  # type: ignore[arg-type]
        )  # fmt: skip
        self.members.apply(ev.LinkUp(0, False))
        self.members.apply(ev.SnapshotEnded(0, False))
        self.figures(180.0)
        self.comes("caller")

    def figures(self, seconds: float) -> None:
        self.door.figures = QueueFigures(self.clock.at, {}, seconds)

    def officer(
        self, name: str, status: int = FREE, *, queues: tuple[str, ...] = (COMPLAINT, OTHER),
        paused: str = "",
    ) -> None:  # fmt: skip
        self.members.apply(
            ev.PresenceTold(0, False, name, "agent-numbers", status, (f"PJSIP/{name}",))
        )
        for queue in queues:
            self.members.apply(
                ev.MemberTold(
                    0, False, queue, f"PJSIP/{name}", name, None, bool(paused), paused, False
                )
            )

    def comes(self, uniqueid: str, queue: str = "") -> None:
        self.tracker.apply(
            ev.ChannelStarted(
                0, False, uniqueid, uniqueid, f"PJSIP/trunk-{uniqueid}", False, "0812345678", None,
                "from-trunk", "1203",
            )
        )  # fmt: skip
        if queue:
            self.tracker.apply(ev.QueueJoined(1, False, uniqueid, queue, 1))

    def sits(self, account: str, extension: str, state: State = State.READY) -> None:
        self.seats[account] = Sitting(
            "s", account, extension, (COMPLAINT, OTHER), 0, "x", state, 0
        )  # fmt: skip

    def asks(self, queue: str = COMPLAINT):
        return self.door.welcome(Arrival("caller", queue, "0812345678"))

    def wait(self, queue: str = COMPLAINT) -> str:
        return self.asks(queue).wait.text


def test_an_officer_is_free_or_nobody_is_there():
    house = House()
    assert house.wait() == "nobody"
    house.officer("1001", AWAY)
    house.officer("1002", FREE, paused="lunch")
    assert house.wait() == "nobody"
    house.officer("1003", IN_USE)
    assert house.wait() == "0-5"
    house.officer("1004")
    assert house.wait() == "now"
    house.comes("other", COMPLAINT)
    assert house.wait() != "now"
    house.officer("1005")  # one for the caller before him, one for him
    assert house.wait() == "now"


def test_who_is_being_rung_for_stands_before_nobody():
    house = House()
    house.officer("1001", 8)
    house.officer("1002", FREE)
    house.comes("other", COMPLAINT)
    assert house.wait() != "now"
    house.tracker.apply(ev.AgentCalled(2, False, "other", COMPLAINT, "PJSIP/1001", "o"))
    assert house.wait() == "now"


def test_callers_of_another_queue_count_by_the_officers_it_has_here():
    house = House()
    house.officer("1001", FREE)
    for n in range(4):
        house.officer(f"101{n}", IN_USE, queues=(OTHER,))
        house.comes(f"other{n}", OTHER)
    # none of those officers sits at this queue but one of five: 4/5 of a caller stands before him
    assert house.wait() == "now"
    house.comes("one more", OTHER)
    assert house.wait() != "now"


def test_who_writes_a_call_down_serves_and_is_not_free():
    house = House()
    house.officer("1001", FREE, paused="wrapup")
    assert house.wait() == "0-5"


def test_what_is_not_heard_is_not_told():
    house = House()
    house.officer("1001", IN_USE)
    house.clock.at += GOOD_FOR + 1
    assert house.wait() == "unknown"
    house.figures(180.0)
    assert house.wait() != "unknown"
    house.link.state = LinkState.WAITING
    assert house.wait() == "unknown"
    assert house.door.welcome(Arrival("nobody", COMPLAINT)).wait.expect is Expect.UNKNOWN


def knower(why: str = "case", days: float = 0, account: str = "somsri") -> Knower:
    return Knower(account, why, HeldClock().at - round(days * DAY))


@pytest.mark.parametrize(
    ("change", "offered"),
    [
        (lambda _h: None, "1001"),
        (lambda h: setattr(h, "knowers", (knower("call", 13),)), "1001"),
        (lambda h: setattr(h, "knowers", (knower("call", 15),)), ""),
        (lambda h: setattr(h, "knowers", (knower("case", 400),)), "1001"),
        (lambda h: setattr(h, "knowers", ()), ""),
        (lambda h: h.sits("somsri", "1001", State.PAUSED), ""),
        (lambda h: h.sits("somsri", "1001", State.WRAPUP), ""),
        (lambda h: h.seats.clear(), ""),
        (lambda h: h.officer("1001", IN_USE), ""),
        (lambda h: h.officer("1001", FREE, paused="lunch"), ""),
        (lambda h: h.sits("somsri", "1009"), ""),
        (lambda h: setattr(h.link, "state", LinkState.WAITING), ""),
    ],
    ids=["free", "spoke of late", "spoke long ago", "an old open case", "nobody knows him",
         "paused", "writing", "gone home", "on the telephone", "paused at the line",
         "not at this queue", "line not heard"],
)  # fmt: skip
def test_who_knows_him_is_offered_where_free(change, offered):
    house = House(knowers=(knower(),))
    house.officer("1001")
    house.officer("1002")
    house.sits("somsri", "1001")
    change(house)
    welcome = house.asks()
    assert welcome.officer == offered
    assert welcome.officer_seconds == 15


def test_of_several_who_know_him_the_first_who_is_free_is_offered():
    house = House(knowers=(knower(), knower("call", 1, "wandee")))
    house.officer("1001", IN_USE)
    house.officer("1002")
    house.sits("somsri", "1001")
    house.sits("wandee", "1002")
    assert (house.asks().officer, house.asks().officer_why) == ("1002", "call")
