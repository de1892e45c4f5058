"""Connectors as hotline.toml names them: a vendor's code is loaded only where it is configured."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final, cast

import httpx

from crm_bridge.clock import Clock
from crm_bridge.config_outside import ConnectorSection
from crm_bridge.connectors.mapping import Mapping, load
from crm_bridge.connectors.port import Capabilities, Connector
from crm_bridge.errors import ConfigMistake

VENDORS: Final = {
    "odoo": "crm_bridge.connectors.odoo.connector:OdooConnector",
    "rt": "crm_bridge.connectors.rt.connector:RtConnector",
    "roundup": "crm_bridge.connectors.roundup.connector:RoundupConnector",
    "webhook": "crm_bridge.connectors.webhook.connector:WebhookConnector",
    "zammad": "crm_bridge.connectors.zammad.connector:ZammadConnector",
}
"""Kind → module and class, made with (name, section, mapping, clock=, transport=)."""


def make(
    name: str,
    section: ConnectorSection,
    *,
    clock: Clock,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Connector:
    """The connector of this section, its mapping and secret read; raises ConfigMistake.

    It connects to nothing yet. `transport`: instead of the network, for tests.
    """
    try:
        vendor = _vendor(section.kind)
        made = vendor(name, section, mapping_of(section), clock=clock, transport=transport)
    except ConfigMistake as mistake:
        raise of(name, mistake) from mistake
    return cast(Connector, made)


def capabilities(kind: str) -> Capabilities:
    """What this kind of CRM can do, as far as it is known without a connector to one."""
    return cast(Capabilities, getattr(_vendor(kind), "capabilities", Capabilities()))


def mapping_of(section: ConnectorSection) -> Mapping:
    """The mapping of this section: the office's own file or the connector's; ConfigMistake."""
    return load(section.mapping, section.kind)


def of(name: str, mistake: ConfigMistake) -> ConfigMistake:
    """The same mistake, saying which connector has it."""
    return ConfigMistake(
        mistake.what, where=f"connector.{name}: {mistake.where}".rstrip(": "), mend=mistake.mend
    )


def _vendor(kind: str) -> Any:
    module, _, class_name = VENDORS[kind].partition(":")
    return getattr(import_module(module), class_name)
