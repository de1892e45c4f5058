"""The live line as the desk uses it: calls in progress, queue members, telephones, and acts.

It remembers nothing of its own: trackers and members of the nodes are the bridge's. What it adds
is to wait for something to become so, and to say in plain words why an act cannot be done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

import structlog

from crm_bridge.errors import Refused
from ivr.ami import actions
from ivr.ami.actions import Action
from ivr.ami.errors import ActionRefused, ActionTimeout, AmiError, NotConnected
from ivr.ami.message import fields
from ivr.ami.reconnect import Link, LinkState
from ivr.calls.call import Call
from ivr.calls.directory import Directory
from ivr.calls.live import Live
from ivr.calls.members import Member, Members, Presence
from ivr.calls.supervising import Spying
from ivr.calls.tracker import Tracker
from ivr.events.types import Event

_log = structlog.get_logger(__name__)

T = TypeVar("T")

OnCall = Callable[[Call, Event], None]
"""Told of each change of a call at once; must not wait or raise."""
OnMembers = Callable[[str, Event], None]
"""Told of the node and the event that changed members or presence; must not wait or raise."""

RING_CONTEXT: Final = "desk-ring"
"""Of `dialplan/desk.conf`: where a telephone is rung for the desk."""
_OFFICERS: Final = "agent-numbers"


@dataclass(frozen=True, slots=True)
class LineNode:
    """One Asterisk as the desk reaches it."""

    name: str
    link: Link
    tracker: Tracker
    members: Members

    @property
    def known(self) -> bool:
        """What it tells is true now: connected, its snapshot whole."""
        return self.members.known and self.link.state is LinkState.UP


@dataclass(frozen=True, slots=True)
class Part:
    """An officer's part in a call in progress, and the channel he speaks on."""

    node: LineNode
    live: Live
    agent: str
    uniqueid: str

    @property
    def channel(self) -> str:
        """The channel's name as Asterisk knows it now; empty where it is gone."""
        channel = self.node.tracker.net.channels.get(self.uniqueid)
        return channel.name if channel is not None else ""

    @property
    def present(self) -> bool:
        """The part still goes on."""
        return self.uniqueid in self.live.parts


@dataclass(slots=True, eq=False)
class _Wait:
    holds: Callable[[], object]
    done: asyncio.Future[None]


@dataclass(slots=True)
class Line:
    """Every node of the bridge, for the desk."""

    directory: Directory
    nodes: list[LineNode] = field(default_factory=list)
    on_call: list[OnCall] = field(default_factory=list)
    on_members: list[OnMembers] = field(default_factory=list)
    _waiting: list[_Wait] = field(default_factory=list)

    def add(self, node: LineNode) -> None:
        """Takes a node in; the bridge tells of it through `heard` and `told`."""
        self.nodes.append(node)

    # --- what the bridge tells -------------------------------------------------------------------

    def heard(self, call: Call, event: Event) -> None:
        """A call has changed."""
        for listener in self.on_call:
            _safely(listener, call, event)
        self._look()

    def told(self, node: str, event: Event) -> None:
        """A node's members or telephones have changed, or what is known of them."""
        for listener in self.on_members:
            _safely(listener, node, event)
        self._look()

    def _look(self) -> None:
        for wait in self._waiting:
            if not wait.done.done() and wait.holds():
                wait.done.set_result(None)

    async def until(self, holds: Callable[[], object], seconds: float) -> bool:
        """Waits until something on the line is so, looked at after each change; false if not."""
        if holds():
            return True
        wait = _Wait(holds, asyncio.get_running_loop().create_future())
        self._waiting.append(wait)
        try:
            async with asyncio.timeout(seconds):
                await wait.done
        except TimeoutError:
            return bool(holds())
        finally:
            self._waiting.remove(wait)
        return True

    # --- what is so now --------------------------------------------------------------------------

    def lives(self) -> Iterator[tuple[LineNode, Live]]:
        """Every call in progress."""
        for node in self.nodes:
            for live in list(node.tracker.lives.values()):
                yield node, live

    def spyings(self) -> list[Spying]:
        """Every supervisor who is at an officer's call now."""
        return [spying for node in self.nodes for spying in list(node.tracker.spyings.values())]

    def live(self, call_id: str) -> tuple[LineNode, Live] | None:
        """The call in progress of this id."""
        for node in self.nodes:
            live = node.tracker.lives.get(call_id)
            if live is not None:
                return node, live
        return None

    def parts(self, agent: str) -> list[Part]:
        """The officer's parts in calls in progress, the newest last."""
        found = []
        for node in self.nodes:
            for live in node.tracker.busy.get(agent, ()):
                for uniqueid, part in live.parts.items():
                    if part.agent == agent and part.released_at is None:
                        found.append((part.connected_at, Part(node, live, agent, uniqueid)))
        return [part for _, part in sorted(found, key=lambda pair: pair[0])]

    def node_of(self, agent: str) -> LineNode | None:
        """The node an officer's telephone is at; the first one where none tells of it."""
        for node in self.nodes:
            if node.members.of(agent) or node.members.devices(agent):
                return node
        return self.nodes[0] if self.nodes else None

    def members(self, agent: str) -> list[Member]:
        """The officer's queue memberships at his node."""
        node = self.node_of(agent)
        return node.members.of(agent) if node is not None else []

    def presence(self, number: str) -> Presence:
        """How the telephones behind a number are; unknown where no node can tell."""
        for node in self.nodes:
            if node.known and (found := node.members.presence(number)) is not Presence.UNKNOWN:
                return found
        return Presence.UNKNOWN

    def extensions(self) -> list[str]:
        """Officers' numbers that the line tells of, or that serve in a queue."""
        found = {m.name for node in self.nodes for m in node.members}
        found |= {number for node in self.nodes for number in node.members.numbers()}
        return sorted(number for number in found if self.directory.is_agent_number(number))

    def interface(self, agent: str) -> tuple[str, str]:
        """How a queue rings this officer, and the device whose state it watches ('' the same).

        As a queue of his does already; else his one telephone, else all of them together.
        """
        node = self.node_of(agent)
        if node is None:
            return f"PJSIP/{agent}", ""
        for member in node.members.of(agent):
            return member.interface, member.state_interface or ""
        devices = node.members.devices(agent)
        if len(devices) > 1:
            return f"Local/{agent}@agent-devices/n", f"hint:{agent}@{_OFFICERS}"
        return (devices[0] if devices else f"PJSIP/{agent}"), ""

    # --- acts ------------------------------------------------------------------------------------

    async def stored(self, node: LineNode, family: str, key: str) -> str:
        """What stands in Asterisk's own database; empty where nothing does. Raises Refused."""
        action = actions.build("DBGet", "", Family=family, Key=key)
        try:
            listed = await self._sent(node, node.link.listed(action))
        except Refused as refused:
            if refused.code == "line-refused":
                return ""  # there is no such entry
            raise
        return next((value for one in listed if (value := fields(one).get("Val"))), "")

    async def ring(
        self, node: LineNode, agent: str, to: str, *, caller_id: str, seconds: int,
        variables: Mapping[str, str],
    ) -> None:  # fmt: skip
        """Rings an officer's own telephone, all his devices; once answered it goes on at `to`.

        `to` is an extension of `desk-rung` (dialplan/desk.conf). The telephone itself is never
        ordered: Asterisk would follow it wherever it forwards to. Raises Refused.
        """
        order = order_to_ring(agent, to, caller_id, seconds, variables)
        await self.act(node, order)

    async def act(self, node: LineNode, action: Action) -> dict[str, str]:
        """Sends an action; headers of the reply. Raises Refused in the words of the person."""
        return await self._sent(node, node.link.act(action))

    async def _sent(self, node: LineNode, sending: Awaitable[T]) -> T:
        try:
            return await sending
        except NotConnected as error:
            raise not_connected() from error
        except ActionRefused as error:
            _log.info("asterisk refuses an act", node=node.name, act=error.action, said=error.said)
            raise Refused(
                "line-refused",
                f"ระบบโทรศัพท์ไม่รับคำสั่ง ({error.said})",
                f"the telephone system refused ({error.said})",
            ) from error
        except ActionTimeout as error:
            raise unconfirmed() from error
        except AmiError as error:
            _log.warning("an act was not sent", node=node.name, why=str(error))
            raise not_connected() from error


def order_to_ring(
    agent: str, to: str, caller_id: str, seconds: int, variables: Mapping[str, str]
) -> Action:
    """What `Line.ring` sends."""
    return actions.originate(
        "", f"Local/{agent}@{RING_CONTEXT}/n", RING_CONTEXT, "s", caller_id=caller_id,
        milliseconds=seconds * 1000, variables={"HOTLINE_TO": to, **variables},
    )  # fmt: skip


def not_connected() -> Refused:
    """The line cannot be reached now."""
    return Refused(
        "line-not-connected",
        "ระบบยังเชื่อมต่อกับระบบโทรศัพท์ไม่ได้ กรุณาใช้ปุ่มบนเครื่องโทรศัพท์ไปก่อน",
        "the desk is not connected to the telephone system; use the telephone's own keys for now",
        503,
    )


def unconfirmed() -> Refused:
    """It was asked for, and the telephone system has not said that it is done."""
    return Refused(
        "line-unconfirmed",
        "ระบบโทรศัพท์ยังไม่ยืนยันผล กรุณาดูสถานะสายบนหน้าจอก่อนสั่งซ้ำ",
        "the telephone system has not confirmed it; look at the call before you try again",
        504,
    )


def _safely(listener: Callable[..., None], *told: object) -> None:
    try:
        listener(*told)
    except Exception:
        # the stream of events matters more than one screen
        _log.exception("a listener of the line failed")
