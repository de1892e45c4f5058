"""What a scenario is played on: a lab, telephones by name, a witness, a book of what was done."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field

from ivr.lab.address import AMI_PORT
from ivr.lab.asterisk import LAB_USER, Lab, login
from ivr.lab.proxy import Proxy
from ivr.lab.sipua import Identity, Leg, NotInTime, Phone

CALLER = Identity("0812345678", "สมชาย ใจดี")
_DEADLINE = 15.0
_AWAY = 1.0
"""Seconds for a registration to be taken away."""

Headers = dict[str, str]


@dataclass(frozen=True, slots=True)
class Driven:
    """One thing that was done on the stage, at a wall-clock time in seconds since the epoch."""

    at: float
    what: str


@dataclass(frozen=True, slots=True)
class House:
    """How the dialplan under test is spoken to: its numbers, keys and codes."""

    dialled: str = "1203"
    keys: dict[str, str] = field(
        default_factory=lambda: {
            "complaint": "1",
            "information": "2",
            "appointment": "3",
            "ticket": "4",
            "guide": "5",
            "officer": "0",
        }
    )
    has_marks: bool = True
    queue_numbers: dict[str, str] = field(
        default_factory=lambda: {"complaint": "6001", "information": "6002", "appointment": "6003"}
    )
    blind: str = "#1"
    attended: str = "*2"
    abort: str = "*1"
    three_way: str = "*3"
    pickup: str = "*8"
    park: str = "700"
    conference: str = "6100"


FOREIGN = House(
    has_marks=False,
    keys={"complaint": "1", "information": "2", "two_queues": "3"},
)


class Witness:
    """An AMI session of the lab's own, to wait for what only Asterisk knows (a menu speaking).

    It is no part of what is tested: it only tells a script when to go on.
    """

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self.events: list[Headers] = []
        self._moved = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def open(self) -> None:
        """Logs in and begins to listen."""
        reader, self._writer = await asyncio.open_connection(self._lab.server, AMI_PORT)
        self._writer.write(login(LAB_USER, self._lab.secret))
        await reader.readuntil(b"FullyBooted")
        self._task = asyncio.create_task(self._listen(reader))

    async def act(self, action: str, **headers: str) -> None:
        """Has Asterisk do something, as the desk would have it done; its answer is not awaited."""
        if self._writer is None:
            raise RuntimeError("the witness is not logged in")
        lines = [f"Action: {action}", *(f"{name}: {value}" for name, value in headers.items())]
        self._writer.write("".join(f"{line}\r\n" for line in [*lines, ""]).encode())
        await self._writer.drain()

    async def close(self) -> None:
        """Ends the session."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._writer is not None:
            self._writer.close()
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        headers: Headers = {}
        with contextlib.suppress(OSError):
            async for raw in reader:
                line = raw.decode("utf-8", "replace").rstrip("\r\n")
                if line:
                    name, _, value = line.partition(":")
                    headers.setdefault(name, value.strip())
                elif headers:
                    self.events.append(headers)
                    headers = {}
                    self._moved.set()

    def mark(self) -> int:
        """A place in the stream: give it to `seen` to ignore what came before."""
        return len(self.events)

    async def seen(
        self,
        what: str,
        wanted: Callable[[Headers], bool],
        *,
        since: int = 0,
        times: int = 1,
        deadline: float = _DEADLINE,
    ) -> Headers:
        """The first event since a place that is `wanted` (or the second, …); else NotInTime."""
        at = since
        left = times
        end = asyncio.get_running_loop().time() + deadline
        while True:
            while at < len(self.events):
                left -= wanted(self.events[at])
                if not left:
                    return self.events[at]
                at += 1
            self._moved.clear()
            try:
                still = end - asyncio.get_running_loop().time()
                await asyncio.wait_for(self._moved.wait(), max(0.0, still))
            except TimeoutError:
                raise NotInTime(f"Asterisk did not show {what} within {deadline:g} s") from None


class Stage:
    """Telephones around one lab, opened as a script names them."""

    def __init__(self, lab: Lab, house: House | None = None) -> None:
        self.lab = lab
        self.house = house or House()
        self.caller = CALLER
        """Who calls, where a script does not say."""
        self.driven: list[Driven] = []
        self.phones: dict[str, Phone] = {}
        self.witness = Witness(lab)
        self.on_note: Callable[[Driven], None] | None = None
        """Told of each thing done, as it is done."""
        self.proxy: Proxy | None = None
        """What the recording (or the bridge) reaches the AMI through, where the runner gave one."""
        self.reconnected: Callable[[], Awaitable[None]] | None = None
        """Waits until the recording (or the bridge) listens again, where the runner gave one."""

    def note(self, what: str) -> None:
        """Writes down what happens now."""
        entry = Driven(time.time(), what)
        self.driven.append(entry)
        if self.on_note:
            self.on_note(entry)

    def book(self) -> list[dict[str, object]]:
        """What was done, for JSON."""
        return [asdict(entry) for entry in self.driven]

    # --- telephones -----------------------------------------------------------------------------

    async def carrier(self) -> Phone:
        """The carrier, through which every caller comes."""
        return await self._phone("carrier", self.lab.carrier, register=False)

    async def officer(self, name: int | str) -> Phone:
        """The telephone of an officer (1001…, or a device such as `1008a`), registered."""
        number = int(str(name)[:4])
        where = self.lab.phone_address(number, second=str(name).endswith("b"))
        return await self._phone(str(name), where, register=True)

    async def agency(self, number: int) -> Phone:
        """The telephone of agency `number` (2001…), known by its address."""
        register = str(number) in self.lab.secrets
        return await self._phone(str(number), self.lab.phone_address(number), register=register)

    async def _phone(self, name: str, address: str, *, register: bool) -> Phone:
        if name not in self.phones:
            phone = Phone(
                name,
                address,
                self.lab.server,
                password=self.lab.secrets.get(name, ""),
                note=self.note,
            )
            await phone.open()
            self.phones[name] = phone
            if register:
                await phone.register()
        return self.phones[name]

    async def close(self) -> None:
        """Puts every telephone away: no queue rings one that nobody stands at."""
        for phone in self.phones.values():
            if phone.registered and phone.there:
                with contextlib.suppress(NotInTime):  # Asterisk may be gone
                    await phone.register(expires=0, deadline=_AWAY)
            await phone.close()
        self.phones.clear()
        await self.witness.close()

    # --- callers --------------------------------------------------------------------------------

    async def dial(self, identity: Identity | None = None) -> Leg:
        """A caller dials the hotline; returns when the line has answered."""
        leg = await (await self.carrier()).call(self.house.dialled, identity or self.caller)
        return await leg.up()

    async def menu(self, *, since: int = 0, name: str = "main", times: int = 1) -> None:
        """Waits until the line's menu speaks (to that many callers)."""
        if self.house.has_marks:
            await self.witness.seen(
                f"the menu {name}",
                lambda event: event.get("Mark") == "menu" and event.get("Value", "") == name,
                since=since,
                times=times,
            )

    async def ask(self, service: str = "information", identity: Identity | None = None) -> Leg:
        """A caller dials, waits for the menu and presses the key of a service."""
        since = self.witness.mark()
        leg = await self.dial(identity)
        await self.menu(since=since)
        await leg.press(self.house.keys[service])
        return leg

    async def queued(self, service: str = "information", identity: Identity | None = None) -> Leg:
        """A caller who has got into a queue."""
        since = self.witness.mark()
        leg = await self.ask(service, identity)
        await self.joined(since=since)
        return leg

    async def joined(self, *, since: int = 0) -> None:
        """Waits until a caller has joined a queue."""
        await self.witness.seen(
            "a caller joining a queue",
            lambda event: event.get("Event") == "QueueCallerJoin",
            since=since,
        )

    async def bridged(self, *, since: int = 0, parties: int = 2, times: int = 1) -> None:
        """Waits until a bridge (or that many, one after another) has this many parties."""
        await self.witness.seen(
            f"a bridge of {parties}",
            lambda event: (
                event.get("Event") == "BridgeEnter"
                and event.get("BridgeNumChannels") == str(parties)
            ),
            since=since,
            times=times,
        )

    async def served_by(
        self, officer: Phone, service: str = "information", identity: Identity | None = None
    ) -> tuple[Leg, Leg]:
        """A caller in conversation with an officer: (the caller's leg, the officer's)."""
        since = self.witness.mark()
        caller = await self.ask(service, identity)
        leg = await officer.rung(_DEADLINE)
        await leg.answer()
        await self.bridged(since=since)
        await self.greeted(since=since)
        return caller, leg

    async def greeted(self, *, since: int = 0) -> None:
        """Waits until the officer's greeting is over, where the line plays one."""
        if self.house.has_marks:
            await self.witness.seen(
                "the greeting's end", lambda event: event.get("Mark") == "greeting_end", since=since
            )

    async def crash(self) -> None:
        """Asterisk is killed as by a crash and started again; the telephones find it again."""
        await self.witness.close()
        self.note("Asterisk is killed")
        await self.lab.kill()
        self.note("Asterisk is started again")
        await self.lab.boot()
        self.note("Asterisk is up again")
        await self.witness.open()
        for phone in self.phones.values():
            phone.hang_up_all()
            if phone.registered:
                await phone.register()
        await self.heard_again()

    async def heard_again(self) -> None:
        """Waits until whoever listens beside the script, if anybody, is connected again."""
        if self.reconnected is not None:
            await self.reconnected()
            self.note("the AMI connection is there again")

    async def quiet(self, deadline: float = 20.0) -> None:
        """Waits until Asterisk has no channel left: the call is over in its books too."""
        loop = asyncio.get_running_loop()
        end = loop.time() + deadline
        while "0 active channels" not in await self.lab.cli("core show channels count"):
            if loop.time() > end:
                raise NotInTime(f"channels are left:\n{await self.lab.cli('core show channels')}")
            await asyncio.sleep(0.05)


@asynccontextmanager
async def stage(lab: Lab, house: House | None = None) -> AsyncIterator[Stage]:
    """A stage on a lab that runs."""
    place = Stage(lab, house)
    await place.witness.open()
    try:
        yield place
    finally:
        await place.close()
