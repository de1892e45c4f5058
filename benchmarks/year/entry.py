"""A call from the line to a queue: prompts heard, keys pressed, or where it is given up.

Prompts take their usual time; marks and menu choices are those of `dialplan/entry.conf` and
`dialplan/menu.conf`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from benchmarks.year.callers import Caller
from benchmarks.year.office import NODE
from benchmarks.year.spans import MINUTE, SECOND, Span
from ivr.calls.call import (
    Call,
    EndedBy,
    Leg,
    Mark,
    MenuChoice,
    Micros,
    Outcome,
    Role,
)

_WELCOME_AND_NOTICE: Final = 9_300_000
_MENU_SPEAKS: Final = 24_200_000
_MENU_WAITS: Final = 5_000_000
_FAULT: Final = 3_100_000
_TO_OFFICER: Final = 3_900_000
_STATUS: Final = 6_400_000
_GUIDE: Final = 62_000_000
_OFFER: Final = 7_200_000
_GOODBYE: Final = 4_000_000
_TRIES: Final = 3

LONGEST: Final = 12 * MINUTE
"""Nobody is in the menus for longer."""

_KEY: Final = Span(9, 0.6)
_PATIENCE: Final = Span(14, 0.7)
"""Of those who hang up in the menu."""
_GUIDE_KEY: Final = Span(28, 0.8)

_CHOICES: Final = (
    (0.50, "2", "information"),
    (0.68, "1", "complaint"),
    (0.76, "4", "complaint"),
    (0.84, "5", "market_information"),
    (0.88, "3", "appointment"),
    (1.01, "0", "information"),
)


class Line:
    """What channels and chances are drawn from on one day: a day is made without any other."""

    __slots__ = ("_channels", "random")

    def __init__(self, random: Callable[[], float]) -> None:
        self.random = random
        self._channels = 0

    def leg(self, technology: str, role: Role, party: str | None, at: Micros) -> Leg:
        """The next channel: `1795460058.12`, `PJSIP/1001-0000000c`."""
        n = self._channels
        self._channels = n + 1
        return Leg(f"{at // SECOND}.{n}", f"PJSIP/{technology}-{n:08x}", role, party, at)


def enter(line: Line, at: Micros, caller: Caller, dialled: str) -> tuple[Call, str | None, Micros]:
    """The call and the queue it joins when; no queue where it ended before one, and is closed."""
    random = line.random
    leg = line.leg("trunk", Role.CALLER, None, at)
    step = 900 + int(random() * 3_000)
    """Microseconds from one act of the line to the next."""
    answered = leg.answered_at = at + step
    call = Call(
        f"{NODE}-{leg.uniqueid}", NODE, [leg.uniqueid], dialled, at,
        caller_presented=caller.number, caller_name=caller.name, withheld=caller.number is None,
        answered_at=answered, language="th", legs=[leg],
        marks=[
            Mark("enter", answered + step, dialled), Mark("language", answered + 2 * step, "th")
        ],
    )  # fmt: skip
    roll = random()
    if roll < 0.073:
        if roll < 0.012:
            return _gone(call, at + 300_000 + int(random() * 690_000), Outcome.SHORT)
        if roll < 0.0135:
            close(call, answered + 400_000 + step, EndedBy.SYSTEM, Outcome.FAILED)
            return call, None, 0
        gone_at = at + 1_050_000 + _PATIENCE.draw(random)
    else:
        gone_at = at + LONGEST
    now = at + _WELCOME_AND_NOTICE + step
    marks = call.marks
    if gone_at <= now + step:
        return _gone(call, gone_at, Outcome.ABANDONED_MENU)
    marks.append(Mark("notice", now))
    now += step
    faults = 0
    while True:
        marks.append(Mark("menu", now, "main"))
        roll = random()
        if roll < 0.035:
            now += _MENU_SPEAKS + _MENU_WAITS + step
            if gone_at <= now:
                break
            marks.append(Mark("no_key", now, "main"))
        else:
            now += min(_KEY.draw(random), _MENU_SPEAKS + _MENU_WAITS)
            if gone_at <= now:
                break
            if roll < 0.055:
                key = "678#"[int(roll * 10_000) % 4]
                marks.append(Mark("wrong_key", now, f"main:{key}"))
                call.menu.append(MenuChoice("main", key, now))
            elif roll < 0.068:
                _press(call, "main", "*", now)
                now += step
                continue
            elif (call.language == "en") is not caller.english or roll < 0.07:
                _press(call, "main", "9", now)
                call.language = "th" if call.language == "en" else "en"
                marks.append(Mark("language", now + step, call.language))
                now += 2 * step
                continue
            else:
                return _chosen(call, random, now, step)
        faults += 1
        now += _FAULT + step
        if gone_at <= now:
            break
        if faults == _TRIES:
            now += _TO_OFFICER
            call.service = "information"
            marks.append(Mark("service", now, "information"))
            return call, "information", now + 3 * step
    return _gone(call, gone_at, Outcome.ABANDONED_MENU)


def _press(call: Call, menu: str, key: str, at: Micros) -> None:
    call.menu.append(MenuChoice(menu, key, at))
    call.marks.append(Mark("key", at, f"{menu}:{key}"))


def _chosen(
    call: Call, random: Callable[[], float], now: Micros, step: Micros
) -> tuple[Call, str | None, Micros]:
    roll = random()
    for share, key, service in _CHOICES:  # noqa: B007  the first that holds it
        if roll < share:
            break
    _press(call, "main", key, now)
    now += step
    call.service = service
    call.marks.append(Mark("service", now, service))
    if key == "5":
        return _guided(call, random, now + step, step)
    if key == "4":
        now += _STATUS
    return call, service, now + 3 * step


def _guided(
    call: Call, random: Callable[[], float], now: Micros, step: Micros
) -> tuple[Call, str | None, Micros]:
    """The marketing information guide: to an officer, to its end, or hung up in."""
    marks = call.marks
    marks.append(Mark("menu", now, "guide"))
    end = now + _GUIDE + step
    roll = random()
    key_at = now + min(_GUIDE_KEY.draw(random), _GUIDE + _OFFER + _MENU_WAITS)
    if roll < 0.66:
        if key_at > end:
            marks.append(Mark("guide", end))
        if roll < 0.36:
            _press(call, "guide", "1" if roll < 0.31 else "0", key_at)
            return call, "market_information", key_at + 3 * step
        return _gone(call, key_at, Outcome.ABANDONED_MENU)
    marks.append(Mark("guide", end))
    marks.append(Mark("no_key", end + _OFFER + _MENU_WAITS, "guide"))
    close(call, end + _OFFER + _MENU_WAITS + _GOODBYE, EndedBy.SYSTEM, Outcome.SERVED)
    return call, None, 0


def _gone(call: Call, at: Micros, outcome: Outcome) -> tuple[Call, None, Micros]:
    close(call, at, EndedBy.CALLER, outcome)
    return call, None, 0


def close(call: Call, at: Micros, by: EndedBy, outcome: Outcome) -> None:
    """The call is over: its caller's channel, and the record."""
    call.ended_at, call.ended_by, call.outcome, call.closed = at, by, outcome, True
    leg = call.legs[0]
    leg.ended_at = at
    spoken = outcome is Outcome.SERVED or by is EndedBy.SYSTEM
    leg.cause = 16 if spoken else 0
