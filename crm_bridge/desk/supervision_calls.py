"""A supervisor at an officer's call: listens, whispers, barges in, leaves, takes the caller over.

Listening, whispering and barging are the supervisor's own telephone at one channel, the officer's
(`dialplan/supervise.conf`). Each way is confirmed by Asterisk's own word that it has begun; another
way within one supervision is another extension for the same channel. From when to when is the time
of Asterisk's events.
"""

from __future__ import annotations

import re
from typing import Final

from crm_bridge.access.account import Account
from crm_bridge.clock import Clock
from crm_bridge.desk.declare import Declare
from crm_bridge.desk.directory import Directory
from crm_bridge.desk.line import Line, LineNode, Part, not_connected, unconfirmed
from crm_bridge.desk.supervision_acting import Acted, Acting
from crm_bridge.desk.supervision_book import Asked, Attempt
from crm_bridge.desk.supervision_log import Act
from crm_bridge.errors import Refused
from ivr.ami import actions
from ivr.calls.members import Presence
from ivr.calls.supervising import Spying

CONTEXT: Final = "desk-supervise"
TRANSFER_CONTEXT: Final = "transfer"
"""Contexts of `dialplan/`; on a foreign dialplan these must be made."""

RING_SECONDS: Final = 20
_WITHIN: Final = 5.0
_FREE_WITHIN: Final = 3.0
"""Seconds a telephone has to be free again after it was hung up."""
_UNIQUEID: Final = re.compile(r"[A-Za-z0-9._-]{1,80}")


class AtCalls:
    """What supervisors do at calls."""

    def __init__(self, acting: Acting, line: Line, directory: Directory, clock: Clock) -> None:
        self.declare: Declare | None = None
        """Puts a take-over on the call's record; without a line there is none."""
        self._acting = acting
        self._line = line
        self._directory = directory
        self._clock = clock

    async def listen(self, by: Account, act: Act, agent: str, call_id: str) -> Acted:
        """The supervisor's telephone is at the officer's call, in this way. Raises Refused.

        Returns when Asterisk says that it has begun; the telephone has to be picked up before.
        """
        return await self._acting.do(
            by, act, lambda attempt: self._listen(by, attempt, agent, call_id),
            to_extension=agent, call_id=call_id,
        )  # fmt: skip

    async def _listen(self, by: Account, attempt: Attempt, agent: str, call_id: str) -> Acted:
        way, mine = attempt.line.act.value, self._acting.telephone(by)
        part = self._part(agent, call_id, mine)
        own = self._own(mine)
        if own is not None and own.spied != part.uniqueid:
            raise Refused(
                "at-another-call",
                "ท่านกำลังอยู่ในสายของเจ้าหน้าที่อีกคน กรุณาออกจากสายนั้นก่อน",
                "you are at another officer's call; leave it first",
            )
        if own is not None and own.way == way:
            return Acted(attempt.line.act, attempt.line.id, changed=False)
        for other in self._line.spyings():
            if other.spied == part.uniqueid and other.spyer != (own.spyer if own else None):
                raise Refused(
                    "supervised-already",
                    f"หัวหน้างานอีกคน (หมายเลข {other.by or '?'}) อยู่ในสายนี้แล้ว",
                    f"another supervisor ({other.by or '?'}) is at this call already",
                )
        if own is not None:
            await self._another_way(part.node, own, way, attempt)
        else:
            await self._ring(part, mine, way, attempt)
        return Acted(attempt.line.act, attempt.line.id)

    async def _ring(self, part: Part, mine: str, way: str, attempt: Attempt) -> None:
        if self._line.parts(mine):
            raise Refused(
                "in-call", "ท่านกำลังอยู่ในสาย", "you are in a call; end it before you listen"
            )
        self._must_be_free(mine)
        if not _UNIQUEID.fullmatch(part.uniqueid):
            raise unconfirmed()
        words = {"listen": "Listen", "whisper": "Whisper", "barge": "Barge"}[way]
        gaps = len(part.live.call.gaps)
        attempt.asked = Asked(mine, part.uniqueid, way)
        await self._line.ring(
            part.node, mine, way, caller_id=f"{words} {part.agent} <{part.agent}>",
            seconds=RING_SECONDS,
            variables={"HOTLINE_SPIED": part.uniqueid, "HOTLINE_SUPERVISOR": mine},
        )  # fmt: skip
        rang = await self._line.until(
            lambda: self._line.presence(mine) is not Presence.FREE, _WITHIN
        )
        if not rang:
            raise Refused(
                "telephone-silent",
                f"เครื่องโทรศัพท์ {mine} ไม่ดัง กรุณาตรวจสอบเครื่อง",
                f"the telephone {mine} did not ring; look whether it is switched on",
            )
        await self._line.until(
            lambda: (
                self._at(mine, part, way) is not None or self._line.presence(mine) is Presence.FREE
            ),
            RING_SECONDS + _WITHIN,
        )
        if self._at(mine, part, way) is not None:
            return
        if not part.present:
            raise _call_over()
        if len(part.live.call.gaps) > gaps:
            raise unconfirmed()  # the line was not heard meanwhile
        raise Refused(
            "telephone-not-answered",
            f"ไม่ได้รับสายที่เครื่อง {mine} จึงยังไม่ได้เข้าฟัง",
            f"the telephone {mine} was not picked up: you are not at the call",
        )

    async def _another_way(self, node: LineNode, own: Spying, way: str, attempt: Attempt) -> None:
        channel = node.tracker.net.channels.get(own.spyer)
        if channel is None:
            raise _call_over()
        attempt.asked = Asked(own.by, own.spied, way)
        await self._line.act(node, actions.redirect("", channel.name, CONTEXT, way))
        await self._line.until(
            lambda: (
                (now := node.tracker.spyings.get(own.spyer)) is not None and now.way == way
            ) or own.spyer not in node.tracker.net.channels,
            _WITHIN,
        )  # fmt: skip
        found = node.tracker.spyings.get(own.spyer)
        if found is None or found.way != way:
            raise unconfirmed()

    async def leave(self, by: Account) -> Acted:
        """The supervisor's telephone leaves the officer's call. Raises Refused."""
        own = self._own(self._acting.telephone(by))
        return await self._acting.do(
            by, Act.LEAVE, lambda attempt: self._leave(by, attempt),
            to_extension=own.agent if own else None,
            call_id=own.live.call.call_id if own else None,
        )  # fmt: skip

    async def _leave(self, by: Account, attempt: Attempt) -> Acted:
        own = self._own(self._acting.telephone(by))
        if own is None:
            return Acted(Act.LEAVE, attempt.line.id, changed=False)
        await self._hang_up(own)
        return Acted(Act.LEAVE, attempt.line.id)

    async def _hang_up(self, own: Spying) -> None:
        for node in self._line.nodes:
            channel = node.tracker.net.channels.get(own.spyer)
            if channel is not None:
                await self._line.act(node, actions.hangup("", channel.name))
        gone = await self._line.until(
            lambda: all(s.spyer != own.spyer for s in self._line.spyings()), _WITHIN
        )
        if not gone:
            raise unconfirmed()

    async def take_over(self, by: Account, agent: str, call_id: str) -> Acted:
        """The caller is handed to the supervisor's telephone, the officer let go. Raises Refused.

        Returns when Asterisk has taken the caller from the officer; not picked up, the caller goes
        back to the officer as after any transfer.
        """
        return await self._acting.do(
            by, Act.TAKE_OVER, lambda attempt: self._take_over(by, attempt, agent, call_id),
            to_extension=agent, call_id=call_id,
        )  # fmt: skip

    async def _take_over(self, by: Account, attempt: Attempt, agent: str, call_id: str) -> Acted:
        mine = self._acting.telephone(by)
        part = self._part(agent, call_id, mine)
        if any(c.by == agent for c in part.live.consults.values()):
            raise Refused(
                "consulting",
                "เจ้าหน้าที่กำลังปรึกษาอีกฝ่ายอยู่ กรุณารอให้กลับมาหาผู้ติดต่อก่อน",
                "the officer is consulting somebody; wait until the caller has the officer back",
            )
        target = self._directory.check(mine, agent)
        if (own := self._own(mine)) is not None:
            if own.spied != part.uniqueid:
                raise Refused(
                    "at-another-call",
                    "ท่านกำลังอยู่ในสายของเจ้าหน้าที่อีกคน กรุณาออกจากสายนั้นก่อน",
                    "you are at another officer's call; leave it first",
                )
            await self._hang_up(own)
            await self._line.until(lambda: self._line.presence(mine) is Presence.FREE, _FREE_WITHIN)
        self._must_be_free(mine)
        # while the telephone was hung up the call may have gone on
        part = self._part(agent, call_id, mine)
        call = part.live.call
        before = len(call.transfers)
        await self._line.act(
            part.node, actions.blind_transfer("", part.channel, target, TRANSFER_CONTEXT)
        )
        if not await self._line.until(
            lambda: len(call.transfers) > before or not part.present, _WITHIN
        ):
            raise unconfirmed()
        if len(call.transfers) == before:
            raise _call_over()
        attempt.handed = (call, call.transfers[before])
        if self.declare is not None:
            await self.declare(call_id, "taken_over", self._clock.now_us(), mine, agent)
        return Acted(Act.TAKE_OVER, attempt.line.id)

    # --- what they ask ---------------------------------------------------------------------------

    def _must_be_free(self, mine: str) -> None:
        presence = self._line.presence(mine)
        if presence is not Presence.FREE:
            raise Refused(
                "telephone-not-free",
                f"เครื่องโทรศัพท์ {mine} ของท่านไม่ว่างหรือไม่พร้อมใช้งาน",
                f"your telephone {mine} is not free ({presence.value})",
            )

    def _part(self, agent: str, call_id: str, mine: str) -> Part:
        """The officer's part in this call, which no transfer moves just now."""
        if agent == mine:
            raise Refused("to-oneself", "นี่คือสายของท่านเอง", "this is your own call")
        found = self._line.live(call_id)
        if found is None:
            raise _call_over()
        node, live = found
        if not node.known:
            raise not_connected()
        if live.transfer is not None:
            raise Refused(
                "transfer-under-way",
                "สายนี้กำลังโอนอยู่ กรุณารอผลการโอน",
                "the call is being transferred; wait for the outcome",
            )
        part = next((p for p in self._line.parts(agent) if p.live is live), None)
        if part is None or not part.channel:
            raise Refused(
                "officer-not-in-call",
                f"เจ้าหน้าที่หมายเลข {agent} ไม่ได้อยู่ในสายนี้",
                f"the officer at {agent} is not in this call",
            )
        return part

    def _own(self, mine: str) -> Spying | None:
        return next((s for s in self._line.spyings() if s.by == mine), None)

    def _at(self, mine: str, part: Part, way: str) -> Spying | None:
        return next(
            (s for s in self._line.spyings()
             if s.by == mine and s.spied == part.uniqueid and s.way == way), None,
        )  # fmt: skip


def _call_over() -> Refused:
    return Refused("call-over", "สายนี้จบแล้ว", "this call is over")
