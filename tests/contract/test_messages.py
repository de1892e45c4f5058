"""Messages that go out: written with the act, in order, again after a failure, never for ever."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from crm_bridge.errors import Refused
from crm_bridge.outgoing import messages
from crm_bridge.outgoing.delivery import Retrying, deliver, deliver_due
from crm_bridge.outgoing.gateways import GatewayBusy, GatewayRefusal
from crm_bridge.outgoing.messages import Message
from crm_bridge.records.database import Database
from tests.support.desk_clock import HeldClock

NUMBER = "+66812345678"


class Provider:
    """Takes messages, or raises what it was told to."""

    name = "provider"

    def __init__(self) -> None:
        self.taken: list[Message] = []
        self.tried: list[str] = []
        self.faults: dict[str, Exception] = {}
        self.gate: asyncio.Event | None = None
        self.asked = asyncio.Event()

    async def send(self, message: Message) -> str:
        self.tried.append(message.text)
        self.asked.set()
        if self.gate is not None:
            await self.gate.wait()
        if message.text in self.faults:
            raise self.faults[message.text]
        self.taken.append(message)
        return f"ref-{len(self.taken)}"

    async def close(self) -> None:
        pass

    @property
    def texts(self) -> list[str]:
        return [m.text for m in self.taken]


@pytest.fixture
def clock() -> HeldClock:
    return HeldClock()


@pytest.fixture
def provider() -> Provider:
    return Provider()


async def write(database: Database, clock: HeldClock, text: str, **given) -> str:
    values = {"kind": "sms", "to": NUMBER, "about": ("case", "c1"), "dedupe": text, **given}
    async with database.writing() as connection:
        return await messages.enqueue(connection, clock, text=text, **values)


async def look(database: Database, message_id: str) -> Message:
    async with database.reading() as connection:
        return await messages.get(connection, message_id)


async def send(database, clock, provider, **policy) -> int:
    gateways = {"sms": provider, "email": provider}
    return await deliver_due(database, clock, gateways, retrying=Retrying(**policy))


async def test_a_message_goes_once_and_says_so(database, clock, provider):
    new = await write(database, clock, "one")
    assert await write(database, clock, "other words", dedupe="one") == new
    assert await send(database, clock, provider) == 1
    assert await send(database, clock, provider) == 0
    assert provider.texts == ["one"]
    sent = await look(database, new)
    assert (sent.state, sent.sent, sent.reference, sent.gateway, sent.attempts) == (
        "sent", clock.at, "ref-1", "provider", 1,
    )  # fmt: skip


async def test_a_message_of_an_act_that_failed_was_never_written(database, clock, provider):
    async def act() -> None:
        async with database.writing() as connection:
            await messages.enqueue(
                connection, clock, kind="sms", to=NUMBER, text="x", about=("case", "1"), dedupe="x"
            )
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await act()
    assert await send(database, clock, provider) == 0


async def test_it_waits_for_its_time_and_dies_after_it(database, clock, provider):
    later = clock.at + 3_600_000_000
    new = await write(database, clock, "reminder", due=later)
    late = await write(database, clock, "too late", dedupe="2", due=later, expires=later + 1)
    assert await send(database, clock, provider) == 0
    clock.forward(hours=2)
    await send(database, clock, provider)
    await send(database, clock, provider)
    assert provider.texts == ["reminder"]
    assert (await look(database, new)).state == "sent"
    dead = await look(database, late)
    assert (dead.state, dead.last_error, dead.attempts) == ("dead", "too late", 0)


async def test_those_to_one_recipient_about_one_case_keep_their_order(database, clock, provider):
    provider.faults["first"] = GatewayBusy("no")
    await write(database, clock, "first")
    await write(database, clock, "second")
    await write(database, clock, "another case", about=("case", "c2"))
    await write(database, clock, "another person", to="+66898765432")
    await write(database, clock, "later", due=clock.at + 60_000_000)
    await send(database, clock, provider)
    assert provider.texts == ["another case", "another person"]
    assert await send(database, clock, provider) == 0
    del provider.faults["first"]
    clock.forward(seconds=10)
    await send(database, clock, provider)
    await send(database, clock, provider)
    assert provider.texts[2:] == ["first", "second"]
    clock.forward(seconds=60)
    await send(database, clock, provider)
    assert provider.texts[4:] == ["later"]


async def test_it_is_tried_again_ever_more_rarely_then_dead_then_sent_by_hand(
    database, clock, provider
):
    provider.faults["x"] = GatewayBusy("HTTP 503", where="sms.example")
    new = await write(database, clock, "x")
    waits = []
    for _ in range(3):
        assert await send(database, clock, provider, first=10, tries=4) == 1
        waits.append((await look(database, new)).next_try - clock.at)
        clock.at = (await look(database, new)).next_try - 1
        assert await send(database, clock, provider, first=10, tries=4) == 0
        clock.at += 1
    assert waits == [10_000_000, 20_000_000, 40_000_000]
    await send(database, clock, provider, first=10, tries=4)
    dead = await look(database, new)
    assert (dead.state, dead.attempts, dead.last_error) == ("dead", 4, "sms.example: HTTP 503")
    provider.faults.clear()
    async with database.writing() as connection:
        await messages.again(connection, clock, new)
    await send(database, clock, provider)
    assert (await look(database, new)).state == "sent"
    async with database.writing() as connection:
        with pytest.raises(Refused, match="has been sent"):
            await messages.again(connection, clock, new)


async def test_what_is_refused_for_good_is_dead_at_once_and_holds_up_nobody(
    database, clock, provider
):
    provider.faults["bad"] = GatewayRefusal("HTTP 400")
    bad = await write(database, clock, "bad")
    await write(database, clock, "next")
    await send(database, clock, provider)
    await send(database, clock, provider)
    assert (await look(database, bad)).state == "dead"
    assert provider.texts == ["next"]


async def test_a_fault_of_the_gateway_s_own_stops_no_other_and_tells_no_log(
    database, clock, provider
):
    provider.faults["secret words"] = KeyError(NUMBER)
    one = await write(database, clock, "secret words")
    await write(database, clock, "other", about=("case", "c2"))
    with capture_logs() as log:
        await send(database, clock, provider)
    assert provider.texts == ["other"]
    assert (await look(database, one)).last_error == "KeyError"
    logged = repr(log)
    assert one in logged
    assert NUMBER not in logged
    assert "secret words" not in logged


async def test_two_senders_at_once_send_each_message_once(database, clock, provider):
    for n in range(12):
        await write(database, clock, str(n), about=("case", str(n)))
    await asyncio.gather(*(send(database, clock, provider) for _ in range(3)))
    assert sorted(provider.texts, key=int) == [str(n) for n in range(12)]


async def test_one_whose_sender_died_goes_after_its_lease(database, clock, provider):
    new = await write(database, clock, "x")
    provider.gate = asyncio.Event()
    dying = asyncio.create_task(send(database, clock, provider))
    async with asyncio.timeout(10):
        await provider.asked.wait()
    dying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await dying
    provider.gate = None
    assert await send(database, clock, provider) == 0
    clock.forward(seconds=120)
    assert await send(database, clock, provider) == 1
    assert (await look(database, new)).attempts == 2


async def test_what_is_no_longer_so_is_withdrawn(database, clock, provider):
    reminder = await write(database, clock, "r", dedupe="remind:1")
    await write(database, clock, "n", dedupe="notify:1")
    other = await write(database, clock, "o", dedupe="remind:2", about=("case", "c2"))
    async with database.writing() as connection:
        gone = await messages.withdraw(connection, ("case", "c1"), dedupe_starts="remind:")
        assert gone == 1
        with pytest.raises(Refused, match="withdrawn"):
            await messages.again(connection, clock, reminder)
    await send(database, clock, provider)
    assert provider.texts == ["n", "o"]
    assert (await look(database, other)).state == "sent"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"to": "0812345678"}, "bad-number"),
        ({"kind": "email", "to": "a@b.th\r\nBcc: c@d.th", "subject": "s"}, "bad-address"),
        ({"kind": "email", "to": "a@b.th", "subject": "s\r\nBcc: c@d.th"}, "bad-subject"),
        ({"kind": "email", "to": "a@b.th", "subject": "s\x85Bcc"}, "bad-subject"),
        ({"kind": "email", "to": "a@b.th", "subject": "s" * 201}, "bad-subject"),
        ({"kind": "email", "to": "a@b.th"}, "no-subject"),
        ({"text": " \x00 "}, "empty-message"),
        ({"text": "ก" * 671}, "message-too-long"),
        ({"kind": "email", "to": "a@b.th", "subject": "s", "text": "x" * 20_001},
         "message-too-long"),
    ],
)  # fmt: skip
async def test_what_could_never_go_is_refused_when_it_is_written(database, clock, given, code):
    with pytest.raises(Refused) as refused:
        await write(database, clock, **{"text": "x", **given})
    assert refused.value.code == code
    async with database.reading() as connection:
        assert await messages.listed(connection) == []


async def test_they_are_listed_newest_first_by_state_and_about(database, clock, provider):
    for n in range(5):
        await write(database, clock, str(n), about=("case", str(n % 2)))
    provider.faults["2"] = GatewayRefusal("no")
    await send(database, clock, provider)
    await send(database, clock, provider)
    async with database.reading() as connection:
        newest = await messages.listed(connection, limit=2)
        assert [m.text for m in newest] == ["4", "3"]
        older = await messages.listed(connection, before=newest[-1].seq)
        assert [m.text for m in older] == ["2", "1", "0"]
        dead = await messages.listed(connection, states=["dead"])
        assert [m.text for m in dead] == ["2"]
        assert [m.text for m in await messages.about(connection, "case", "0")] == ["0", "2", "4"]
        assert (await messages.counts(connection))["dead"] == 1


async def test_the_worker_sends_until_it_is_stopped(database, clock, provider):
    stop = asyncio.Event()
    gateways = {"sms": provider, "email": provider}
    worker = asyncio.create_task(deliver(database, clock, gateways, stop, poll=0.01))
    await write(database, clock, "x")
    async with asyncio.timeout(10):
        await provider.asked.wait()
    stop.set()
    async with asyncio.timeout(10):
        await worker
    assert provider.texts == ["x"]
