"""What every act of a supervisor asks: to be allowed, one at a time, and written in the book."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from crm_bridge.access.account import Account
from crm_bridge.clock import Clock
from crm_bridge.config_supervision import SupervisionSection
from crm_bridge.desk import supervision_log
from crm_bridge.desk.agents import Agents
from crm_bridge.desk.one_at_a_time import OneAtATime
from crm_bridge.desk.supervision_book import Attempt, Book
from crm_bridge.desk.supervision_log import LASTING, Act
from crm_bridge.errors import Refused

SETTING: Final[dict[Act, str]] = {
    Act.LISTEN: "listen",
    Act.WHISPER: "whisper",
    Act.BARGE: "barge",
    Act.TAKE_OVER: "take_over",
    Act.PAUSE: "force_pause",
    Act.READY: "force_pause",
    Act.SIGN_OUT: "force_sign_out",
    Act.MESSAGE: "message",
}
"""Act → the setting of `[supervision]` that can forbid it; to leave is always allowed."""


AT_CALLS: Final = frozenset({*LASTING, Act.TAKE_OVER, Act.LEAVE})
"""Acts that need the supervisor's own telephone."""


@dataclass(frozen=True, slots=True)
class Acted:
    """An act that has happened, or already was so."""

    act: Act
    id: str
    changed: bool = True
    """False where it was so before."""
    to: int = 0
    """Of a message: to how many it went."""


class Acting:
    """The common way of all acts; one for the whole bridge."""

    def __init__(self, book: Book, agents: Agents, clock: Clock, rules: SupervisionSection) -> None:
        self.rules = rules
        self._book = book
        self._agents = agents
        self._clock = clock
        self._once = OneAtATime[Acted]()

    async def do(
        self,
        by: Account,
        act: Act,
        work: Callable[[Attempt], Awaitable[Acted]],
        *,
        to_extension: str | None = None,
        to_account: str | None = None,
        call_id: str | None = None,
        detail: str = "",
        asked: str = "",
    ) -> Acted:
        """Writes the act down, does it, and writes down how it came out."""
        if to_account is None and to_extension is not None:
            sitting = self._agents.at(to_extension)
            to_account = sitting.account_id if sitting is not None else None
        mine = self._agents.of_account(by.id)
        line = supervision_log.Line(
            uuid.uuid4().hex, act, by.id, self._clock.now_us(),
            mine.extension if mine is not None else None, to_account, to_extension, call_id, detail,
        )  # fmt: skip

        async def work_if_allowed(attempt: Attempt) -> Acted:
            self.allowed(act)
            return await work(attempt)

        async def run() -> Acted:
            return await self._book.audited(line, work_if_allowed)

        # one telephone does one thing at a time; what needs none does not wait until it is answered
        line_of = by.id if act in AT_CALLS else f"{by.id} {act} {to_extension}"
        return await self._once(line_of, f"{act} {to_extension} {call_id} {detail} {asked}", run)

    def allowed(self, act: Act) -> None:
        """Raises Refused (403) where a setting forbids it."""
        setting = SETTING.get(act)
        if setting is not None and not getattr(self.rules, setting):
            raise Refused(
                "forbidden-by-setting",
                f"หน่วยงานตั้งค่าไม่อนุญาตให้ทำรายการนี้ ([supervision] {setting} = false)",
                f"this act is forbidden by setting ([supervision] {setting} = false)",
                403,
            )

    def telephone(self, by: Account) -> str:
        """The extension where the supervisor sits. Raises Refused."""
        sitting = self._agents.of_account(by.id)
        if sitting is None:
            raise Refused(
                "not-signed-in-at-a-telephone",
                "ท่านยังไม่ได้ลงชื่อเข้าปฏิบัติงานที่เครื่องโทรศัพท์",
                "you are not signed in at a telephone",
            )
        return sitting.extension
