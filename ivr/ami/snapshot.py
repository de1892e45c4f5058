"""What is going on right now: asked after every connect, answered into the same ordered stream.

The replies are messages like any other (captured, journaled, replayed), so no result is returned
here. Their ActionIDs are fixed: a reader of the stream can tell which list, and of a bridge's
channels which bridge. A reply to a Ping marks where the snapshot ends.
"""

from __future__ import annotations

import contextlib
import logging
from typing import Final

from ivr.ami import actions
from ivr.ami.client import Client
from ivr.ami.errors import ActionRefused, LinkLost
from ivr.ami.feed import (
    BRIDGE_ID,
    BRIDGES_ID,
    CHANNELS_ID,
    PRESENCE_ID,
    QUEUES_ID,
    SNAPSHOT_END_ID,
    STATUS_ID,
)
from ivr.ami.message import fields

_AT_ONCE: Final = 50  # BridgeInfo actions in flight: their answers stay far below Asterisk's 4 MB
_NOT_LOADED: Final = "unknown command"
_log = logging.getLogger(__name__)


async def take_snapshot(
    client: Client, *, list_seconds: float = 60.0, patient: bool = False
) -> list[str]:
    """Ask for everything, in order; return the names of the actions that Asterisk refused.

    An Asterisk that still starts knows some actions not yet, and would tell half of what there is:
    who is `patient` gets LinkLost then, to come again. Raises LinkLost and ActionTimeout.
    """
    refused: list[str] = []

    async def ask(action: actions.Action) -> list[bytes]:
        try:
            return await client.listed(action, seconds=list_seconds)
        except ActionRefused as error:
            if patient and _NOT_LOADED in error.said.lower():
                raise LinkLost(f"Asterisk is still starting: {error}") from None
            _log.warning("the snapshot goes without %s: %s", error.action, error.said)
            refused.append(error.action)
            return []

    await ask(actions.core_status(STATUS_ID))
    await ask(actions.core_show_channels(CHANNELS_ID))
    bridges = [fields(item) for item in await ask(actions.bridge_list(BRIDGES_ID))]
    occupied = [
        bridge["BridgeUniqueid"]
        for bridge in bridges
        if bridge.get("BridgeNumChannels") != "0" and bridge.get("BridgeUniqueid")
    ]
    for start in range(0, len(occupied), _AT_ONCE):
        asked = [
            actions.bridge_info(BRIDGE_ID + bridge, bridge)
            for bridge in occupied[start : start + _AT_ONCE]
        ]
        sent = [(action, client.send(action, listing=True)) for action in asked]
        for action, future in sent:
            with contextlib.suppress(ActionRefused):  # gone since then: its own events said so
                await client.reply(action, future, seconds=list_seconds)
    await ask(actions.queue_status(QUEUES_ID))
    await ask(actions.extension_states(PRESENCE_ID))
    await client.act(actions.ping(SNAPSHOT_END_ID))
    return refused
