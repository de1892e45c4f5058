"""The CRM in memory as a vendor of the registry, for tests of what takes connectors from there."""

from __future__ import annotations

import httpx
import pytest

from crm_bridge.clock import Clock
from crm_bridge.config_outside import ConnectorSection
from crm_bridge.connectors import registry
from crm_bridge.connectors.mapping import Mapping
from crm_bridge.connectors.memory import MemoryConnector, MemoryCrm

THERE: dict[str, MemoryCrm] = {}
"""Name of the connector → the other side, which outlives each connector to it."""


class Vendor(MemoryConnector):
    """Made as a vendor's connector is."""

    def __init__(
        self,
        name: str,
        section: ConnectorSection,
        mapping: Mapping,
        *,
        clock: Clock,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        super().__init__(name, THERE.setdefault(name, MemoryCrm()), mapping, clock=clock)


def stand_in(monkeypatch: pytest.MonkeyPatch, kind: str, vendor: type = Vendor) -> None:
    """From now on this kind is the CRM in memory, empty."""
    THERE.clear()
    monkeypatch.setitem(registry.VENDORS, kind, f"{vendor.__module__}:{vendor.__name__}")
