"""The books' rows become the events that the line would have told: one vocabulary, one tracker.

Pure. CEL is the thread; queue_log says what CEL does not: which joining of a queue this is, at
which position, and why a ringing ended. What no row says is not told: no event is made up, and what
an event would have said more precisely stays out (a menu without marks, a hold by other means than
music). Rows are read a little ahead, for two things are told before their row: who hung up, which
CEL says at the end of the channel only, and what follows on a conversation within a moment.

How a row becomes an event
- CHAN_START, ANSWER, HANGUP, BRIDGE_*, BLIND- and ATTENDEDTRANSFER, PICKUP, PARK_*: the same thing.
- APP_START Queue: the caller joins; again within the same passage, once a member has answered: he
  leaves it for that member (the dialplan's greeting ran in between); without one, at the member's
  own BRIDGE_ENTER.
- A channel that starts beside a caller in a queue is a member who is rung; one that starts beside a
  running Dial which names it is rung by that Dial.
- HANGUP of a channel that rang: by its cause and by queue_log, how the ringing ended.
- `hangupsource`: that device asked to end, when its channel left.
- Music that begins on a caller in conversation with one officer alone: the officer holds. Its end:
  off hold.
- A user-defined event of ours (`ivr.events.markers.USER_EVENT`): a marker of the dialplan.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, Final

from ivr.books import queueing, ringing, talks
from ivr.books.cel import CelRow
from ivr.books.channels import GONE, Chan, Hangup, QueueBook
from ivr.calls.call import Micros
from ivr.calls.tracker import Tracker
from ivr.events import types as ev
from ivr.events.markers import USER_EVENT

AHEAD: Final = 3_000_000
"""Books' time (µs) that is read before a row is told."""
MOST_AHEAD: Final = 20_000
"""Rows that are held for that at the most, whatever their times say."""

_SOON: Final = 1_000_000
"""A hang-up told within this (µs) after a channel left a conversation is why it left."""

_ORDER: Final = 5
"""Seconds within which channels may be told in another order than they were born in."""


class Retelling:
    """One node's CEL rows in, events out, in order; `tracker` is the one that is fed with them."""

    def __init__(self, tracker: Tracker, queues: QueueBook) -> None:
        self.tracker = tracker
        self.queues = queues
        self._ahead: deque[CelRow] = deque()
        self._ahead_of: dict[str, deque[CelRow]] = {}
        self.hangups: dict[str, Hangup] = {}
        """Channels whose HANGUP is read already."""
        self._left: dict[str, Micros] = {}
        """Channel → when, read ahead, it left what it was in and came into nothing else."""
        self._newest: Micros = 0
        self.chans: dict[str, Chan] = {}
        self.names: dict[str, str] = {}
        self._counter: tuple[int, int] = (0, -1)
        """Second and number of the last channel that began."""
        self.entered: dict[str, int] = {}
        """Caller → joinings of queues told so far."""

    def take(self, row: CelRow) -> Iterator[ev.Event]:
        """The events that this row sets free: those of rows that lie far enough back."""
        self._ahead.append(row)
        self._ahead_of.setdefault(row.uniqueid, deque()).append(row)
        self._look_at(row)
        # a clock that was set back begins anew
        self._newest = row.at if row.at < self._newest - AHEAD else max(self._newest, row.at)
        while self._ahead and (
            len(self._ahead) > MOST_AHEAD
            or not self._newest - AHEAD < self._ahead[0].at <= self._newest
        ):
            yield from self._tell(self._next())

    def end(self) -> Iterator[ev.Event]:
        """The events of the rows that are left, once there are no more."""
        while self._ahead:
            yield from self._tell(self._next())
        started = self.queues.started
        if started is not None and started > self._newest and self.chans:
            # nothing more was written of the channels that were up when Asterisk began anew
            self._restarted(started)
            yield ev.SnapshotEnded(started, True)

    def _next(self) -> CelRow:
        row = self._ahead.popleft()
        own = self._ahead_of[row.uniqueid]
        own.popleft()
        if not own:
            del self._ahead_of[row.uniqueid]
        return row

    def _look_at(self, row: CelRow) -> None:
        """What is to be known of a row before it is told."""
        event, uniqueid = row.event, row.uniqueid
        if event in _LEAVES:
            self._left.setdefault(uniqueid, row.at)
        elif event in _ENTERS:
            self._left.pop(uniqueid, None)
        if event == "HANGUP":
            source = str(row.more().get("hangupsource") or "")
            left = self._left.pop(uniqueid, row.at)
            self.hangups[uniqueid] = Hangup(row.at, source, left, _cause(row))

    @property
    def up_since(self) -> int | None:
        """Where the first row begins of the channels that are up; `None` where none is."""
        return min((chan.place for chan in self.chans.values()), default=None)

    def beside(self, chan: Chan) -> list[Chan]:
        """The other channels of the same linkedid."""
        return [c for c in self.chans.values() if c.linkedid == chan.linkedid and c is not chan]

    def next_of(self, uniqueid: str) -> Iterable[CelRow]:
        """The rows of this channel that are read ahead, in order."""
        return self._ahead_of.get(uniqueid, ())

    def _tell(self, row: CelRow) -> Iterator[ev.Event]:
        if row.event == "CHAN_START":
            yield from self._started(row)
            return
        chan = self.chans.get(row.uniqueid)
        if chan is None:
            return  # began before the book does, or the row of its start is lost
        yield from self._changed(chan, row)
        handler = _HANDLERS.get(row.event)
        if handler is not None:
            yield from handler(self, chan, row)
        elif row.event in {USER_EVENT, "USER_DEFINED"}:
            yield from self._marked(chan, row)

    def _started(self, row: CelRow) -> Iterator[ev.Event]:
        if self._is_another_start(row.uniqueid):
            self._restarted(row.at)
        elif row.uniqueid in self.chans:
            return
        chan = Chan(row.uniqueid, row.linkedid, row.channel, row.place, row.at, row.at)
        chan.shown = (row.number, row.name)
        chan.exten = row.exten
        self.chans[row.uniqueid] = chan
        self.names[row.channel] = row.uniqueid
        yield ev.ChannelStarted(
            row.at, False, row.uniqueid, row.linkedid, row.channel, False,
            row.number or None, row.name or None, row.context or None, row.exten or None,
        )  # fmt: skip
        for caller in self.beside(chan):
            yield from queueing.moved_on(self, caller, row.at)
        yield from ringing.rung(self, chan, row)

    def _is_another_start(self, uniqueid: str) -> bool:
        """Whether Asterisk counts its channels from the beginning again."""
        stem, _, tail = uniqueid.rpartition(".")
        born = stem.rpartition("-")[2]
        if not (tail.isascii() and tail.isdigit() and born.isascii() and born.isdigit()):
            return False
        known, self._counter = self._counter, (int(born), int(tail))
        # two channels of one start may be told in either order, but not seconds apart
        return int(tail) < known[1] and (int(tail) == 0 or int(born) > known[0] + _ORDER)

    def _restarted(self, at: Micros) -> None:
        """The tracker ends what was up with the next event, as it does on the line."""
        self.chans.clear()
        self.names.clear()
        self.hangups = {k: v for k, v in self.hangups.items() if v.at >= at}
        self.entered.clear()
        self.tracker.hearing.maybe_restarted = True

    def _changed(self, chan: Chan, row: CelRow) -> Iterator[ev.Event]:
        """What a row says in passing: another name, another number, who is about to hang up."""
        if row.channel != chan.name and "<" not in row.channel:
            self.names.pop(chan.name, None)
            chan.name = row.channel
            self.names[row.channel] = chan.uniqueid
            yield ev.ChannelRenamed(row.at, False, chan.uniqueid, row.channel)
        if (row.number, row.name) != chan.shown:
            chan.shown = (row.number, row.name)
            if row.number:
                yield ev.CallerIdSet(
                    row.at, False, chan.uniqueid, row.number, row.name or None, False
                )
        menu = self.tracker.directory.menu_context
        if menu is not None and row.context == menu and row.exten != chan.exten:
            yield ev.Placed(row.at, False, chan.uniqueid, row.context, row.exten)
        chan.exten = row.exten
        if row.event in {"HANGUP", "BRIDGE_ENTER"} or (
            row.event == "APP_END" and not queueing.queues_again(self, chan.uniqueid)
        ):
            yield from queueing.moved_on(self, chan, row.at)
        chan.last_at = row.at
        # its device asked to end, where its HANGUP, soon to come, says that it was this one
        if row.event == "HANGUP":
            yield from self._asked_by(row)
        ahead = self.hangups.get(chan.uniqueid)
        if ahead is None or chan.asked or ahead.source != chan.name:
            return
        if row.event in _LEAVES and ahead.left_at <= row.at <= ahead.at <= row.at + _SOON:
            chan.asked = True
            yield ev.HangupRequested(row.at, False, chan.uniqueid)

    def _asked_by(self, row: CelRow) -> Iterator[ev.Event]:
        """The other side of a hang-up may be told to end before the one that asked."""
        ahead = self.hangups.get(row.uniqueid)
        source = self.chans.get(self.names.get(ahead.source, "")) if ahead else None
        if source is None or source.asked or source.uniqueid == row.uniqueid:
            return
        own = self.hangups.get(source.uniqueid)
        if own is not None and own.source == source.name and own.left_at >= row.at - GONE:
            source.asked = True
            yield ev.HangupRequested(row.at, False, source.uniqueid)

    def _marked(self, chan: Chan, row: CelRow) -> Iterator[ev.Event]:
        """Ours are named by their type; the value stands in `extra` as MARK:VALUE."""
        told = row.more().get("extra")
        if not isinstance(told, str):
            return
        name, _, value = told.partition(":")
        if name:
            yield ev.Marked(row.at, False, chan.uniqueid, name, value)

    def _hung_up(self, chan: Chan, row: CelRow) -> Iterator[ev.Event]:
        told = _cause(row)
        yield from ringing.ringing_over(self, chan, row.at, told)
        if chan.queue is not None and chan.winner is None:
            queue, chan.queue = chan.queue, None
            yield ev.QueueLeft(row.at, False, chan.uniqueid, queue)
        yield ev.ChannelEnded(row.at, False, chan.uniqueid, told)
        self._forget(chan)

    def _ended(self, chan: Chan, row: CelRow) -> Iterator[ev.Event]:
        """CHAN_END of a channel whose HANGUP row is lost."""
        yield ev.ChannelEnded(row.at, False, chan.uniqueid, None)
        self._forget(chan)

    def _forget(self, chan: Chan) -> None:
        self.chans.pop(chan.uniqueid, None)
        if self.names.get(chan.name) == chan.uniqueid:
            del self.names[chan.name]
        self.hangups.pop(chan.uniqueid, None)
        self._left.pop(chan.uniqueid, None)
        self.entered.pop(chan.uniqueid, None)
        self.queues.forget(chan.uniqueid)


_LEAVES: Final = frozenset({"BRIDGE_EXIT", "APP_END", "HANGUP"})
"""Rows by which a channel whose device has hung up is first seen to go."""
_ENTERS: Final = frozenset({"BRIDGE_ENTER", "APP_START", "STREAM_BEGIN", "DTMF"})
"""Rows of a channel that goes on."""

_HANDLERS: Final[dict[str, Any]] = {
    "ANSWER": ringing.answered,
    "HANGUP": Retelling._hung_up,
    "CHAN_END": Retelling._ended,
    "APP_START": queueing.app_started,
    "APP_END": queueing.app_ended,
    "BRIDGE_ENTER": talks.bridge_entered,
    "BRIDGE_EXIT": talks.bridge_left,
    "BLINDTRANSFER": talks.blind,
    "ATTENDEDTRANSFER": talks.attended,
    "PICKUP": talks.picked_up,
    "PARK_START": talks.parked,
    "PARK_END": talks.unparked,
    "STREAM_BEGIN": talks.music_began,
    "STREAM_END": talks.music_ended,
    "DTMF": talks.key,
}


def _cause(row: CelRow) -> int | None:
    cause = row.more().get("hangupcause")
    return cause if isinstance(cause, int) and not isinstance(cause, bool) else None
