"""Whether a rule's condition is raised: what is remembered × what is seen × now → what is so. Pure.

- It is raised when the condition was seen to hold without a break for `hold` seconds, and cleared
  when the value was seen past the clear threshold without a break for `clear_after` seconds. So
  between two raisings of the same thing lie `hold` + `clear_after` seconds at the least.
- What is not known neither raises nor clears, and breaks either run; so does a time longer than
  `UNSEEN` in which nobody looked: unseen time proves nothing.
- What is raised is told once within `quiet` minutes, not while it is snoozed, and not once somebody
  has acknowledged it; what was kept back is told as soon as it may, if it is still so.
- What rises while others were told a moment ago waits for a moment, and goes with what else rises:
  one message of many.

Moments are microseconds since the epoch, UTC.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from crm_bridge.alerts.rules import Kind, Level, Rule
from ivr.calls.call import Micros

SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND
TOGETHER_WITHIN: Final = 20 * SECOND
"""µs after a message within which no further one goes: what rises then goes in one."""


UNSEEN: Final = 90 * SECOND
"""µs between two looks at the most for both to be of one run."""


class Why(StrEnum):
    """Why an alert is no longer raised."""

    AWAY = "away"
    """The condition was away for long enough."""
    OFF = "off"
    """The rule was switched off."""


class Unknown:
    """It cannot be said now; see `UNKNOWN`."""


UNKNOWN: Final = Unknown()
GONE: Final = None
"""There is no such thing any more: a case that is settled, a CRM with nothing waiting."""

Value = float | None | Unknown


@dataclass(frozen=True, slots=True)
class Alert:
    """One time that a rule's condition was raised for one subject."""

    id: str
    rule: str
    kind: Kind
    subject: str
    level: Level
    threshold: float
    value: float
    """When it was raised."""
    worst: float
    raised_at: Micros
    th: str = ""
    en: str = ""
    told_at: Micros | None = None
    cleared_at: Micros | None = None
    why: Why | None = None
    acknowledged_at: Micros | None = None
    acknowledged_by: str | None = None
    snoozed_until: Micros | None = None
    browser: bool = False
    """It is to be told by the browsers of those who oversee."""
    test: bool = False

    @property
    def since(self) -> Micros:
        """When it was raised."""
        return self.raised_at


@dataclass(frozen=True, slots=True)
class Standing:
    """What is remembered of one rule and one subject."""

    bad_since: Micros | None = None
    """Since when the condition is seen to hold, while it is not raised."""
    good_since: Micros | None = None
    """Since when it is seen to be away, while it is raised."""
    seen_at: Micros = 0
    """When it was looked at last."""
    alert: Alert | None = None
    """While it is raised."""
    told_at: Micros | None = None
    """When it was told last, by this alert or one before."""
    snoozed_until: Micros = 0

    def idle(self, quiet: int, now: Micros) -> bool:
        """Whether nothing is lost by forgetting it; `quiet` in minutes."""
        return (
            self.alert is None
            and self.bad_since is None
            and self.snoozed_until <= now
            and (self.told_at is None or now - self.told_at >= quiet * MINUTE)
        )


def judge(rule: Rule, subject: str, before: Standing, value: Value, now: Micros) -> Standing:
    """What is so now that this value is seen; compare `alert` with the one before."""
    unseen = not 0 <= now - before.seen_at <= UNSEEN
    if unseen or isinstance(value, Unknown):
        before = replace(before, bad_since=None, good_since=None)
    before = replace(before, seen_at=now)
    if isinstance(value, Unknown):
        return before
    if before.alert is None:
        return _unraised(rule, subject, before, value, now)
    return _raised(rule, before, before.alert, value, now)


def _unraised(
    rule: Rule, subject: str, before: Standing, value: float | None, now: Micros
) -> Standing:
    if value is None or not rule.bad(value):
        return replace(before, bad_since=None)
    since = now if before.bad_since is None else before.bad_since
    if now - since < rule.hold * SECOND:
        return replace(before, bad_since=since)
    alert = Alert(
        id=_id(rule.id, subject, now), rule=rule.id, kind=rule.kind, subject=subject,
        level=rule.level, threshold=rule.threshold, value=value, worst=value, raised_at=now,
        browser=rule.browser,
    )  # fmt: skip
    return replace(before, bad_since=None, good_since=None, alert=alert)


def _raised(
    rule: Rule, before: Standing, alert: Alert, value: float | None, now: Micros
) -> Standing:
    if value is not None:
        alert = replace(alert, worst=_worse(rule, alert.worst, value))
    if value is not None and not rule.good(value):
        return replace(before, good_since=None, alert=alert)
    since = now if before.good_since is None else before.good_since
    if now - since < rule.clear_after * SECOND:
        return replace(before, good_since=since, alert=alert)
    return replace(before, good_since=None, alert=None)


def switched_off(before: Standing) -> Standing:
    """The rule is off: nothing is raised by it."""
    return replace(before, bad_since=None, good_since=None, alert=None)


def ended(alert: Alert, now: Micros, why: Why) -> Alert:
    """The alert as it is kept once it is no longer raised."""
    return replace(alert, cleared_at=now, why=why)


def to_tell(rule: Rule, standing: Standing, now: Micros) -> bool:
    """Whether what is raised is to be told now."""
    alert = standing.alert
    if alert is None or alert.acknowledged_at is not None:
        return False
    if standing.snoozed_until > now:
        return False
    if alert.told_at is not None and not alert.told_at < (alert.snoozed_until or 0) <= now:
        return False  # told already, and no snooze has ended since
    return standing.told_at is None or abs(now - standing.told_at) >= rule.quiet * MINUTE


def told(standing: Standing, now: Micros) -> Standing:
    """It has been told now."""
    if standing.alert is None:
        return standing
    return replace(standing, told_at=now, alert=replace(standing.alert, told_at=now))


def may_tell(last: Micros | None, now: Micros) -> bool:
    """Whether messages may go now, the last ones having gone then."""
    return last is None or abs(now - last) >= TOGETHER_WITHIN


def acknowledged(standing: Standing, by: str, now: Micros) -> Standing:
    """Somebody has seen it and sees to it: it is told to nobody else."""
    if standing.alert is None:
        return standing
    return replace(standing, alert=replace(standing.alert, acknowledged_at=now, acknowledged_by=by))


def snoozed(standing: Standing, until: Micros) -> Standing:
    """It is told to nobody until then; if it is still raised by then, it is told once more."""
    if standing.alert is None:
        return replace(standing, snoozed_until=until)
    alert = replace(standing.alert, snoozed_until=until)
    return replace(standing, snoozed_until=until, alert=alert)


def _worse(rule: Rule, one: float, other: float) -> float:
    lower_is_worse = rule.kind in {Kind.SERVICE_LEVEL, Kind.CASE_DUE}
    return min(one, other) if lower_is_worse else max(one, other)


def _id(rule: str, subject: str, now: Micros) -> str:
    """The same raising has the same id, wherever it is worked out."""
    return hashlib.sha256(f"{rule}\n{subject}\n{now}".encode()).hexdigest()[:32]
