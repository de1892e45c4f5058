"""What happens now, to whoever listens: publish by topic, a bounded queue per listener, replay.

Every event has an id that grows. A listener that comes back names the last id it saw and gets what
it missed, in order; where that is no longer kept, or the process has been started anew, it is told
to take the state afresh (`resync`), never left with a stale one. Publishing never waits: a listener
that does not keep up is ended, comes back, and is served as one that was away.

An event with a `key` says all there is to say of that key, and takes the place of an older one of
its topic, kind and key that waits or is kept: who was away, or is slow, is told how things are and
not how they came to be so.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

KEPT: Final = 64
"""Events kept of each topic for those who come back."""

WAITING: Final = 512
"""Events that may wait for one listener."""

TOPICS: Final = 4096
"""Topics held; beyond, those to which nobody listens are forgotten."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One event of a topic; `id` is what a listener names when it comes back."""

    id: str
    topic: str
    kind: str
    data: Mapping[str, Any]
    seq: int = 0
    key: str | None = None

    @property
    def place(self) -> Hashable:
        """What a newer event takes the place of: itself alone, where it has no key."""
        return self.seq if self.key is None else (self.topic, self.kind, self.key)


@dataclass(slots=True)
class _Topic:
    forgotten: int = 0
    """The newest number that is no longer kept."""
    kept: dict[Hashable, Happening] = field(default_factory=dict)
    listeners: set[Listener] = field(default_factory=set)

    def keep(self, happening: Happening) -> None:
        _put(self.kept, happening)
        if len(self.kept) > KEPT:
            self.forgotten = self.kept.pop(next(iter(self.kept))).seq


def _put(queue: dict[Hashable, Happening], happening: Happening) -> None:
    """Adds it at the end; what it takes the place of is gone."""
    queue.pop(happening.place, None)
    queue[happening.place] = happening


class Listener:
    """What one screen has still to be told; iterate over it. Close it when done."""

    def __init__(
        self, hub: Hub, topics: frozenset[str], *, resync: bool, beside: bool = False
    ) -> None:
        self.topics = topics
        self.beside = beside
        self.resync = resync
        """What was missed is not known: take the state afresh before the first event."""
        self.lagged = False
        """Ended because it did not keep up."""
        self._hub = hub
        self._queue: dict[Hashable, Happening] = {}
        self._wake = asyncio.Event()
        self._closed = False

    def offer(self, happening: Happening) -> None:
        """Adds one event; ends the listener where too many wait."""
        if self._closed:
            return
        if len(self._queue) >= WAITING and happening.place not in self._queue:
            self.lagged = True
            self.close()
            return
        _put(self._queue, happening)
        self._wake.set()

    def close(self) -> None:
        """Ends it: who iterates gets what waits, then the end."""
        self._closed = True
        self._wake.set()
        self._hub.forget(self)

    async def next(self, seconds: float | None = None) -> Happening | None:
        """The next event; `None` where it has ended or `seconds` passed without one."""
        if not self._queue and not self._closed:
            try:
                async with asyncio.timeout(seconds):
                    while not self._queue and not self._closed:
                        self._wake.clear()
                        await self._wake.wait()
            except TimeoutError:
                return None
        return self.take()

    def take(self) -> Happening | None:
        """The next event that waits; `None` where none does."""
        return self._queue.pop(next(iter(self._queue))) if self._queue else None

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
        self.on_audience: Callable[[int], None] | None = None
        """Told how many listen, whenever that changes."""
        self._epoch = secrets.token_hex(4)
        self._seq = 0
        self._topics: dict[str, _Topic] = {}
        self._listeners: set[Listener] = set()
        self._floor = 0
        """The newest number of a topic that was forgotten whole."""
        self._closed = False

    @property
    def last_id(self) -> str:
        """The id of the newest event."""
        return f"{self._epoch}-{self._seq}"

    @property
    def audience(self) -> int:
        """How many listen to what happens at the moment at which it does."""
        return sum(not listener.beside for listener in self._listeners)

    def heard(self, topic: str) -> bool:
        """Whether anybody listens to this topic."""
        return bool((held := self._topics.get(topic)) and held.listeners)

    def publish(
        self, topic: str, kind: str, data: Mapping[str, Any], *, key: str | None = None
    ) -> None:
        """Tells everyone who listens to the topic, and keeps it for those who come back.

        `key` names what the event tells all about; see the top of this module.
        """
        self._seq += 1
        happening = Happening(self.last_id, topic, kind, data, self._seq, key)
        held = self._topic(topic)
        held.keep(happening)
        for listener in tuple(held.listeners):
            listener.offer(happening)

    def listen(
        self, topics: Iterable[str], last_id: str | None = None, *, beside: bool = False
    ) -> Listener:
        """A listener to these topics; what it missed since `last_id` is the first it gets.

        `beside`: a second more or less is the same to it; it is no audience.
        """
        wanted = frozenset(topics)
        since = self._seq_of(last_id)
        held = [self._topic(topic) for topic in wanted]
        known = since is not None and all(topic.forgotten <= since for topic in held)
        listener = Listener(self, wanted, resync=not known, beside=beside)
        if self._closed:
            listener.close()
            return listener
        if since is not None and known:
            missed = [h for topic in held for h in topic.kept.values() if h.seq > since]
            for happening in sorted(missed, key=lambda h: h.seq):
                listener.offer(happening)
        for topic in held:
            topic.listeners.add(listener)
        self._listeners.add(listener)
        self._audience_changed()
        return listener

    def close(self) -> None:
        """Ends every listener; whoever comes later is ended at once."""
        self._closed = True
        for listener in tuple(self._listeners):
            listener.close()

    def _topic(self, name: str) -> _Topic:
        held = self._topics.get(name)
        if held is None:
            if len(self._topics) >= TOPICS:
                self._forget_unheard()
            held = self._topics[name] = _Topic(self._floor)
        return held

    def _forget_unheard(self) -> None:
        for name, held in list(self._topics.items()):
            if not held.listeners:
                newest = max((h.seq for h in held.kept.values()), default=0)
                self._floor = max(self._floor, held.forgotten, newest)
                del self._topics[name]

    def _seq_of(self, last_id: str | None) -> int | None:
        epoch, _, seq = (last_id or "").partition("-")
        if epoch != self._epoch or not seq.isascii() or not seq.isdigit() or len(seq) > 18:
            return None
        return int(seq) if int(seq) <= self._seq else None

    def forget(self, listener: Listener) -> None:
        """The listener has ended."""
        for topic in listener.topics:
            if (held := self._topics.get(topic)) is not None:
                held.listeners.discard(listener)
                if not held.listeners and not held.kept and not held.forgotten:
                    del self._topics[topic]
        if listener in self._listeners:
            self._listeners.discard(listener)
            self._audience_changed()

    def _audience_changed(self) -> None:
        if self.on_audience is not None:
            self.on_audience(self.audience)
