"""What the desk tells Asterisk's queues of an officer: in, out, paused.

Each raises Refused where the line does not take it.
"""

from __future__ import annotations

import contextlib

from crm_bridge.desk.agent_states import SIGNED_OUT, Sitting, Wish, orders, wish
from crm_bridge.desk.line import Line, LineNode
from crm_bridge.errors import Refused
from ivr.ami import actions


class QueueOrders:
    """Makes the queues say of an officer what they should."""

    def __init__(self, line: Line) -> None:
        self._line = line

    async def send(self, node: LineNode, sitting: Sitting, *, in_call: bool) -> None:
        """Sends what makes the queues say what they should."""
        extension = sitting.extension
        todo = orders(sitting, in_call, node.members.of(extension))
        interface, state = self._line.interface(extension)
        wanted = wish(sitting, in_call)
        for queue in todo.add:
            action = actions.queue_add(
                "", queue, interface, name=extension, state=state,
                paused=wanted.reason if wanted.paused else None,
            )  # fmt: skip
            try:
                await self._line.act(node, action)
            except Refused as error:
                if "already there" not in error.en.lower():
                    raise
        if todo.pause is not None:
            await self._pause(node, extension, todo.pause)

    async def take_back(self, node: LineNode, sitting: Sitting) -> None:
        """Out of the queues again, where a sitting could not begin: no call rings at nobody's."""
        interface, _ = self._line.interface(sitting.extension)
        fixed = {m.queue for m in node.members.of(sitting.extension) if m.dynamic is False}
        for queue in sitting.queues:
            if queue not in fixed:
                # refused where it had not come to that; not heard where the link is gone
                with contextlib.suppress(Refused):
                    await self._line.act(node, actions.queue_remove("", queue, interface))
        for queue in fixed:
            with contextlib.suppress(Refused):
                await self._line.act(
                    node, actions.queue_pause("", interface, True, SIGNED_OUT, queue=queue)
                )

    async def _pause(self, node: LineNode, extension: str, wanted: Wish) -> None:
        for interface in {m.interface for m in node.members.of(extension)}:
            await self._line.act(
                node, actions.queue_pause("", interface, wanted.paused, wanted.reason)
            )

    async def leave(self, node: LineNode, extension: str) -> None:
        """Out of the queues; who is in one by its configuration can only be paused there."""
        for member in node.members.of(extension):
            if member.dynamic:
                await self._line.act(node, actions.queue_remove("", member.queue, member.interface))
            else:
                await self._line.act(
                    node,
                    actions.queue_pause("", member.interface, True, SIGNED_OUT, queue=member.queue),
                )
