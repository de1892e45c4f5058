"""Call control from the desk: each act is checked against the call as it is, sent, and confirmed.

An act returns when the line has shown that it happened, not when Asterisk has taken the order; what
the line does not show in time is refused as unconfirmed, and the screen goes by the call itself.
While an act of an officer is on its way, or a transfer of the call is under way, there is no other:
Asterisk swaps channels then, and an order would hit whatever stands there at that moment. The same
act asked for again meanwhile (a double click) waits for the first and has its answer.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from crm_bridge.clock import Clock
from crm_bridge.desk.declare import Declare
from crm_bridge.desk.directory import Directory
from crm_bridge.desk.line import Line, LineNode, Part, not_connected, unconfirmed
from crm_bridge.desk.one_at_a_time import OneAtATime
from crm_bridge.desk.recorded import recording_of
from crm_bridge.errors import Refused
from ivr.ami import actions
from ivr.calls.call import Call
from ivr.calls.members import Presence
from ivr.events.types import Event

_log = structlog.get_logger(__name__)

TRANSFER_CONTEXT: Final = "transfer"
"""Of `dialplan/`, as `line.RING_CONTEXT`; on a foreign dialplan these must be made."""

HOLD_WITHIN: Final = 2.0
"""Seconds a telephone has to hold when it is asked to; else it cannot."""
_WITHIN: Final = 5.0
"""Seconds the line has to show that an act happened."""
_RING_SECONDS: Final = 25
_SAME_CALL_SECONDS: Final = 8.0
"""A call back to the same number within this is the same act."""

_NATIONAL: Final = re.compile(r"0[1-9][0-9]{7,8}")
_CALL_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,80}")


@dataclass(frozen=True, slots=True)
class Done:
    """An act that has happened, or already was so."""

    act: str
    call_id: str
    changed: bool = True
    """False where it was so before."""


class Control:
    """What officers do with their calls from the desk. `agent` is the officer's id on the line."""

    def __init__(self, line: Line, directory: Directory, clock: Clock) -> None:
        self._line = line
        self._clock = clock
        self._directory = directory
        self._once = OneAtATime[Done]()
        self._called: dict[str, tuple[str, float, Done]] = {}
        self._resuming: dict[str, asyncio.Task[None]] = {}
        self.declare: Declare | None = None
        """Puts a pause of the recording on the call's record; the bridge sets it."""

    # --- hold ------------------------------------------------------------------------------------

    async def hold(self, agent: str, call_id: str) -> Done:
        """The officer's telephone puts the caller on hold. Raises Refused."""
        return await self._once(agent, f"hold {call_id}", lambda: self._hold(agent, call_id))

    async def _hold(self, agent: str, call_id: str) -> Done:
        part = self._free(agent, call_id)
        self._not_consulting(part)
        if part.uniqueid in part.live.holds:
            return Done("hold", call_id, changed=False)
        await self._tell_telephone(part, "1")
        await self._telephone_did(
            part, lambda: part.uniqueid in part.live.holds or not part.present
        )
        return Done("hold", call_id)

    async def resume(self, agent: str, call_id: str) -> Done:
        """The officer's telephone takes the caller back from hold. Raises Refused."""
        return await self._once(agent, f"resume {call_id}", lambda: self._resume(agent, call_id))

    async def _resume(self, agent: str, call_id: str) -> Done:
        part = self._free(agent, call_id)
        self._not_consulting(part)
        if part.uniqueid not in part.live.holds:
            return Done("resume", call_id, changed=False)
        await self._tell_telephone(part, "2")
        await self._telephone_did(part, lambda: part.uniqueid not in part.live.holds)
        return Done("resume", call_id)

    async def _tell_telephone(self, part: Part, key: str) -> None:
        """Presses the feature code that makes Asterisk ask the telephone (features.conf)."""
        for digit in ("A", key):
            await self._line.act(part.node, actions.press("", part.channel, digit))

    async def _telephone_did(self, part: Part, holds: Callable[[], bool]) -> None:
        if not await self._line.until(holds, HOLD_WITHIN):
            raise Refused(
                "use-the-telephone",
                "เครื่องโทรศัพท์นี้ไม่รับคำสั่งพักสายจากหน้าจอ กรุณาใช้ปุ่มพักสายบนเครื่องโทรศัพท์",
                "this telephone does not take hold from the screen;"
                " use the hold key of the telephone",
            )

    # --- transfer, consultation ------------------------------------------------------------------

    async def blind_transfer(self, agent: str, call_id: str, number: str) -> Done:
        """Hands the caller to a number without speaking to it first. Raises Refused."""
        return await self._once(
            agent, f"blind {call_id} {number}", lambda: self._blind(agent, call_id, number)
        )

    async def _blind(self, agent: str, call_id: str, number: str) -> Done:
        part = self._free(agent, call_id)
        self._not_consulting(part)
        target = self._directory.check(number, agent)
        before = len(part.live.call.transfers)
        await self._line.act(
            part.node, actions.blind_transfer("", part.channel, target, TRANSFER_CONTEXT)
        )
        await self._shown(lambda: len(part.live.call.transfers) > before or not part.present)
        return Done("blind", call_id)

    async def consult(self, agent: str, call_id: str, number: str) -> Done:
        """The officer speaks with a number while the caller waits. Raises Refused."""
        return await self._once(
            agent, f"consult {call_id} {number}", lambda: self._consult(agent, call_id, number)
        )

    async def _consult(self, agent: str, call_id: str, number: str) -> Done:
        part = self._free(agent, call_id)
        self._not_consulting(part)
        if part.uniqueid in part.live.holds:
            raise Refused(
                "on-hold",
                "สายนี้พักอยู่ที่เครื่องโทรศัพท์ กรุณารับสายกลับก่อนปรึกษาหน่วยงาน",
                "the call is on hold at the telephone; take it back before you consult",
            )
        target = self._directory.check(number, agent)
        before = len(part.live.call.consultations)
        await self._line.act(
            part.node, actions.attended_transfer("", part.channel, target, TRANSFER_CONTEXT)
        )
        await self._shown(lambda: len(part.live.call.consultations) > before or not part.present)
        return Done("consult", call_id)

    async def complete(self, agent: str, call_id: str) -> Done:
        """Hands the caller to whom the officer consults, and leaves. Raises Refused."""
        return await self._once(
            agent, f"complete {call_id}", lambda: self._complete(agent, call_id)
        )

    async def _complete(self, agent: str, call_id: str) -> Done:
        part = self._free(agent, call_id)
        self._consulting(part)
        # Asterisk joins the two when the one who consults hangs up, as with the feature code.
        await self._line.act(part.node, actions.hangup("", part.channel))
        await self._shown(lambda: not part.present)
        return Done("complete", call_id)

    async def back(self, agent: str, call_id: str) -> Done:
        """Ends the consultation; the officer has the caller again. Raises Refused."""
        return await self._once(agent, f"back {call_id}", lambda: self._back(agent, call_id))

    async def _back(self, agent: str, call_id: str) -> Done:
        part = self._free(agent, call_id)
        self._consulting(part)
        await self._line.act(part.node, actions.cancel_attended_transfer("", part.channel))
        await self._shown(lambda: part.uniqueid not in part.live.consults or not part.present)
        return Done("back", call_id)

    async def hang_up(self, agent: str, call_id: str) -> Done:
        """Ends the officer's part, and with it the call. Raises Refused."""
        return await self._once(agent, f"hangup {call_id}", lambda: self._hang_up(agent, call_id))

    async def _hang_up(self, agent: str, call_id: str) -> Done:
        part = self._free(agent, call_id)
        self._not_consulting(part)
        await self._line.act(part.node, actions.hangup("", part.channel))
        await self._shown(lambda: not part.present)
        return Done("hangup", call_id)

    # --- recording -------------------------------------------------------------------------------

    async def pause_recording(self, agent: str, call_id: str) -> Done:
        """What is spoken from now on is silence in the recording. Raises Refused."""
        return await self._once(
            agent, f"pause recording {call_id}", lambda: self._mute(agent, call_id, True)
        )

    async def resume_recording(self, agent: str, call_id: str) -> Done:
        """What is spoken from now on is recorded again. Raises Refused."""
        return await self._once(
            agent, f"resume recording {call_id}", lambda: self._mute(agent, call_id, False)
        )

    async def _mute(self, agent: str, call_id: str, paused: bool) -> Done:
        part = self._free(agent, call_id)
        act = "recording_paused" if paused else "recording_resumed"
        recording = recording_of(part.live.call)
        if recording is None:
            raise Refused("not-recorded", "สายนี้ไม่มีการบันทึกเสียง", "this call is not recorded")
        if (recording.paused is not None) == paused:
            return Done(act, call_id, changed=False)
        channel = part.live.caller.name
        await self._line.act(part.node, actions.mute_recording("", channel, muted=paused))
        if self.declare is not None:
            await self.declare(call_id, act, self._clock.now_us(), agent)
        return Done(act, call_id)

    def heard(self, call: Call, _event: Event) -> None:
        """A pause ends with the part of the officer who asked for it; never waits or raises."""
        recording = recording_of(call)
        if recording is None or recording.paused is None or call.ended_at is not None:
            return
        there = any(p.agent == recording.by and p.released_at is None for p in call.agents)
        if there or call.call_id in self._resuming:
            return
        work = self._record_again(call.call_id, recording.by)
        task = asyncio.create_task(work, name="record again")
        self._resuming[call.call_id] = task
        task.add_done_callback(lambda _: self._resuming.pop(call.call_id, None))

    async def _record_again(self, call_id: str, by: str) -> None:
        found = self._line.live(call_id)
        if found is None or self.declare is None:
            return
        node, live = found
        try:
            await self._line.act(node, actions.mute_recording("", live.caller.name, muted=False))
            await self.declare(call_id, "recording_resumed", self._clock.now_us(), by)
        except Refused as fault:
            _log.info("a recording stays paused", call=call_id, why=fault.code)

    # --- calls back ------------------------------------------------------------------------------

    async def call_back(self, agent: str, number: str, lost_call: str = "") -> Done:
        """Rings the officer's own telephone, then the number over the trunk. Raises Refused.

        `number` is a Thai number, national (`0812345678`) or E.164; `lost_call` the id of the call
        that is called back, empty where there is none.
        """
        asked = national(number)
        if lost_call and not _CALL_ID.fullmatch(lost_call):
            raise Refused("no-such-call", "ไม่พบสายนี้", "there is no such call", 404)
        last = self._called.get(agent)
        now = asyncio.get_running_loop().time()
        if last is not None and last[0] == asked and now - last[1] < _SAME_CALL_SECONDS:
            return last[2]
        return await self._once(
            agent, f"callback {asked}", lambda: self._call_back(agent, asked, lost_call)
        )

    async def _call_back(self, agent: str, number: str, lost_call: str) -> Done:
        node = self._node(agent)
        if self._line.parts(agent):
            raise Refused(
                "in-call", "ท่านกำลังอยู่ในสาย", "you are in a call; end it before you call back"
            )
        presence = self._line.presence(agent)
        if presence is not Presence.FREE:
            raise Refused(
                "telephone-not-free",
                f"เครื่องโทรศัพท์ {agent} ไม่ว่างหรือไม่พร้อมใช้งาน",
                f"the telephone {agent} is not free ({presence.value})",
            )
        await self._line.ring(
            node, agent, number, caller_id=f"{number} <{number}>", seconds=_RING_SECONDS,
            variables={"HOTLINE_FOR": lost_call},
        )  # fmt: skip
        if not await self._line.until(
            lambda: self._line.presence(agent) is not Presence.FREE, _WITHIN
        ):
            raise Refused(
                "telephone-silent",
                f"เครื่องโทรศัพท์ {agent} ไม่ดัง กรุณาตรวจสอบเครื่อง",
                f"the telephone {agent} did not ring; look whether it is switched on",
            )
        done = Done("callback", lost_call)
        self._called[agent] = (number, asyncio.get_running_loop().time(), done)
        return done

    # --- what every act asks ---------------------------------------------------------------------

    def _node(self, agent: str) -> LineNode:
        node = self._line.node_of(agent)
        if node is None or not node.known:
            raise not_connected()
        return node

    def _free(self, agent: str, call_id: str) -> Part:
        """The officer's part in this call, which no transfer moves just now."""
        found = self._line.live(call_id)
        if found is None:
            raise Refused("call-over", "สายนี้จบแล้ว", "this call is over")
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
            raise Refused("not-your-call", "สายนี้ไม่ใช่สายของท่าน", "this is not your call", 403)
        return part

    @staticmethod
    def _not_consulting(part: Part) -> None:
        if _own_consultation(part) is not None:
            raise Refused(
                "consulting",
                "ท่านกำลังปรึกษาอีกฝ่ายอยู่ กรุณาโอนสายให้ หรือกลับมาหาผู้โทรก่อน",
                "you are consulting somebody; hand the caller over or come back first",
            )

    @staticmethod
    def _consulting(part: Part) -> None:
        key = _own_consultation(part)
        if key is None:
            raise Refused(
                "not-consulting", "ท่านไม่ได้กำลังปรึกษาหน่วยงาน", "you are not consulting anybody"
            )
        if key != part.uniqueid:
            raise Refused(
                "use-the-telephone",
                "การปรึกษานี้เริ่มจากเครื่องโทรศัพท์ กรุณาโอนหรือวางสายที่เครื่องโทรศัพท์",
                "this consultation was begun at the telephone; finish it there",
            )

    async def _shown(self, holds: Callable[[], bool]) -> None:
        if not await self._line.until(holds, _WITHIN):
            raise unconfirmed()


def _own_consultation(part: Part) -> str | None:
    """The key of the consultation of this officer, `None` where there is none."""
    return next((key for key, c in part.live.consults.items() if c.by == part.agent), None)


def national(number: str) -> str:
    """A Thai number as the trunk takes it: `0812345678`. Raises Refused for any other."""
    digits = re.sub(r"[\s()-]", "", number)
    if digits.startswith("+66"):
        digits = "0" + digits[3:].lstrip("0")
    if not _NATIONAL.fullmatch(digits):
        raise Refused(
            "number-not-allowed",
            "โทรกลับได้เฉพาะหมายเลขโทรศัพท์ในประเทศไทย 9 หรือ 10 หลัก",
            "only Thai telephone numbers of 9 or 10 digits can be called back",
            422,
            {"number": ("หมายเลขไม่ถูกต้อง", "not a number that can be called")},
        )
    return digits
