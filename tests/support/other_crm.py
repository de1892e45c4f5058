"""The furnished office joined to a CRM in memory that can be stopped, or be particular."""

from __future__ import annotations

from dataclasses import dataclass, field

from crm_bridge.config_outside import ConnectorSection
from crm_bridge.connectors import registry
from crm_bridge.connectors.mapping import default_path
from crm_bridge.connectors.memory import MemoryConnector, MemoryCrm
from crm_bridge.connectors.port import Connector, Kind, Ref, Rejected, TicketDraft
from crm_bridge.delivery.deliveries import Deliveries
from crm_bridge.delivery.worker import Worker
from tests.support.web import Desk

SECTION = ConnectorSection(
    kind="odoo", url="http://127.0.0.1:8069", database="moc", username="hotline1203", token="x",
    mapping=default_path("memory"),
)  # fmt: skip


class Particular(MemoryConnector):
    """Takes no subject longer than `longest`, and gives every record an address."""

    kind = "odoo"
    longest = 10_000

    async def upsert_ticket(self, draft: TicketDraft) -> Ref:
        if len(str(draft.fields.get("subject", ""))) > self.longest:
            raise Rejected(
                f"subject: longer than {self.longest} characters",
                where="crm.test",
                mend="shorten it",
            )
        return await super().upsert_ticket(draft)

    def record_url(self, kind: Kind, record: str) -> str | None:
        return f"https://crm.test/{kind}/{record}"


@dataclass
class Joined:
    """A desk and the CRM that it delivers to."""

    desk: Desk
    crm: MemoryCrm = field(default_factory=MemoryCrm)
    connector: Particular = field(init=False)

    @property
    def worker(self) -> Worker:
        deliveries = self.desk.context.deliveries
        assert deliveries is not None
        return deliveries.workers["odoo"]

    async def deliver(self) -> None:
        """Everything that may go has gone, or failed."""
        for _ in range(50):
            if not await self.worker.round():
                return
        raise AssertionError("there is no end of it")


async def join(desk: Desk) -> Joined:
    """From here on the desk's changes go to a CRM in memory, under the name `odoo`."""
    joined = Joined(desk)
    held = desk.context

    def make(name: str) -> Connector:
        joined.connector = Particular(
            name, joined.crm, registry.mapping_of(SECTION), clock=desk.clock
        )
        return joined.connector

    held.config = held.config.model_copy(update={"connector": {"odoo": SECTION}})
    held.deliveries = await Deliveries.of(held.config, desk.database, desk.clock, held.hub, make)
    return joined
