"""One node's stream as everything downstream sees it: a pure function of bytes and their arrival.

The live client and the replay of a capture both feed this, so both give the same messages: the
needed events in order, stamped with their arrival where Asterisk put no Timestamp, the replies that
tell which boot of Asterisk this is, and three messages of our own (`HotlineLinkUp` before the first
event, `HotlineSnapshotEnd`, `HotlineLinkLost`).
"""

from __future__ import annotations

from typing import Final

from ivr.ami.framing import Framer, Keep
from ivr.ami.message import LINK_LOST, LINK_UP, SNAPSHOT_END, stamped, synthetic

SNAPSHOT_EVENTS: Final = frozenset(
    {
        b"CoreShowChannel",
        b"CoreShowChannelsComplete",
        b"BridgeListItem",
        b"BridgeListComplete",
        b"BridgeInfoChannel",
        b"BridgeInfoComplete",
        b"QueueParams",
        b"QueueMember",
        b"QueueEntry",
        b"ExtensionStatus",
        b"ExtensionStateListComplete",
        b"QueueStatusComplete",
        b"FullyBooted",
        b"Shutdown",
    }
)
ANSWERS: Final = frozenset({b"DBGetResponse", b"DBGetComplete"})
"""Events of lists that somebody asks for, beside the snapshot."""

STATUS_ID: Final = "hotline-status"
CHANNELS_ID: Final = "hotline-channels"
BRIDGES_ID: Final = "hotline-bridges"
BRIDGE_ID: Final = "hotline-bridge-"
"""ActionID of a BridgeInfo, the bridge's unique id behind it: its channels carry no other."""
QUEUES_ID: Final = "hotline-queues"
PRESENCE_ID: Final = "hotline-presence"
SNAPSHOT_END_ID: Final = "hotline-snapshot-end"
"""ActionID of the Ping behind the snapshot: its reply stands where the snapshot ends."""

_TELLING: Final = (b"\r\nCoreStartupDate: ", b"\r\nAsteriskVersion: ")
_ACTION_ID: Final = b"\r\nActionID: "
_TIMESTAMP: Final = b"\r\nTimestamp: "
_ACCEPTED: Final = b"\r\nMessage: Authentication accepted"
_END_OF_SNAPSHOT: Final = _ACTION_ID + SNAPSHOT_END_ID.encode()


class Feed:
    """Bytes and cuts in, messages out; `keep=None` hands on every event."""

    __slots__ = ("_up", "framer", "replies")

    def __init__(self, keep: Keep | None, *, max_message: int = 1 << 20) -> None:
        if keep is not None:
            keep = {**dict.fromkeys(SNAPSHOT_EVENTS | ANSWERS, ()), **keep}
        self.framer = Framer(keep, max_message=max_message)
        self._up = False
        self.replies: list[bytes] = []
        """Replies to actions (responses and listed events) in the last chunk."""

    def chunk(self, data: bytes | memoryview, at: float) -> list[bytes]:
        """Messages completed by what one read gave; `at` is its arrival in epoch seconds."""
        out: list[bytes] = []
        replies: list[bytes] = []
        for message in self.framer.feed(data):
            if message.startswith(b"Event: "):
                if not self._up:
                    self._up = True
                    out.append(synthetic(LINK_UP, at))
                if _TIMESTAMP in message:
                    out.append(message)
                    continue
                if _ACTION_ID in message:
                    replies.append(message)
                out.append(stamped(message, at))
                continue
            replies.append(message)
            if not self._up and _ACCEPTED in message:
                self._up = True
                out.append(synthetic(LINK_UP, at))
            if any(telling in message for telling in _TELLING):
                out.append(stamped(message, at))
            elif _END_OF_SNAPSHOT in message:
                out.append(synthetic(SNAPSHOT_END, at))
        self.replies = replies
        return out

    def cut(self, at: float) -> list[bytes]:
        """The connection was lost: nothing of it is waited for any longer."""
        self.framer.reset()
        self.replies = []
        if not self._up:
            return []
        self._up = False
        return [synthetic(LINK_LOST, at)]
