"""What happens now, to whoever listens: publish by topic, a bounded queue per listener, replay.

Every event has an id that grows. A listener that comes back names the last id it saw and gets what
it missed, in order; where that is no longer kept, or the process has been started anew, it is told
to take the state afresh (`resync`), never left with a stale one. Publishing never waits: a listener
that does not keep up is ended, comes back, and is served as one that was away.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

KEPT: Final = 256
"""Events kept of each topic for those who come back."""

WAITING: Final = 512
"""Events that may wait for one listener."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One event of a topic; `id` is what a listener names when it comes back."""

    id: str
    topic: str
    kind: str
    data: Mapping[str, Any]
    seq: int = 0


@dataclass(slots=True)
class _Topic:
    kept: deque[Happening] = field(default_factory=deque)
    forgotten: int = 0
    """The newest number that is no longer kept."""
    listeners: set[Listener] = field(default_factory=set)


class Listener:
    """What one screen has still to be told; iterate over it. Close it when done."""

    def __init__(self, hub: Hub, topics: frozenset[str], *, resync: bool) -> None:
        self.topics = topics
        self.resync = resync
        """What was missed is not known: take the state afresh before the first event."""
        self.lagged = False
        """Ended because it did not keep up."""
        self._hub = hub
        self._queue: deque[Happening] = deque()
        self._wake = asyncio.Event()
        self._closed = False

    def offer(self, happening: Happening) -> None:
        """Adds one event; ends the listener where too many wait."""
        if self._closed:
            return
        if len(self._queue) >= WAITING:
            self.lagged = True
            self.close()
            return
        self._queue.append(happening)
        self._wake.set()

    def close(self) -> None:
        """Ends it: who iterates gets what waits, then the end."""
        self._closed = True
        self._wake.set()
        self._hub.forget(self)

    async def next(self, seconds: float | None = None) -> Happening | None:
        """The next event; `None` where it has ended or `seconds` passed without one."""
        try:
            async with asyncio.timeout(seconds):
                while not self._queue:
                    if self._closed:
                        return None
                    self._wake.clear()
                    await self._wake.wait()
        except TimeoutError:
            return None
        return self._queue.popleft()

    @property
    def closed(self) -> bool:
        """It has ended and nothing waits."""
        return self._closed and not self._queue

    async def __aiter__(self) -> AsyncIterator[Happening]:
        while (happening := await self.next()) is not None:
            yield happening


class Hub:
    """The live events of one process."""

    def __init__(self) -> None:
        self._epoch = secrets.token_hex(4)
        self._seq = 0
        self._topics: dict[str, _Topic] = {}

    @property
    def last_id(self) -> str:
        """The id of the newest event."""
        return f"{self._epoch}-{self._seq}"

    def publish(self, topic: str, kind: str, data: Mapping[str, Any]) -> None:
        """Tells everyone who listens to the topic, and keeps it for those who come back."""
        self._seq += 1
        happening = Happening(self.last_id, topic, kind, data, self._seq)
        held = self._topics.setdefault(topic, _Topic())
        held.kept.append(happening)
        if len(held.kept) > KEPT:
            held.forgotten = held.kept.popleft().seq
        for listener in tuple(held.listeners):
            listener.offer(happening)

    def listen(self, topics: Iterable[str], last_id: str | None = None) -> Listener:
        """A listener to these topics; what it missed since `last_id` is the first it gets."""
        wanted = frozenset(topics)
        since = self._seq_of(last_id)
        held = [self._topics.setdefault(topic, _Topic()) for topic in wanted]
        known = since is not None and all(topic.forgotten <= since for topic in held)
        listener = Listener(self, wanted, resync=not known)
        if since is not None and known:
            missed = [h for topic in held for h in topic.kept if h.seq > since]
            for happening in sorted(missed, key=lambda h: h.seq):
                listener.offer(happening)
        for topic in held:
            topic.listeners.add(listener)
        return listener

    def _seq_of(self, last_id: str | None) -> int | None:
        epoch, _, seq = (last_id or "").partition("-")
        if epoch != self._epoch or not seq.isascii() or not seq.isdigit():
            return None
        return int(seq) if int(seq) <= self._seq else None

    def forget(self, listener: Listener) -> None:
        """The listener has ended."""
        for topic in listener.topics:
            if (held := self._topics.get(topic)) is not None:
                held.listeners.discard(listener)
