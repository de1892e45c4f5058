"""Holds what is raised: looks each second, judges, keeps, and tells whoever is to be told.

What is raised stands in memory and is told on the hub (`TOPIC`) at once; the table of alerts, the
e-mails and the webhooks follow in one transaction, as soon as the database takes it. After a start
it goes on with what was raised before: nothing is raised anew by a restart.

| on the hub | data |
|---|---|
| `alert` | one alert as it is now (`view`); with `cleared` set it is over |
| `told` | `alerts`: those that the browsers of those who oversee are to show now |
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import structlog

from crm_bridge.alerts import alert_book, records_look, rule_book, telling
from crm_bridge.alerts.judgement import (
    GONE,
    MINUTE,
    SECOND,
    UNKNOWN,
    Alert,
    Standing,
    Value,
    Why,
    acknowledged,
    ended,
    judge,
    may_tell,
    snoozed,
    switched_off,
    to_tell,
    told,
)
from crm_bridge.alerts.observation import FloorNow, Observation, Reading, read
from crm_bridge.alerts.rules import Kind, Level, Rule, Words
from crm_bridge.alerts.words import Names, says
from crm_bridge.clock import Clock, iso
from crm_bridge.config import Config
from crm_bridge.errors import StorageError
from crm_bridge.live.hub import Hub
from crm_bridge.records.database import Database
from ivr.calls.call import Micros
from ivr.steps.standards import Standards

_log = structlog.get_logger(__name__)

TOPIC: Final = "alerts"

EVERY: Final = 1.0
"""Seconds between looks."""
LOOK: Final = 15 * SECOND
"""µs between looks at the records: service levels and what waits for other CRMs."""
LOOK_AT_CASES: Final = MINUTE
REST: Final = 5 * SECOND
"""µs for which a database that failed is left alone: looks at the floor go on meanwhile."""
READ_RULES: Final = MINUTE
"""µs after which the rules are read again, whoever may have changed them."""
MOST_SUBJECTS: Final = 500
"""Subjects of one rule that are remembered."""
MOST_UNSAVED: Final = 5000
REMEMBERED: Final = 25 * 60 * MINUTE
"""µs back to which it is looked for what was told, at a start."""

_WEIGHT: Final[Mapping[Level, int]] = {Level.CRITICAL: 0, Level.WARNING: 1, Level.NOTICE: 2}

Key = tuple[str, str]
"""A rule and its subject."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the live state is read; each is asked once a look, and must not wait."""

    floor: Callable[[Micros], FloorNow | None] = lambda _now: None
    unwell: Callable[[], Mapping[str, Words]] = dict
    wake: Callable[[], None] = lambda: None
    """Told that something was put into the outbox to other systems."""


@dataclass(slots=True)
class _Records:
    """What was read of the records, and when."""

    levels: Any = None
    standing: Any = None
    looked: Micros | None = None
    owed: Any = None
    looked_at_cases: Micros | None = None


@dataclass(slots=True)
class _Pending:
    """What is still to be written."""

    alerts: dict[str, Alert] = field(default_factory=dict)
    told: dict[str, Alert] = field(default_factory=dict)
    over: dict[str, Alert] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.alerts or self.told or self.over)

    def bound(self) -> None:
        """Gives the oldest up where the database has been away for too long."""
        while len(self.alerts) > MOST_UNSAVED:
            oldest = next(iter(self.alerts))
            del self.alerts[oldest]
            self.told.pop(oldest, None)
            self.over.pop(oldest, None)
            _log.error("an alert was not kept", alert=oldest, why="the database is away")


class Keeper:
    """The alerts of one bridge; `run` it as a task."""

    def __init__(
        self, database: Database, hub: Hub, clock: Clock, config: Config, standards: Standards,
        sources: Sources,
    ) -> None:  # fmt: skip
        self._database = database
        self._hub = hub
        self._clock = clock
        self._config = config
        self._standards = standards
        self._sources = sources
        self._rules: dict[str, Rule] = {}
        self._read_at: Micros | None = None
        self._loaded = False
        self._standings: dict[Key, Standing] = {}
        self._records = _Records()
        self._pending = _Pending()
        self._told_last: Micros | None = None
        self._rest_until: Micros = 0
        self._wake = asyncio.Event()
        self._agencies = {
            name: (section.name_th or name, section.name_en or section.name_th or name)
            for name, section in config.agency.items()
        }

    # --- what pages and screens ask ---------------------------------------------------------------

    def active(self) -> list[Alert]:
        """What is raised now: the gravest first, then the newest."""
        raised = [s.alert for s in self._standings.values() if s.alert is not None]
        return sorted(raised, key=lambda one: (_WEIGHT[one.level], -one.raised_at, one.id))

    def unattended(self) -> list[Alert]:
        """Of what is raised that to which nobody sees yet: what a wall shows."""
        now = self._clock.now_us()
        return [
            one for one in self.active()
            if one.acknowledged_at is None and (one.snoozed_until or 0) <= now
        ]  # fmt: skip

    def rules_changed(self) -> None:
        """The rules are others than before: they are read at once."""
        self._read_at = None
        self._wake.set()

    def acknowledge(self, ids: Collection[str], by: str, now: Micros) -> None:
        """Somebody sees to these, and that is on disk."""
        self._amend(ids, lambda standing: acknowledged(standing, by, now))

    def snooze(self, ids: Collection[str], until: Micros) -> None:
        """Nobody is told of these until then, and that is on disk."""
        self._amend(ids, lambda standing: snoozed(standing, until))

    def try_out(self, alert: Alert) -> None:
        """A test has been written: the browsers show it, the webhooks are told."""
        if alert.browser:
            self._hub.publish(TOPIC, "told", {"alerts": [view(alert)]})
        self._sources.wake()

    def _amend(self, ids: Collection[str], how: Callable[[Standing], Standing]) -> None:
        for key, standing in self._standings.items():
            if standing.alert is not None and standing.alert.id in ids:
                after = self._standings[key] = how(standing)
                if after.alert is not None:
                    self._publish(after.alert)

    # --- the look, again and again ----------------------------------------------------------------

    async def run(self) -> None:
        """Looks until cancelled."""
        while True:
            await self.round()
            try:
                async with asyncio.timeout(EVERY):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()

    async def round(self) -> None:
        """One look: sees, judges, keeps, tells."""
        now = self._clock.now_us()
        if not await self._ready(now):
            return
        seen = await self._see(now)
        self._judge(seen, now)
        self._tell(now)
        await self._keep(now)

    def _resting(self, now: Micros) -> bool:
        """Whether the database has just failed."""
        return 0 < self._rest_until - now <= REST

    async def _ready(self, now: Micros) -> bool:
        """Reads what was raised before and the rules, where that is due; whether there are any."""
        if self._loaded and self._read_at is not None and 0 <= now - self._read_at < READ_RULES:
            return True
        if self._resting(now):
            return self._loaded
        try:
            async with self._database.reading() as connection:
                rules = await rule_book.every(connection)
                if not self._loaded:
                    kept = await alert_book.active(connection)
                    known = await alert_book.last_told(connection, now - REMEMBERED)
        except StorageError as fault:
            _log.warning("the rules of alerts were not read", what=fault.what, where=fault.where)
            self._rest_until = now + REST
            return self._loaded
        if not self._loaded:
            for rule, subject, at, until in known:
                self._standings[rule, subject] = Standing(told_at=at, snoozed_until=until or 0)
            for one in kept:
                key = one.alert.rule, one.alert.subject
                before = self._standings.get(key, Standing())
                self._standings[key] = replace(before, alert=one.alert)
            self._loaded = True
        self._rules = {rule.id: rule for rule in rules}
        self._read_at = now
        return True

    async def _see(self, now: Micros) -> Observation:
        rules = [rule for rule in self._rules.values() if rule.active]
        await self._look_at_records(rules, now)
        held = self._records
        return Observation(
            queues=tuple(self._config.queue),
            floor=self._sources.floor(now),
            levels=held.levels,
            owed=held.owed,
            unwell=self._sources.unwell(),
            standing=held.standing,
            agencies=self._agencies,
        )

    async def _look_at_records(self, rules: Sequence[Rule], now: Micros) -> None:
        """Reads of the records what is due; what cannot be read is not known from then on."""
        held = self._records
        kinds = {rule.kind for rule in rules}
        windows = {rule.window for rule in rules if rule.kind is Kind.SERVICE_LEVEL}
        cases = kinds & {Kind.CASE_DUE, Kind.CASE_OVERDUE}
        due = _due(held.looked, now, LOOK) and bool(windows or Kind.STANDSTILL in kinds)
        cases_due = _due(held.looked_at_cases, now, LOOK_AT_CASES) and bool(cases)
        if not (due or cases_due) or self._resting(now):
            return
        try:
            async with self._database.reading() as connection:
                if due:
                    held.looked = now
                    held.levels = (
                        await records_look.levels(connection, self._config, windows, now)
                        if windows
                        else None
                    )
                    held.standing = await records_look.standing(connection)
                if cases_due:
                    held.looked_at_cases = now
                    days = [int(r.clear_at) for r in rules if r.kind is Kind.CASE_DUE]
                    held.owed = await records_look.owed(
                        connection, self._clock, max(days) if days else None,
                        overdue=Kind.CASE_OVERDUE in cases,
                    )  # fmt: skip
        except StorageError as fault:
            _log.warning("alerts do not know the records", what=fault.what, where=fault.where)
            held.levels = held.standing = held.owed = None
            self._rest_until = now + REST

    def _judge(self, seen: Observation, now: Micros) -> None:
        names = names_of(self._config, self._standards, now)
        for rule in self._rules.values():
            if not rule.active:
                continue
            reading = read(rule, seen, now)
            remembered = [subject for of, subject in self._standings if of == rule.id]
            fresh = [one for one in reading or () if (rule.id, one) not in self._standings]
            for subject in (*remembered, *fresh[: MOST_SUBJECTS - len(remembered)]):
                self._judge_one(rule, subject, reading, names, now)
        for (of, subject), standing in list(self._standings.items()):
            rule_of = self._rules.get(of)
            if rule_of is not None and rule_of.active:
                continue
            after = switched_off(standing)
            if standing.alert is not None:
                self._over(standing.alert, now, Why.OFF)
            self._stands(of, subject, after, rule_of.quiet if rule_of else 0, now)

    def _judge_one(
        self, rule: Rule, subject: str, reading: Reading | None, names: Names, now: Micros
    ) -> None:
        before = self._standings.get((rule.id, subject), Standing())
        after = judge(rule, subject, before, _value(reading, subject, before), now)
        if before.alert is None and (raised := after.alert) is not None:
            seen = (reading or {}).get(subject)
            th, en = says(rule, raised, names, seen.detail if seen is not None else None)
            raised = replace(raised, th=th, en=en)
            after = replace(after, alert=raised)
            self._pending.alerts[raised.id] = raised
            self._publish(raised)
            _log.info("alert raised", alert=raised.id, rule=rule.id, kind=rule.kind.value)
        elif before.alert is not None and after.alert is None:
            self._over(before.alert, now, Why.AWAY)
        self._stands(rule.id, subject, after, rule.quiet, now)

    def _stands(self, rule: str, subject: str, after: Standing, quiet: int, now: Micros) -> None:
        if after.idle(quiet, now):
            self._standings.pop((rule, subject), None)
        else:
            self._standings[rule, subject] = after

    def _over(self, alert: Alert, now: Micros, why: Why) -> None:
        over = ended(alert, now, why)
        self._pending.alerts[over.id] = over
        if over.told_at is not None:
            self._pending.over[over.id] = over
        self._publish(over)
        _log.info("alert over", alert=over.id, rule=over.rule, why=why.value)

    def _tell(self, now: Micros) -> None:
        """Tells all that is to be told at once, where the last messages are long enough ago."""
        due = [
            (key, standing)
            for key, standing in self._standings.items()
            if (rule := self._rules.get(key[0])) is not None and to_tell(rule, standing, now)
        ]
        if not due or not may_tell(self._told_last, now):
            return
        self._told_last = now
        shown = []
        for key, standing in due:
            after = self._standings[key] = told(standing, now)
            if (alert := after.alert) is None:
                continue
            self._pending.alerts[alert.id] = alert
            self._pending.told[alert.id] = alert
            if alert.browser:
                shown.append(alert)
        if shown:
            shown.sort(key=lambda one: (_WEIGHT[one.level], one.raised_at))
            self._hub.publish(TOPIC, "told", {"alerts": [view(one) for one in shown]})

    async def _keep(self, now: Micros) -> None:
        if not self._pending or self._resting(now):
            return
        self._pending.bound()
        pending, link = self._pending, self._config.web.address
        try:
            async with self._database.writing() as connection:
                await alert_book.write(connection, pending.alerts.values())
                await telling.tell(
                    connection, self._clock, self._rules, list(pending.told.values()),
                    f"{link}/alerts" if link else "",
                )  # fmt: skip
                await telling.tell_end(
                    connection, self._clock, self._rules, list(pending.over.values())
                )
        except StorageError as fault:
            _log.warning("alerts wait for the database", what=fault.what, where=fault.where)
            self._rest_until = now + REST
            return
        self._pending = _Pending()
        self._sources.wake()

    def _publish(self, alert: Alert) -> None:
        self._hub.publish(TOPIC, "alert", view(alert), key=alert.id)


def names_of(config: Config, standards: Standards, now: Micros) -> Names:
    """How queues and steps are called now."""
    queues = {name: section.service for name, section in config.queue.items()}
    return Names(queues, standards.on(now).services)


def view(alert: Alert) -> dict[str, Any]:
    """An alert as screens and programs are told it; moments in ISO 8601, UTC."""
    return {
        "id": alert.id,
        "rule": alert.rule,
        "kind": alert.kind.value,
        "subject": alert.subject,
        "level": alert.level.value,
        "th": alert.th,
        "en": alert.en,
        "value": alert.value,
        "worst": alert.worst,
        "threshold": alert.threshold,
        "since": iso(alert.raised_at),
        "cleared": _iso(alert.cleared_at),
        "acknowledged": _iso(alert.acknowledged_at),
        "snoozed": _iso(alert.snoozed_until),
        "test": alert.test,
    }


def _iso(moment: Micros | None) -> str | None:
    return None if moment is None else iso(moment)


def _due(last: Micros | None, now: Micros, every: int) -> bool:
    return last is None or not 0 <= now - last < every


def _value(reading: Reading | None, subject: str, before: Standing) -> Value:
    """What was seen of it; what is of too few calls raises nothing, and clears what is raised."""
    if reading is None:
        return UNKNOWN
    seen = reading.get(subject)
    if seen is None or (not seen.enough and before.alert is None):
        return GONE
    return seen.value
