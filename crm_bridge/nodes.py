"""A connection of its own to an Asterisk of the configuration, beside the bridge's link."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from crm_bridge.config import NodeSection
from ivr.ami import actions
from ivr.ami.client import Client
from ivr.ami.feed import Feed


@contextlib.asynccontextmanager
async def connected_to(node: NodeSection) -> AsyncIterator[Client]:
    """A connection of its own to the Asterisk, logged in. Raises AmiError."""
    client = await Client.connect(node.address(), Feed({}), lambda _messages, _at: None)
    try:
        await client.login(node.address())
        yield client
    finally:
        client.close("asked")


async def systemname(node: NodeSection) -> str:
    """What the Asterisk calls itself (CoreSettings has it not; its own variable does)."""
    async with connected_to(node) as client:
        reply = await client.act(actions.get_variable(client.new_id("getvar"), "SYSTEMNAME"))
        return reply.get("Value", "") or node.label
