"""Agents at work, in step with Asterisk's queues both ways.

The desk keeps what each agent wished (on disk) and what the queues say (`Members`); `agent_states`
holds the rules by which one follows from the other. What a person asks for is done at once, or
refused with a reason; what the line tells is worked in by one task (`run`), in order. After each
snapshot everything is compared anew: the desk's wish is sent again, unless the change made at the
telephone system is the newer one. While the line is not heard every state is shown as unknown and
nothing is changed.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from typing import Any, Final

import structlog

from crm_bridge.access.account import Account
from crm_bridge.clock import Clock
from crm_bridge.desk import sittings
from crm_bridge.desk.agent_states import (
    SIGNED_OUT,
    WRAPUP,
    Adopted,
    Seat,
    Sitting,
    Source,
    State,
    Whose,
    adopted,
)
from crm_bridge.desk.line import Line, LineNode, not_connected
from crm_bridge.desk.queue_orders import QueueOrders
from crm_bridge.desk.seat_view import seat_view
from crm_bridge.errors import Refused, StorageError
from crm_bridge.live.hub import Hub
from crm_bridge.records.database import Database
from ivr.calls.call import Call
from ivr.events import types as ev

_log = structlog.get_logger(__name__)

AGAIN: Final = 5.0
"""Seconds after which an order that the line did not take is compared and sent again."""

SOON: Final = 0.1
"""Seconds after which to look again where all is known but the link takes no acts yet."""

LOGGED: Final = "logged"
"""The declared mark by which the record of a call is saved."""


class Agents:
    """Everyone who is signed in at the desk."""

    def __init__(
        self, database: Database, line: Line, hub: Hub, clock: Clock, queues: Collection[str]
    ) -> None:
        """`queues`: the queues that an agent serves unless he names fewer."""
        self.queues = tuple(sorted(queues))
        self.changed: list[Callable[[Seat], None]] = []
        """Told of each seat that has changed; must not wait or raise."""
        self._database = database
        self._line = line
        self._orders = QueueOrders(line)
        self._hub = hub
        self._clock = clock
        self._held: dict[str, Sitting] = {}
        self._in_call: dict[str, str] = {}
        self._removed: dict[str, dict[str, int]] = defaultdict(dict)
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._todo: dict[str, None] = {}
        self._ended: dict[str, str] = {}
        self._wake = asyncio.Event()
        self._reasons: dict[str, sittings.Reason] = {}
        line.on_call.append(self._heard)
        line.on_members.append(self._told)

    async def load(self) -> None:
        """Takes up who was signed in when the desk was last here."""
        async with self._database.reading() as connection:
            found = await sittings.open_sittings(connection)
            self._reasons = {r.code: r for r in await sittings.reasons(connection, every=True)}
        self._held = {sitting.extension: sitting for sitting in found}
        for _, live in self._line.lives():
            self._heard(live.call)
        for extension in self._held:
            self._look_at(extension)

    async def run(self) -> None:
        """Works in what the line tells, until cancelled."""
        while True:
            self._wake.clear()
            while self._todo:
                extension = next(iter(self._todo))
                del self._todo[extension]
                try:
                    await self._settle(extension)
                except (Refused, StorageError) as error:
                    _log.warning("agent's state not in step", agent=extension, why=str(error))
                    asyncio.get_running_loop().call_later(AGAIN, self._look_at, extension)
            await self._wake.wait()

    # --- what screens see ------------------------------------------------------------------------

    def seat(self, extension: str) -> Seat:
        """An extension as it stands now."""
        node = self._line.node_of(extension)
        members = self._line.members(extension)
        return Seat(
            extension,
            known=node is not None and node.known,
            presence=self._line.presence(extension),
            sitting=self._held.get(extension),
            in_call=self._in_call.get(extension),
            paused_in=tuple(m.queue for m in members if m.paused),
            queues=tuple(m.queue for m in members),
        )

    def seats(self) -> list[Seat]:
        """Every extension that is there, or that somebody sits at."""
        there = {*self._line.extensions(), *self._held}
        return [self.seat(extension) for extension in sorted(there)]

    def of_account(self, account_id: str) -> Sitting | None:
        """Where a person sits."""
        return next((s for s in self._held.values() if s.account_id == account_id), None)

    def at(self, extension: str) -> Sitting | None:
        """Who sits at an extension."""
        return self._held.get(extension)

    def sitting(self) -> list[Sitting]:
        """Everybody who is signed in at a telephone, in order of the extensions."""
        return [self._held[extension] for extension in sorted(self._held)]

    def reason(self, code: str | None) -> sittings.Reason | None:
        """The pause's reason of this code; `None` for one the catalogue has not."""
        return self._reasons.get(code or "")

    # --- what a person asks for ------------------------------------------------------------------

    async def sign_in(
        self,
        by: Account,
        extension: str,
        *,
        ready: bool = True,
        queues: Iterable[str] | None = None,
    ) -> Seat:
        """Sits a person down at an extension; the same again changes nothing. Raises Refused."""
        wanted = self._queues_of(queues)
        if extension not in self._line.extensions():
            if not any(node.known for node in self._line.nodes):
                raise not_connected()
            raise Refused(
                "no-such-extension",
                f"ไม่มีเครื่องโทรศัพท์หมายเลข {extension} ในระบบ",
                f"there is no officer's telephone {extension}",
                422,
                {"extension": ("ไม่มีหมายเลขนี้", "no such number")},
            )
        async with self._locks[extension]:
            elsewhere = self.of_account(by.id)
            if elsewhere is not None and elsewhere.extension == extension:
                return self.seat(extension)
            if elsewhere is not None:
                raise Refused(
                    "signed-in-elsewhere",
                    f"ท่านลงชื่อเข้าปฏิบัติงานที่หมายเลข {elsewhere.extension} อยู่แล้ว กรุณาลงชื่อออกก่อน",
                    f"you are signed in at {elsewhere.extension}; sign out there first",
                )
            if (taken := self._held.get(extension)) is not None:
                raise Refused(
                    "extension-taken",
                    f"หมายเลข {extension} มีผู้ใช้อยู่ ({taken.name_th})",
                    f"extension {extension} is taken ({taken.name_en or taken.name_th})",
                )
            node = self._reached(extension)
            now = self._clock.now_us()
            sitting = Sitting(
                uuid.uuid4().hex, by.id, extension, wanted, now, uuid.uuid4().hex,
                State.READY if ready else State.PAUSED, now, Source.DESK,
                None if ready else "personal", None, by.name_th, by.name_en,
            )  # fmt: skip
            self._held[extension] = sitting
            self._removed.pop(extension, None)
            try:
                await self._orders.send(node, sitting, in_call=sitting.extension in self._in_call)
                async with self._database.writing() as connection:
                    await sittings.begin(connection, sitting)
            except (Refused, StorageError):
                del self._held[extension]
                await self._orders.take_back(node, sitting)
                self._publish(extension)
                raise
        self._publish(extension)
        return self.seat(extension)

    async def ready(self, account_id: str, *, by: Account | None = None) -> Seat:
        """The agent takes calls from here on; `by`: a supervisor's doing. Raises Refused."""
        return await self._ask(account_id, State.READY, by=by)

    async def pause(self, account_id: str, reason: str, *, by: Account | None = None) -> Seat:
        """The agent takes no calls, for this reason; `by`: a supervisor's doing. Raises Refused."""
        async with self._database.reading() as connection:
            self._reasons = {r.code: r for r in await sittings.reasons(connection, every=True)}
            offered = {r.code for r in await sittings.reasons(connection)}
        if reason not in offered:
            raise Refused(
                "no-such-reason", "ไม่มีเหตุผลการพักนี้", "there is no such reason for a pause", 422,
                {"reason": ("กรุณาเลือกเหตุผล", "choose a reason")},
            )  # fmt: skip
        return await self._ask(account_id, State.PAUSED, reason, by=by)

    async def sign_out(self, account_id: str, *, why: str = "desk") -> Seat | None:
        """The agent leaves: taken out of his queues. Nothing where he was not signed in."""
        sitting = self.of_account(account_id)
        if sitting is None:
            return None
        extension = sitting.extension
        async with self._locks[extension]:
            sitting = self._held.get(extension)
            if sitting is None or sitting.account_id != account_id:
                return None
            if extension in self._in_call:
                raise _in_call() if why == "desk" else _officer_in_call()
            node = self._reached(extension)
            now = self._clock.now_us()
            del self._held[extension]
            try:
                await self._orders.leave(node, extension)
                async with self._database.writing() as connection:
                    await sittings.end(connection, sitting, now, why)
            except (Refused, StorageError):
                self._held[extension] = sitting
                self._look_at(extension)
                raise
        self._publish(extension)
        return self.seat(extension)

    async def record_saved(self, extension: str, call_id: str) -> None:
        """The record of a call is saved: who was in its wrap-up is ready again."""
        sitting = self._held.get(extension)
        if self._ended.get(extension) == call_id:
            self._ended[extension] = ""  # its end is not worked in yet
        elif sitting is not None and sitting.state is State.WRAPUP and sitting.call_id == call_id:
            await self._ask(sitting.account_id, State.READY, source=Source.CALL)

    async def _ask(
        self,
        account_id: str,
        state: State,
        reason: str | None = None,
        *,
        source: Source = Source.DESK,
        by: Account | None = None,
    ) -> Seat:
        sitting = self.of_account(account_id)
        if sitting is None:
            raise Refused(
                "not-signed-in-at-a-telephone",
                "ท่านยังไม่ได้ลงชื่อเข้าปฏิบัติงานที่เครื่องโทรศัพท์",
                "you are not signed in at a telephone",
            )
        extension = sitting.extension
        async with self._locks[extension]:
            sitting = self._held.get(extension)
            if sitting is None or sitting.account_id != account_id:
                return self.seat(extension)
            if (sitting.state, sitting.reason) == (state, reason):
                return self.seat(extension)
            if extension in self._in_call:
                raise _in_call() if by is None else _officer_in_call()
            node = self._reached(extension)
            after = sitting.to(
                state, self._clock.now_us(), Source.SUPERVISOR if by is not None else source,
                uuid.uuid4().hex, reason=reason,
                by=Whose(by.id, by.name_th, by.name_en) if by is not None else None,
            )  # fmt: skip
            try:
                await self._become(node, sitting, after)
            except (Refused, StorageError):
                self._look_at(extension)
                raise
        self._publish(extension)
        return self.seat(extension)

    async def _become(self, node: LineNode | None, before: Sitting, after: Sitting) -> None:
        """To Asterisk first (where `node` is given), then to disk; where that fails, as before.

        What Asterisk has taken by then is for whoever asked to compare again.
        """
        self._held[after.extension] = after
        try:
            if node is not None:
                await self._orders.send(node, after, in_call=after.extension in self._in_call)
            async with self._database.writing() as connection:
                await sittings.change(connection, before, after)
        except (Refused, StorageError):
            self._held[before.extension] = before
            raise

    def _queues_of(self, queues: Iterable[str] | None) -> tuple[str, ...]:
        if queues is None:
            return self.queues
        wanted = tuple(sorted(set(queues)))
        if not wanted or not set(wanted) <= set(self.queues):
            raise Refused(
                "no-such-queue", "ไม่มีคิวบริการนี้", "there is no such queue", 422,
                {"queues": ("กรุณาเลือกคิวบริการ", "choose at least one queue")},
            )  # fmt: skip
        return wanted

    def _reached(self, extension: str) -> LineNode:
        node = self._line.node_of(extension)
        if node is None or not node.known:
            raise not_connected()
        return node

    # --- from Asterisk ---------------------------------------------------------------------------

    def _heard(self, call: Call, _event: ev.Event | None = None) -> None:
        """A call has changed: who is in it, and who no longer is."""
        for part in call.agents:
            extension = part.agent
            here = self._in_call.get(extension) == call.call_id
            if part.released_at is None and not call.closed:
                if not here:
                    self._in_call[extension] = call.call_id
                    self._look_at(extension)
            elif here and all(
                p.released_at is not None or call.closed
                for p in call.agents
                if p.agent == extension
            ):
                del self._in_call[extension]
                saved = any(m.name == LOGGED and m.by == extension for m in call.marks)
                self._ended[extension] = "" if saved else call.call_id
                self._look_at(extension)

    def _told(self, node: str, event: ev.Event) -> None:
        """Members, telephones, or what is known of them."""
        match event:
            case ev.MemberRemoved():
                name = self._line.directory.member(event.interface)
                if name in self._held:
                    self._removed[name][event.queue] = event.at
                self._look_at(name)
            case ev.MemberTold():
                self._look_at(event.name)
            case ev.PresenceTold():
                if event.exten in self._held or self._line.directory.is_agent_number(event.exten):
                    self._publish(event.exten)
            case _:
                for extension in self._held:
                    self._look_at(extension)

    def _look_at(self, extension: str) -> None:
        self._todo[extension] = None
        self._wake.set()

    async def _settle(self, extension: str) -> None:
        """Compares one agent with the line, and mends what differs."""
        async with self._locks[extension]:
            sitting = self._held.get(extension)
            if sitting is None:
                self._ended.pop(extension, None)
                self._publish(extension)
                return
            node = self._line.node_of(extension)
            reached = node if node is not None and node.known else None
            if reached is None and node is not None and node.members.known:
                # The snapshot's end is worked in a moment before the link takes acts.
                asyncio.get_running_loop().call_later(SOON, self._look_at, extension)
            call_id = self._ended.pop(extension, None)
            if call_id and sitting.state is State.READY:
                after = sitting.to(
                    State.WRAPUP, self._clock.now_us(), Source.CALL, uuid.uuid4().hex,
                    call_id=call_id,
                )  # fmt: skip
                # not kept, it is left out: while the disk is full, callers still come first
                await self._become(reached, sitting, after)
            elif reached is not None:
                await self._compare(reached, sitting)
        self._publish(extension)

    async def _compare(self, node: LineNode, sitting: Sitting) -> None:
        extension = sitting.extension
        removed = self._removed.pop(extension, {})
        found = adopted(
            sitting, extension in self._in_call, node.members.of(extension), removed, self._reasons
        )
        if found is None:
            await self._orders.send(node, sitting, in_call=sitting.extension in self._in_call)
            return
        _log.info("taken over from the line", agent=extension, state=found.state or SIGNED_OUT)
        if found.state is None:
            try:
                async with self._database.writing() as connection:
                    await sittings.end(connection, sitting, found.at, "line")
            except StorageError:
                self._removed[extension] = {**removed, **self._removed[extension]}  # tried again
                raise
            del self._held[extension]
            return
        after = self._taken_over(sitting, found)
        await self._become(node, sitting, after)

    @staticmethod
    def _taken_over(sitting: Sitting, found: Adopted) -> Sitting:
        if found.state is None or (found.state, found.reason) == (sitting.state, sitting.reason):
            return replace(sitting, queues=found.queues)
        after = sitting.to(
            found.state, found.at, Source.LINE, uuid.uuid4().hex, reason=found.reason
        )
        return replace(after, queues=found.queues)

    def _publish(self, extension: str) -> None:
        seat = self.seat(extension)
        view = self.view(seat)
        self._hub.publish(f"agent:{extension}", "state", view, key=extension)
        self._hub.publish("agents", "state", view, key=extension)
        for listener in self.changed:
            listener(seat)

    def view(self, seat: Seat) -> dict[str, Any]:
        """A seat as the API and the screens' stream tell it."""
        reason = self.reason(seat.sitting.reason) if seat.sitting is not None else None
        return seat_view(seat, reason)


def _officer_in_call() -> Refused:
    return Refused(
        "in-call",
        "เจ้าหน้าที่กำลังอยู่ในสาย กรุณาทำรายการหลังจบสาย",
        "the officer is in a call; do this when it is over",
    )


def _in_call() -> Refused:
    return Refused(
        "in-call",
        "ท่านกำลังอยู่ในสาย กรุณาทำรายการหลังจบสาย",
        "you are in a call; do this when it is over",
    )


__all__ = ["WRAPUP", "Agents"]
