"""Callers looked up in other CRMs: in time, late, never; cached, bounded, in nobody's way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs

from crm_bridge.connectors.port import (
    Busy,
    Capabilities,
    Contact,
    Denied,
    Rejected,
    Unreachable,
)
from crm_bridge.delivery import lookup as module
from crm_bridge.delivery.findings import Finding, State, checked, safe_url
from crm_bridge.delivery.lookup import Lookup, Source
from tests.support.caller_book import MOBILE, CallerBook, SteppedClock, contact, settled

OTHER = "+66898765432"
LIMIT = 10.0


@dataclass
class Asking:
    """A look-up in one CRM, and what it told."""

    book: CallerBook
    clock: SteppedClock
    told: list[tuple[str, Finding]] = field(default_factory=list)
    shut: bool = False
    lookup: Lookup = field(init=False)

    def __post_init__(self) -> None:
        self.lookup = Lookup.of(
            [(self.book.connector(), LIMIT)],
            self.clock,
            lambda call, finding: self.told.append((call, finding)),
            lambda _name: self.shut,
        )

    @property
    def source(self) -> Source:
        return self.lookup.sources["office"]

    async def ask(self, call: str, e164: str | None = MOBILE, withheld: bool = False) -> None:
        self.lookup.ask(call, e164, withheld)
        await settled()

    def states(self, call: str) -> list[str]:
        return [finding.state.value for id_, finding in self.told if id_ == call]

    def last(self, call: str) -> Finding:
        return [finding for id_, finding in self.told if id_ == call][-1]


@asynccontextmanager
async def running(book: CallerBook | None = None) -> AsyncIterator[Asking]:
    asking = Asking(book or CallerBook(), SteppedClock())
    task = asyncio.create_task(asking.lookup.run())
    await settled()
    try:
        yield asking
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def one() -> AsyncIterator[Asking]:
    async with running() as made:
        yield made


async def test_an_answer_in_time_is_told_alone(one: Asking):
    await one.ask("a")
    await one.clock.pass_(0.4)
    assert one.told == []
    await one.book.reply(MOBILE, contact())
    assert one.states("a") == ["found"]
    assert [c.name for c in one.last("a").contacts] == ["สมศรี ใจเย็น"]
    await one.clock.pass_(30)
    assert one.states("a") == ["found"]
    counters = one.source.counters
    assert (counters.asked, counters.in_time, counters.late) == (1, 1, 0)


async def test_after_half_a_second_it_is_said_that_there_is_none_yet_then_what_came(one: Asking):
    await one.ask("a")
    await one.clock.pass_(0.499)
    assert one.told == []
    await one.clock.pass_(0.001)
    assert one.states("a") == ["late"]
    await one.clock.pass_(8)
    await one.book.reply(MOBILE)
    assert one.states("a") == ["late", "none"]
    assert (one.source.counters.in_time, one.source.counters.late) == (0, 1)


async def test_one_that_never_answers_is_given_up_when_its_time_is_over(one: Asking):
    await one.ask("a")
    await one.clock.pass_(LIMIT - 0.001)
    assert one.states("a") == ["late"]
    await one.clock.pass_(0.001)
    assert one.states("a") == ["late", "failed"]
    assert (one.book.dropped, one.book.open) == (1, {})
    await one.ask("b")
    assert one.book.asked == [MOBILE] * 2, "what failed is not remembered"


async def test_nobody_is_asked_for_a_withheld_number_or_none(one: Asking):
    await one.ask("a", MOBILE, withheld=True)
    await one.ask("b", None)
    await one.clock.pass_(20)
    assert (one.book.asked, one.told) == ([], [])


async def test_a_number_is_asked_for_once_at_a_time_and_all_its_calls_are_told(one: Asking):
    await one.ask("a")
    await one.clock.pass_(0.6)
    await one.ask("b")
    assert one.book.asked == [MOBILE]
    assert one.states("b") == ["late"], "what is late is late for the second call too"
    await one.book.reply(MOBILE, contact())
    assert (one.states("a"), one.states("b")) == (["late", "found"], ["late", "found"])


async def test_found_is_remembered_for_five_minutes_and_none_for_one(one: Asking):
    await one.ask("a")
    await one.book.reply(MOBILE, contact())
    await one.ask("n", OTHER)
    await one.book.reply(OTHER)
    await one.clock.pass_(59.9)
    await one.ask("b", OTHER)
    assert one.states("b") == ["none"]
    await one.clock.pass_(0.2)
    await one.ask("c", OTHER)
    assert one.states("c") == []
    await one.book.reply(OTHER)
    await one.clock.pass_(239)
    await one.ask("d")
    assert one.states("d") == ["found"]
    await one.clock.pass_(1)
    await one.ask("e")
    assert one.states("e") == []
    assert one.source.counters.cached == 2


async def test_what_is_wiped_is_not_remembered_nor_what_was_asked_before(one: Asking):
    await one.ask("a")
    await one.book.reply(MOBILE, contact())
    await one.ask("b", OTHER)
    one.lookup.wipe()
    await one.book.reply(OTHER, contact(number=OTHER))
    await one.ask("c")
    await one.ask("d", OTHER)
    assert (one.states("b"), one.states("c"), one.states("d")) == (["found"], [], [])


async def test_the_memory_is_bounded(one: Asking, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "KEPT", 2)
    numbers = [f"+6681234567{n}" for n in range(3)]
    for n, number in enumerate(numbers):
        await one.ask(f"k{n}", number)
        await one.book.reply(number)
    await one.ask("again", numbers[0])
    assert one.states("again") == [], "the oldest is forgotten"
    await one.ask("last", numbers[2])
    assert one.states("last") == ["none"]


async def test_four_at_once_then_the_newest_and_the_one_that_rings_first(one: Asking):
    numbers = [f"+6681234567{n}" for n in range(8)]
    for n, number in enumerate(numbers):
        await one.ask(str(n), number)
    assert list(one.book.open) == numbers[:4]
    assert one.source.waiting == 4
    one.lookup.hurry("5")
    for n in range(4):
        await one.book.reply(numbers[n])
    assert one.book.asked[4:] == [numbers[5], numbers[7], numbers[6], numbers[4]]


async def test_too_many_are_given_up_the_oldest_first(one: Asking, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "WAITING", 2)
    for n in range(7):
        await one.ask(str(n), f"+6681234567{n}")
    assert [one.states(str(n)) for n in range(7)] == [[], [], [], [], ["failed"], [], []]
    assert one.source.counters.unasked == 1


async def test_a_call_that_is_over_is_not_asked_for_any_more(one: Asking):
    numbers = [f"+6681234567{n}" for n in range(6)]
    for n, number in enumerate(numbers):
        await one.ask(str(n), number)
    await one.ask("twin", numbers[5])
    one.lookup.forget("4")
    one.lookup.forget("5")
    one.lookup.forget("0")
    assert (one.states("4"), one.states("5"), one.states("0")) == (["failed"], ["failed"], [])
    for n in range(4):
        await one.book.reply(numbers[n])
    assert one.book.asked == [*numbers[:4], numbers[5]]
    await one.book.reply(numbers[5], contact(number=numbers[5]))
    assert one.states("twin") == ["found"]
    assert one.states("0") == ["none"], "what was under way tells the officer who writes the record"


async def test_a_call_whose_number_is_another_is_not_told_of_the_first(one: Asking):
    await one.ask("a")
    await one.ask("a", OTHER)
    await one.book.reply(MOBILE, contact())
    assert one.states("a") == []
    await one.book.reply(OTHER)
    assert one.states("a") == ["none"]


async def test_three_faults_and_it_is_left_alone_for_a_while(one: Asking):
    for n in range(3):
        await one.ask(str(n), f"+6681234567{n}")
        await one.book.fail(f"+6681234567{n}", Unreachable("refused", where="crm.test"))
    await one.ask("a")
    assert (one.states("a"), len(one.book.asked)) == (["failed"], 3)
    assert 29 < one.source.alone <= 30
    await one.clock.pass_(30)
    await one.ask("b")
    await one.book.reply(MOBILE, contact())
    assert one.states("b") == ["found"]
    await one.ask("c", OTHER)
    await one.book.fail(OTHER, Unreachable("refused"))
    assert one.source.alone == 0, "an answer in between begins the count anew"


@pytest.mark.parametrize(
    ("error", "alone"),
    [(Denied("401"), 30), (Busy("429", wait=7.0), 7), (Busy("429", wait=9e9), 600)],
)
async def test_who_refuses_or_wants_to_be_left_alone_is(
    one: Asking, error: Exception, alone: float
):
    for n in range(6):
        await one.ask(str(n), f"+6681234567{n}")
    await one.book.fail("+66812345670", error)
    assert one.source.alone == pytest.approx(alone)
    assert [one.states(str(n)) for n in (0, 1, 4, 5)] == [["failed"], [], ["failed"], ["failed"]]


async def test_a_number_that_is_not_taken_says_nothing_of_the_next(one: Asking):
    for n in range(5):
        await one.ask(str(n), f"+6681234567{n}")
        await one.book.fail(f"+6681234567{n}", Rejected("no such field"))
    assert one.source.alone == 0
    assert one.source.counters.failed == 5


async def test_what_the_delivery_leaves_alone_is_not_asked(one: Asking):
    one.shut = True
    await one.ask("a")
    assert (one.states("a"), one.book.asked) == (["failed"], [])
    assert one.source.counters.unasked == 1


async def test_a_bug_of_a_connector_costs_one_answer_and_tells_no_number(one: Asking):
    with capture_logs() as logs:
        await one.ask("a")
        await one.book.fail(MOBILE, RuntimeError(f"what about {MOBILE}?"))
        await one.ask("b", OTHER)
        await one.book.reply(OTHER)
    assert (one.states("a"), one.states("b")) == (["failed"], ["none"])
    assert [log["event"] for log in logs] == ["a connector failed to look up a caller"]
    assert MOBILE not in repr(logs)
    assert MOBILE not in one.source.counters.last_error


async def test_a_bug_of_our_own_is_outlived(one: Asking):
    broken = True

    def told(call: str, finding: Finding) -> None:
        if broken:
            raise ZeroDivisionError
        one.told.append((call, finding))

    one.source._told = told
    await one.ask("a")
    await one.book.reply(MOBILE, contact())
    broken = False
    await one.clock.pass_(60)
    await one.ask("b", OTHER)
    await one.book.reply(OTHER)
    assert one.states("b") == ["none"]


async def test_only_what_can_be_asked_is_asked():
    book = CallerBook(capabilities=Capabilities(lookup=False))
    async with running(book) as asking:
        assert asking.lookup.sources == {}
        await asking.ask("a")
        assert asking.told == []


async def test_a_crm_that_does_not_answer_keeps_nothing_from_another():
    clock, told = SteppedClock(), []
    mute, quick = CallerBook("mute"), CallerBook("quick")
    lookup = Lookup.of(
        [(mute.connector(), LIMIT), (quick.connector(), LIMIT)],
        clock,
        lambda _call, finding: told.append((finding.connector, finding.state)),
    )
    task = asyncio.create_task(lookup.run())
    lookup.ask("a", MOBILE, withheld=False)
    await settled()
    await quick.reply(MOBILE)
    assert told == [("quick", State.NONE)]
    await clock.pass_(0.5)
    assert told[1:] == [("mute", State.LATE)]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def test_a_contact_with_another_number_is_nobody():
    found: Sequence[Contact] = [
        contact("ก", OTHER),
        contact("ข", "081 234 5678"),
        Contact("1", "ค"),
        contact("ง"),
        contact("ง"),
    ]
    assert [c.name for c in checked(found, MOBILE)] == ["ข", "ง"]


def test_what_a_crm_says_is_made_fit_to_be_shown():
    odd = contact("a\nb\x00\u202ec" + "x" * 500, url="javascript:alert(1)", lines=("", " l\t1 "))
    (shown,) = checked([odd], MOBILE)
    assert shown.name.startswith("a bc")
    assert len(shown.name) == 120
    assert (shown.url, shown.lines) == (None, ("l 1",))


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://crm.test/1", True), ("http://127.0.0.1:8069/web", True), (None, False),
        ("", False), ("javascript:alert(1)", False), ("data:text/html,x", False),
        ("//crm.test", False), ("https://", False), ("http://[", False), ("file:///etc", False),
    ],
)  # fmt: skip
def test_only_addresses_of_the_web_become_links(url: str | None, kept: bool):
    assert (safe_url(url) == url) is kept or url is None
    assert (safe_url(url) is not None) is kept


async def test_more_than_a_handful_is_said_as_a_number(one: Asking):
    await one.ask("a")
    await one.book.reply(MOBILE, *[contact(f"คนที่ {n}") for n in range(8)])
    assert (len(one.last("a").contacts), one.last("a").more) == (5, 3)
