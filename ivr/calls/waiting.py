"""The caller in the menu and in queues: keys, passages, and every ringing of every officer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ivr.calls import ending, handover, supervising
from ivr.calls.call import (
    Attempt,
    AttemptOutcome,
    MenuChoice,
    PassageOutcome,
    QueuePassage,
    Role,
)
from ivr.calls.correlate import Channel
from ivr.calls.live import Live
from ivr.calls.transitions import IN_DIALPLAN, Trigger
from ivr.events import types as ev

if TYPE_CHECKING:
    from ivr.calls.tracker import Tracker

DIAL_OUTCOMES: Final[dict[str, AttemptOutcome]] = {
    "ANSWER": AttemptOutcome.ANSWERED,
    "BUSY": AttemptOutcome.BUSY,
    "NOANSWER": AttemptOutcome.NO_ANSWER,
    "CANCEL": AttemptOutcome.CANCELLED,
    "ABORT": AttemptOutcome.CANCELLED,
    "CHANUNAVAIL": AttemptOutcome.UNAVAILABLE,
    "CONGESTION": AttemptOutcome.UNAVAILABLE,
}
"""What Asterisk's DialStatus means for one ringing."""

CAUSE_OUTCOMES: Final[dict[int, AttemptOutcome]] = {
    17: AttemptOutcome.BUSY,
    21: AttemptOutcome.REJECTED,
}
"""Q.850 causes that say more than the DialStatus."""

_SAME_MOMENT = 50_000
"""A hang-up this shortly (µs) after leaving the queue is what ended the waiting."""

_OFFERED: Final = ""
"""The key of an attempt whose telephone does not ring yet."""

_KEYS: Final = frozenset("0123456789*#")

_KEY_EXIT = 1_500_000
"""A key this shortly (µs) before leaving a queue unanswered means the caller chose to leave."""


def key_pressed(tracker: Tracker, event: ev.KeyPressed) -> None:
    """A digit: a menu choice where the dialplan is not ours, and a way out of a queue anywhere."""
    channel = tracker.net.channels.get(event.uniqueid)
    if channel is not None:
        channel.key_at = event.at
    live = tracker.of_caller(event.uniqueid)
    if live is None or not _in_watched_menu(tracker, live, event.context):
        return
    # While a key's own extension runs, digits may answer it: where they lead is then awaited.
    at_menu = live.menu_exten is None
    live.pressed = (event.digit, event.at, at_menu)
    if at_menu:
        _foreign_choice(tracker, live, event.digit, event.at)


def placed(tracker: Tracker, event: ev.Placed) -> None:
    """A channel runs an extension of the watched menu: the key that leads there was pressed."""
    live = tracker.of_caller(event.uniqueid)
    if live is None or not _in_watched_menu(tracker, live, event.context):
        return
    pressed, live.pressed = live.pressed, None
    if len(event.exten) != 1 or event.exten not in _KEYS:
        live.menu_exten = None
        return
    if pressed is not None and pressed[0] == event.exten:
        if not pressed[2]:
            _foreign_choice(tracker, live, event.exten, pressed[1])
    elif event.exten != live.menu_exten:
        _foreign_choice(tracker, live, event.exten, event.at)
    live.menu_exten = event.exten


def _in_watched_menu(tracker: Tracker, live: Live, context: str | None) -> bool:
    """Whether a key or step there can be a choice: a queue or an officer may be given keys too."""
    wanted = tracker.directory.menu_context
    return (
        wanted is not None and context == wanted and not live.marked and live.phase in IN_DIALPLAN
    )


def _foreign_choice(tracker: Tracker, live: Live, key: str, at: int) -> None:
    live.call.menu.append(MenuChoice(tracker.directory.menu_context or "", key, at))
    if service := tracker.directory.menu_services.get(key):
        live.call.service = service
    tracker.move(live, Trigger.MENU, at)


def marked(tracker: Tracker, event: ev.Marked) -> None:
    """A marker of our dialplan."""
    live = tracker.of_channel(event.uniqueid)
    if live is None:
        channel = tracker.net.channels.get(event.uniqueid)
        if channel is not None and event.name == "callback":
            channel.calls_back = (event.at, event.value)
        elif channel is not None and event.name == "supervise":
            supervising.announced(channel, event.value)
        return
    live.marked = True
    call, name, value = live.call, event.name, event.value
    channel = tracker.net.channels.get(event.uniqueid)
    by = channel.party if channel is not None and channel is not live.caller else None
    tracker.mark(live, name, event.at, value, by)
    if name == "language":
        call.language = value
    elif name == "menu":
        tracker.move(live, Trigger.MENU, event.at)
    elif name in {"key", "wrong_key"}:
        menu, _, key = value.rpartition(":")
        call.menu.append(MenuChoice(menu, key, event.at))
    elif name == "service":
        call.service = value
    elif name == "survey_begin":
        live.hung_up_by = ending.ended_by(live)
    elif name == "known":
        _offered(tracker, live, value, event.at)
    elif name == "known_over":
        _not_taken(tracker, live, value, event.at)
    elif name == "queue_timeout":
        _timed_out(live)
    elif name == "agency_failed":
        handover.agency_failed(tracker, live, value)


def joined(tracker: Tracker, event: ev.QueueJoined) -> None:
    """A caller joined a queue, or a snapshot shows one there."""
    channel = tracker.net.channels.get(event.uniqueid)
    if channel is None:
        return
    live = channel.group.live
    if live is None and channel.calls_back is not None:
        live = tracker.keep_place(channel, *channel.calls_back)
    if live is None and (event.seen or _unheard_caller(tracker, channel, event.queue)):
        live = tracker.found_in_gap(channel)
    if live is None:
        return
    if event.seen and live.passage is not None:
        return
    if live.offered and live.passage is not None and live.passage.queue == event.queue:
        live.offered = False  # who knows him did not answer: he has stood in this queue since then
        live.passage.position = event.position
        tracker.move(live, Trigger.JOINED, event.at)
        tracker.touch(live)
        return
    live.offered = False
    if live.passage is not None:
        settle(live)
    passage = QueuePassage(event.queue, event.at, position=event.position)
    live.call.passages.append(passage)
    live.passage = passage
    live.attempts.clear()
    live.left_by_key = False
    tracker.queue_of[event.uniqueid] = live
    live.queue_keys.append(event.uniqueid)
    if service := tracker.directory.service(event.queue):
        live.call.service = service
    transfer = live.transfer
    if transfer is not None and transfer.outcome is not None:
        transfer.ended_at = event.at
        live.transfer = None
    tracker.move(live, Trigger.JOINED, event.at)
    tracker.touch(live)


def _offered(tracker: Tracker, live: Live, value: str, at: int) -> None:
    """The officer who knows the caller is rung for a queue, which does not know of it yet."""
    agent, _, rest = value.partition(":")
    queue = rest.partition(":")[0]
    if live.passage is not None:
        settle(live)
    uniqueid = live.caller.uniqueid
    attempt = Attempt(agent, at)
    live.passage = QueuePassage(queue, at, attempts=[attempt])
    live.call.passages.append(live.passage)
    live.attempts.clear()
    live.attempts[_OFFERED] = attempt
    live.offered = True
    live.left_by_key = False
    tracker.queue_of[uniqueid] = live
    live.queue_keys.append(uniqueid)
    if service := tracker.directory.service(queue):
        live.call.service = service
    tracker.move(live, Trigger.JOINED, at)
    tracker.move(live, Trigger.RANG, at)
    tracker.touch(live)


def _not_taken(tracker: Tracker, live: Live, value: str, at: int) -> None:
    """The officer who knows the caller did not answer, or could not be rung at all."""
    if not live.offered or live.passage is None:
        return
    outcome = DIAL_OUTCOMES.get(value.rpartition(":")[2], AttemptOutcome.UNAVAILABLE)
    for attempt in live.passage.attempts:
        if attempt.outcome is None:
            attempt.ended_at, attempt.outcome = at, outcome
    live.attempts.clear()
    tracker.move(live, Trigger.RANG_OUT, at)


def _unheard_caller(tracker: Tracker, channel: Channel, queue: str) -> bool:
    """Whether a channel that only a snapshot told of is a caller: it joins a queue of ours."""
    return (
        channel.shown is not None
        and channel.role is Role.OTHER
        and tracker.directory.service(queue) is not None
    )


def left(tracker: Tracker, event: ev.QueueLeft) -> None:
    """The caller is out of the queue; why is told by what comes next (AgentConnect, say)."""
    live = tracker.queue_of.get(event.uniqueid)
    if live is None or live.passage is None:
        return
    live.passage.left_at = event.at
    key_at = live.caller.key_at
    live.left_by_key = (
        key_at is not None and key_at > live.passage.joined_at and event.at - key_at < _KEY_EXIT
    )
    tracker.move(live, Trigger.LEFT_QUEUE, event.at)
    tracker.touch(live)


def abandoned(tracker: Tracker, event: ev.QueueAbandoned) -> None:
    """The queue lost its caller; app_queue says so on its own time-out too, so why is open."""
    live = tracker.queue_of.get(event.uniqueid)
    if live is None or live.passage is None:
        return
    if live.passage.left_at is None:
        live.passage.left_at = event.at
    _cancel_attempts(live, event.at)
    tracker.touch(live)


def rang(tracker: Tracker, event: ev.AgentCalled) -> None:
    """The queue rings an officer; a second device of the same officer is the same attempt."""
    live = tracker.queue_of.get(event.uniqueid)
    if live is None or live.passage is None:
        return
    agent = tracker.directory.member(event.interface)
    attempt = next(
        (a for a in live.passage.attempts if a.agent == agent and a.outcome is None), None
    )
    if attempt is None:
        attempt = Attempt(agent, event.at)
        live.passage.attempts.append(attempt)
    live.attempts[event.target or event.interface] = attempt
    if event.target and (target := tracker.net.channels.get(event.target)):
        tracker.net.join(live.caller, target)
    tracker.move(live, Trigger.RANG, event.at)
    tracker.touch(live)


def rung_through(tracker: Tracker, event: ev.DialBegan) -> None:
    """A Local member rings an officer's telephone: the attempt is his, whatever it is called."""
    source = tracker.net.channels.get(event.uniqueid or "")
    target = tracker.net.channels.get(event.target)
    live = source.group.live if source is not None else None
    if source is None or target is None or live is None:
        return
    if live.offered and source is live.caller and live.passage is not None:
        live.attempts.pop(_OFFERED, None)
        live.attempts[event.target] = live.passage.attempts[0]
        return
    attempt = live.attempts.get(source.pair or "")
    if attempt is not None and target.role is Role.AGENT and target.party is not None:
        attempt.agent = target.party


def dial_ended(tracker: Tracker, event: ev.DialEnded) -> bool:
    """The end of one ringing, if it was a queue's; true if it was."""
    source = event.uniqueid
    live = tracker.queue_of.get(source) if source else None
    attempt = live.attempts.get(event.target) if live is not None else None
    if live is None or attempt is None:
        return False
    outcome = DIAL_OUTCOMES.get(event.status, AttemptOutcome.UNAVAILABLE)
    _end_attempt(live, event.target, attempt, event.at, outcome)
    tracker.touch(live)
    return True


def _end_attempt(live: Live, key: str, attempt: Attempt, at: int, outcome: AttemptOutcome) -> None:
    """Ends the attempt, unless another device of the same officer still rings."""
    if attempt.outcome is not None:
        return
    rings_on = any(a is attempt for k, a in live.attempts.items() if k != key)
    if rings_on and outcome is not AttemptOutcome.ANSWERED:
        del live.attempts[key]
        return
    if outcome is AttemptOutcome.ANSWERED and attempt.ended_at is not None:
        attempt.outcome = outcome  # the telephone's own answer came a moment before
        return
    attempt.ended_at, attempt.outcome = at, outcome


def rang_out(tracker: Tracker, event: ev.AgentRangOut) -> None:
    """The queue gave an officer up; the DialEnd before it usually told how."""
    live = tracker.queue_of.get(event.uniqueid)
    if live is None or live.passage is None:
        return
    agent = tracker.directory.member(event.interface)
    rung = live.attempts.get(event.target or event.interface)
    for attempt in live.passage.attempts:
        if (attempt is rung or attempt.agent == agent) and attempt.outcome is None:
            attempt.ended_at, attempt.outcome = event.at, AttemptOutcome.NO_ANSWER
            tracker.touch(live)
    if not any(a.outcome is None for a in live.passage.attempts):
        tracker.move(live, Trigger.RANG_OUT, event.at)


def ringer_gone(tracker: Tracker, live: Live, uniqueid: str, cause: int | None, at: int) -> None:
    """A member's channel is gone: its hang-up cause tells a refusal from a ringing-out."""
    attempt = live.attempts.pop(uniqueid, None)
    if attempt is None or attempt.outcome in {AttemptOutcome.ANSWERED, AttemptOutcome.CANCELLED}:
        return
    told = CAUSE_OUTCOMES.get(cause or 0)
    if attempt.outcome is None:
        attempt.ended_at = at
        attempt.outcome = told or AttemptOutcome.NO_ANSWER
    elif told is not None:
        attempt.outcome = told
    tracker.touch(live)


def answered(tracker: Tracker, live: Live, uniqueid: str, at: int) -> None:
    """A member's telephone was answered; that he got the caller is told by AgentConnect."""
    attempt = live.attempts.get(uniqueid)
    if attempt is not None and attempt.outcome is None and attempt.ended_at is None:
        attempt.ended_at = at


def connected(tracker: Tracker, event: ev.AgentConnected) -> None:
    """The queue joined caller and officer."""
    live = tracker.queue_of.get(event.uniqueid)
    if live is None or live.passage is None:
        return
    passage = live.passage
    passage.outcome = PassageOutcome.ANSWERED
    if passage.left_at is None:
        passage.left_at = event.at
    winner = live.attempts.get(event.target or event.interface)
    for attempt in passage.attempts:
        if attempt.outcome is not None:
            continue
        if attempt is winner:
            attempt.ended_at = attempt.ended_at or event.at
            attempt.outcome = AttemptOutcome.ANSWERED
        else:
            attempt.ended_at, attempt.outcome = event.at, AttemptOutcome.CANCELLED
    live.passage = None
    live.attempts.clear()  # all have ended; over thousands of calls the room tells
    if winner is not None and live.keeps_place:  # he has the place; its caller is still to be rung
        live.called_by = tracker.net.channels.get(event.target or "")
    elif winner is not None and event.target and event.target not in live.parts:
        live.promised = (event.target, winner.agent, event.at)
    tracker.touch(live)


def answered_unasked(live: Live, agent: str, at: int) -> None:
    """An officer talks to a caller whose queue did not say so (pick-up, or a missed event).

    Where he was rung past the queue, none will: the passage is over.
    """
    passage = live.passage
    if passage is None:
        return
    passage.outcome = PassageOutcome.ANSWERED
    if passage.left_at is None:
        passage.left_at = at
    if not live.offered:
        return
    for attempt in passage.attempts:
        if attempt.outcome is None:
            won = attempt.agent == agent
            attempt.ended_at = attempt.ended_at or at
            attempt.outcome = AttemptOutcome.ANSWERED if won else AttemptOutcome.CANCELLED
    live.offered = False
    live.passage = None
    live.attempts.clear()


def _cancel_attempts(live: Live, at: int) -> None:
    for attempt in live.attempts.values():
        if attempt.outcome is None:
            attempt.ended_at, attempt.outcome = at, AttemptOutcome.CANCELLED


def _timed_out(live: Live) -> None:
    passage = live.passage
    if passage is None and live.call.passages and live.call.passages[-1].outcome in {
        PassageOutcome.TIMEOUT, PassageOutcome.LEFT,
    }:  # fmt: skip
        passage = live.call.passages[-1]
    if passage is not None and passage.outcome not in {
        PassageOutcome.ANSWERED, PassageOutcome.ABANDONED,
    }:  # fmt: skip
        passage.outcome = PassageOutcome.TIMEOUT
        live.passage = None


def _hung_up_waiting(live: Live, passage: QueuePassage, hung_up_at: int) -> bool:
    """Whether the caller's hanging up is why the queue lost him."""
    asked_at = live.caller.hangup_asked_at
    if passage.left_at is None:
        return True
    return (
        asked_at is not None and asked_at <= passage.left_at
    ) or hung_up_at - passage.left_at < _SAME_MOMENT


def settle(live: Live, *, hung_up_at: int | None = None) -> None:
    """Gives a passage whose end nobody explained the outcome that what followed implies."""
    passage = live.passage
    if passage is None:
        return
    if passage.outcome is None:
        if hung_up_at is not None and _hung_up_waiting(live, passage, hung_up_at):
            passage.outcome = PassageOutcome.ABANDONED
            passage.left_at = passage.left_at or hung_up_at
        else:
            passage.outcome = PassageOutcome.LEFT if live.left_by_key else PassageOutcome.TIMEOUT
    if hung_up_at is not None:
        _cancel_attempts(live, hung_up_at)
    live.passage = None
