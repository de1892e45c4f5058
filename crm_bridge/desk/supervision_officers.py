"""What a supervisor does to officers away from calls: their state, and messages to their desks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from crm_bridge.access.account import Account
from crm_bridge.clock import Clock
from crm_bridge.desk import notices
from crm_bridge.desk.agent_states import Seat, Sitting
from crm_bridge.desk.agents import Agents
from crm_bridge.desk.supervision_acting import Acted, Acting
from crm_bridge.desk.supervision_book import Attempt
from crm_bridge.desk.supervision_log import Act
from crm_bridge.errors import Refused
from crm_bridge.live.hub import Hub
from crm_bridge.records.database import Database

LONGEST: Final = 500
"""Characters of a message."""


class ToOfficers:
    """What supervisors do to officers."""

    def __init__(
        self, acting: Acting, database: Database, agents: Agents, hub: Hub, clock: Clock
    ) -> None:
        self._acting = acting
        self._database = database
        self._agents = agents
        self._hub = hub
        self._clock = clock

    async def pause(self, by: Account, extension: str, reason: str) -> Acted:
        """The officer takes no calls, for this reason. Raises Refused."""
        return await self._state(
            by, Act.PAUSE, extension,
            lambda sitting: self._agents.pause(sitting.account_id, reason, by=by), reason,
        )  # fmt: skip

    async def ready(self, by: Account, extension: str) -> Acted:
        """The officer's pause or wrap-up is over. Raises Refused."""
        return await self._state(
            by, Act.READY, extension,
            lambda sitting: self._agents.ready(sitting.account_id, by=by),
        )  # fmt: skip

    async def sign_out(self, by: Account, extension: str) -> Acted:
        """The officer is taken out of the queues and the telephone; told on the desk. Refused."""
        if self._agents.at(extension) is None:
            return Acted(Act.SIGN_OUT, "", changed=False)
        told = ""

        async def work(sitting: Sitting) -> Seat | None:
            nonlocal told
            told = sitting.account_id
            return await self._agents.sign_out(sitting.account_id, why="supervisor")

        done = await self._state(by, Act.SIGN_OUT, extension, work)
        if told and told != by.id:
            await self._tell(done.id, by, [told], notices.Kind.SIGNED_OUT, "")
        return done

    async def _state(
        self,
        by: Account,
        act: Act,
        extension: str,
        work: Callable[[Sitting], Awaitable[Seat | None]],
        detail: str = "",
    ) -> Acted:
        sitting = self._agents.at(extension)

        async def run(attempt: Attempt) -> Acted:
            if sitting is None:
                raise Refused(
                    "nobody-sits-there",
                    f"ไม่มีเจ้าหน้าที่ลงชื่อเข้าปฏิบัติงานที่หมายเลข {extension}",
                    f"nobody is signed in at {extension}",
                )
            before = (sitting.state, sitting.reason)
            await work(sitting)
            after = self._agents.at(extension)
            changed = after is None or (after.state, after.reason) != before
            return Acted(act, attempt.line.id, changed)

        return await self._acting.do(
            by, act, run, to_extension=extension,
            to_account=sitting.account_id if sitting else None, detail=detail,
        )  # fmt: skip

    # --- messages --------------------------------------------------------------------------------

    async def message(self, by: Account, text: str, extension: str | None) -> Acted:
        """Writes to the desk of who sits at an extension; `None`: of all. Raises Refused."""
        words = text.strip()
        sitting = self._agents.at(extension) if extension is not None else None
        to = (
            [s.account_id for s in self._agents.sitting() if s.account_id != by.id]
            if extension is None
            else [sitting.account_id]
            if sitting is not None
            else []
        )

        async def run(attempt: Attempt) -> Acted:
            if not words or len(words) > LONGEST:
                raise Refused(
                    "message-text", f"ข้อความต้องมี 1 ถึง {LONGEST} ตัวอักษร",
                    f"a message has 1 to {LONGEST} characters", 422,
                    {"text": ("กรุณาพิมพ์ข้อความ", "write a message")},
                )  # fmt: skip
            if not to:
                raise Refused(
                    "nobody-sits-there",
                    "ไม่มีเจ้าหน้าที่ลงชื่อเข้าปฏิบัติงานอยู่ที่นั่น",
                    "nobody is signed in there",
                )
            await self._tell(attempt.line.id, by, to, notices.Kind.MESSAGE, words)
            return Acted(Act.MESSAGE, attempt.line.id, to=len(to))

        return await self._acting.do(
            by, Act.MESSAGE, run, to_extension=extension,
            to_account=sitting.account_id if sitting else None, asked=words,
        )  # fmt: skip

    async def _tell(
        self, act_id: str, by: Account, to: list[str], kind: notices.Kind, body: str
    ) -> None:
        async with self._database.writing() as connection:
            await notices.send(
                connection, act_id=act_id, by=by.id, to=to, kind=kind, body=body,
                at=self._clock.now_us(),
            )  # fmt: skip
        notices.tell(self._hub, to)
