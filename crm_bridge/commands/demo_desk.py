"""The people of the demo at the desk: each a program that acts through the API, as anyone may.

An officer's desk listens to its own stream as the officer's page does, and knows from it which
call is on the telephone. Nothing here reaches past the bridge's HTTP.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Final, Self

import httpx

from crm_bridge.clock import SystemClock
from crm_bridge.commands.demo_office import STAFF, Office, Staff
from crm_bridge.commands.words import Lang
from crm_bridge.desk.pop import LIVE, Stage
from crm_bridge.web.agent.screen import LEVELS
from ivr.calls.call import Micros

_WITHIN: Final = 30.0
_AGAIN: Final = 1.0
_SEATED: Final = 10.0
_LIVE: Final = frozenset(stage.value for stage in LIVE - {Stage.ANSWERING, Stage.DIALLING})


class NotDone(Exception):
    """An act that the desk refused, or that nothing came of."""


@dataclass(slots=True)
class Pop:
    """A caller on an officer's screen."""

    extension: str
    elapsed: Micros
    """From Asterisk's event of the ring to the stream of the officer's page."""
    level: str = ""
    """How far the caller is known: `known`, `maybe`, `new`, `withheld`."""


class Person:
    """One account, acting through the API."""

    def __init__(self, staff: Staff, key: str, base: str, lang: Lang) -> None:
        self.staff = staff
        self._http = httpx.AsyncClient(
            base_url=base,
            headers={"Authorization": f"Bearer {key}", "Accept-Language": lang.value},
            timeout=_WITHIN,
            trust_env=False,
        )

    async def close(self) -> None:
        """Gives its connections back."""
        await self._http.aclose()

    async def read(self, path: str, **query: str | int | bool) -> Any:
        """What is at this place. Raises NotDone."""
        return await self._asked("GET", path, params=query)

    async def act(
        self, path: str, body: Any = None, *, method: str = "POST", version: int | None = None
    ) -> Any:
        """Does one act; `version` is what it was based on. Raises NotDone."""
        headers = {} if version is None else {"If-Match": f'"{version}"'}
        return await self._asked(method, path, json=body, headers=headers)

    async def act_on_case(self, ticket: str, act: str, body: Any) -> Any:
        """Does an act on a case as it is now. Raises NotDone."""
        case = await self.read(f"/cases/{ticket}")
        return await self.act(f"/cases/{ticket}/{act}", body, version=case["version"])

    async def _asked(self, method: str, path: str, **rest: Any) -> Any:
        try:
            answer = await self._http.request(method, f"/api/v1{path}", **rest)
        except httpx.HTTPError as error:
            raise NotDone(f"{self.staff.login}: {method} {path}: {type(error).__name__}") from error
        if answer.is_error:
            raise NotDone(
                f"{self.staff.login}: {method} {path}: {answer.status_code} {_why(answer)}"
            )
        return answer.json() if answer.content else None

    @contextlib.asynccontextmanager
    async def stream(self) -> AsyncIterator[AsyncIterator[str]]:
        """The lines of the desk's stream."""
        url = "/api/v1/desk/stream"
        timeout = httpx.Timeout(_WITHIN, read=None)
        async with self._http.stream("GET", url, timeout=timeout) as response:
            if response.is_error:
                raise NotDone(f"{self.staff.login}: GET {url}: {response.status_code}")
            yield response.aiter_lines()


def _why(answer: httpx.Response) -> str:
    with contextlib.suppress(ValueError):
        told = answer.json()
        if isinstance(told, dict):
            faults = json.dumps(told.get("errors") or "", ensure_ascii=False)
            return f"{told.get('type', '')} {told.get('detail', '')} {faults}"[:300]
    return answer.text[:200]


class Desk(Person):
    """An officer at an extension: takes calls, and sees them as the page does."""

    def __init__(self, staff: Staff, key: str, base: str, lang: Lang) -> None:
        super().__init__(staff, key, base, lang)
        self.extension = staff.extension
        self.pops: list[Pop] = []
        self.stages: dict[str, str] = {}
        """Call → how the officer stands in it."""
        self._levels = {words[lang is Lang.EN]: level for level, words in LEVELS.items()}
        self._popped: dict[str, Pop] = {}
        self._changed = asyncio.Event()

    async def sit(self) -> None:
        """Signs in at the telephone, ready for calls. Raises NotDone."""
        loop = asyncio.get_running_loop()
        end = loop.time() + _SEATED
        while True:
            try:
                await self.act("/agent/sign-in", {"extension": self.extension})
                await self.act("/agent/ready")
            except NotDone:
                if loop.time() > end:  # the line may just be getting connected
                    raise
                await asyncio.sleep(0.3)
            else:
                return

    async def listen(self) -> None:
        """Reads the stream until cancelled; again where it breaks."""
        while True:
            with contextlib.suppress(httpx.HTTPError):
                async with self.stream() as lines:
                    await self._follow(lines)
            await asyncio.sleep(_AGAIN)

    async def _follow(self, lines: AsyncIterator[str]) -> None:
        kind = ""
        async for line in lines:
            if line.startswith("event: "):
                kind = line[7:]
            elif line.startswith("data: "):
                now = SystemClock().now_us()
                self.told(kind, json.loads(line[6:]), now)

    def told(self, kind: str, data: dict[str, Any], now: Micros) -> None:
        """Takes in one event of the stream, read at `now`."""
        if kind == "state":
            self.stages = {call["id"]: call["stage"] for call in data["calls"]}
        elif kind == "call":
            self._call(data, now)
        self._changed.set()

    def _call(self, data: dict[str, Any], now: Micros) -> None:
        call_id, stage = data["id"], data["stage"]
        if stage == Stage.GONE:
            self.stages.pop(call_id, None)
            self._popped.pop(call_id, None)
            return
        if stage == Stage.RINGING and self.stages.get(call_id) != Stage.RINGING and data["at"]:
            before = self._popped.get(call_id)  # the page still has the card of one who comes back
            pop = Pop(self.extension, now - data["at"], before.level if before else "")
            self._popped[call_id] = pop
            self.pops.append(pop)
        self.stages[call_id] = stage
        if call_id in self._popped and "card" in data:
            card = data["card"]
            self._popped[call_id].level = next(
                (level for words, level in self._levels.items() if f"<h2>{words}" in card), ""
            )

    async def talking(self) -> str:
        """Waits until a caller is on the telephone; the call's id. Raises NotDone."""
        await self.until(self._on_the_line, "no caller on the officer's page")
        return str(self._on_the_line())

    def _on_the_line(self) -> str | None:
        return next((call for call, stage in self.stages.items() if stage in _LIVE), None)

    async def until(self, holds: Callable[[], object], what: str, seconds: float = _WITHIN) -> None:
        """Waits until it holds, as far as the page tells. Raises NotDone."""
        try:
            async with asyncio.timeout(seconds):
                while not holds():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise NotDone(f"{self.staff.login}: {what}") from None

    async def released(self, call_id: str, seconds: float) -> None:
        """Waits until the officer's part of the call is over. Raises NotDone."""
        over = {Stage.WRAPUP.value, None}
        await self.until(lambda: self.stages.get(call_id) in over, "the call does not end", seconds)


class Floor:
    """Everyone of the office, there while the block lasts; nobody is signed in afterwards."""

    def __init__(self, office: Office, base: str, lang: Lang) -> None:
        self.people: dict[str, Person] = {}
        self.desks: dict[str, Desk] = {}
        """Extension → who sits there."""
        for staff in STAFF:
            kind = Desk if staff.extension else Person
            person = kind(staff, office.keys[staff.login], base, lang)
            self.people[staff.login] = person
            if isinstance(person, Desk):
                self.desks[staff.extension] = person
        self._listening: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._listening = [asyncio.create_task(desk.listen()) for desk in self.desks.values()]
        return self

    async def sit(self) -> None:
        """Every officer signs in at the own telephone. Raises NotDone."""
        for desk in self.desks.values():
            await desk.sit()

    async def __aexit__(self, *_: object) -> None:
        for desk in self.desks.values():
            with contextlib.suppress(NotDone):
                await desk.act("/agent/sign-out")
        for task in self._listening:
            task.cancel()
        await asyncio.gather(*self._listening, return_exceptions=True)
        for person in self.people.values():
            await person.close()

    @property
    def pops(self) -> list[Pop]:
        """Every caller on every officer's screen."""
        return [pop for desk in self.desks.values() for pop in desk.pops]
