"""A keeper of alerts whose floor a test sets, and who looks when the test says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import select, update

from crm_bridge.alerts.judgement import Alert
from crm_bridge.alerts.keeper import TOPIC, Keeper, Sources
from crm_bridge.alerts.observation import FloorNow, Waiting
from crm_bridge.alerts.rules import Words
from crm_bridge.config import Config
from crm_bridge.config_outside import ConnectorSection
from crm_bridge.connectors.webhook.signing import new_secret
from crm_bridge.delivery import outbox as carried
from crm_bridge.live.hub import Happening, Hub
from crm_bridge.records.database import Database
from crm_bridge.records.desk_tables.alerts import alert_rules
from crm_bridge.records.desk_tables.connectors import outbox
from crm_bridge.records.desk_tables.messages import messages
from ivr.steps.standards import load_standards
from tests.support.desk_clock import HeldClock
from tests.support.scenario import config_of

HOOK = ConnectorSection(kind="webhook", url="http://127.0.0.1:9/hook", token=new_secret(), send=[])


def with_hook(config: Config, section: ConnectorSection = HOOK) -> Config:
    """The configuration with a webhook that hears of alerts alone."""
    return config.model_copy(update={"connector": {**config.connector, "alarms": section}})


@dataclass
class Watched:
    """A database, a hub, and a keeper that reads what the test sets."""

    database: Database
    clock: HeldClock = field(default_factory=HeldClock)
    hub: Hub = field(default_factory=Hub)
    config: Config = field(default_factory=lambda: with_hook(config_of("ours")))
    floor: FloorNow | None = field(default_factory=FloorNow)
    unwell: Mapping[str, Words] = field(default_factory=dict)
    woken: int = 0

    def __post_init__(self) -> None:
        self.listener = self.hub.listen([TOPIC])
        self.keeper = self.another()

    def another(self) -> Keeper:
        """A keeper that knows nothing of the one before: the bridge was started again."""
        self.keeper = Keeper(
            self.database, self.hub, self.clock, self.config, load_standards(),
            Sources(lambda _now: self.floor, lambda: self.unwell, self._wake),
        )  # fmt: skip
        return self.keeper

    def _wake(self) -> None:
        self.woken += 1

    async def joined(self) -> None:
        """The webhook is in the tables, as at a start of the bridge."""
        async with self.database.writing() as connection:
            await carried.sync_connectors(connection, self.clock, self.config)

    async def only(self, *rules: str, **values: object) -> None:
        """These rules alone are in use, with these values."""
        async with self.database.writing() as connection:
            await connection.execute(update(alert_rules).values(active=False))
            await connection.execute(
                update(alert_rules).where(alert_rules.c.id.in_(rules)).values(active=True, **values)
            )
        self.keeper.rules_changed()

    def waits(self, queue: str, *seconds: float) -> None:
        """Callers who have waited so long by now, the longest first; none empties the queue."""
        now = self.clock.now_us()
        held = dict(self.floor.waiting) if self.floor is not None else {}
        held.pop(queue, None)
        if seconds:
            held[queue] = Waiting(len(seconds), now - round(max(seconds) * 1_000_000))
        self.floor = FloorNow(held)

    async def look(self, seconds: float = 1, times: int = 1) -> None:
        """Time passes, and the keeper looks; so often."""
        for _ in range(times):
            self.clock.forward(seconds=seconds)
            await self.keeper.round()

    def heard(self, kind: str = "alert") -> list[Happening]:
        """What was told on the hub since this was asked last."""
        found = []
        while (one := self.listener.take()) is not None:
            found.append(one)
        return [one for one in found if one.kind == kind]

    @property
    def raised(self) -> list[Alert]:
        return self.keeper.active()

    async def mails(self) -> list[tuple[str, str, str]]:
        """To whom, the subject and the text of each e-mail, oldest first."""
        async with self.database.reading() as connection:
            rows = await connection.execute(select(messages).order_by(messages.c.seq))
            return [(row.recipient, row.subject, row.body) for row in rows]

    async def entries(self) -> list[tuple[str, str, int]]:
        """Connector, subject and revision of each entry of the outbox that is of an alert."""
        async with self.database.reading() as connection:
            rows = await connection.execute(
                select(outbox).where(outbox.c.kind == "alert").order_by(outbox.c.seq)
            )
            return [(row.connector, row.subject, row.revision) for row in rows]
