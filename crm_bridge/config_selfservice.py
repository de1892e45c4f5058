"""[selfservice], callers whom the line serves by itself, and [callback], those it calls back."""

from __future__ import annotations

import ipaddress
from typing import Final

from pydantic import Field, model_validator

from crm_bridge.config_outside import Section

_LONGEST: Final = 100
"""Characters: a text message of two parts."""


class SelfServiceSection(Section):
    """[selfservice]: without the section there is no self-service, and nothing listens."""

    host: str = Field("127.0.0.1", description="address it listens on for Asterisk (FastAGI)")
    port: int = Field(4573, ge=1, le=65535, description="the port; the site's `selfservice`")
    guide_address: str = Field(
        "", description="the address that the guide's text message has; empty: none is sent"
    )
    peers: list[str] = Field(
        ["127.0.0.0/8", "::1/128"], description="addresses or networks of the Asterisks let in"
    )

    @model_validator(mode="after")
    def _address_is_one(self) -> SelfServiceSection:
        address = self.guide_address
        plain = address.isascii() and address.isprintable() and " " not in address
        if address and not (plain and address.startswith("https://") and len(address) <= _LONGEST):
            raise ValueError(
                f"selfservice.guide_address must begin with https:// and be at most {_LONGEST} long"
            )
        return self

    @model_validator(mode="after")
    def _peers_are_networks(self) -> SelfServiceSection:
        for peer in self.peers:
            try:
                ipaddress.ip_network(peer)
            except ValueError:
                raise ValueError(
                    f"selfservice.peers: {peer!r} is no address and no network (10.0.0.0/24)"
                ) from None
        return self


class CallbackSection(Section):
    """[callback]: without the section no place in a queue is kept, and the line calls nobody."""

    hours: float = Field(4.0, gt=0, le=24, description="hours after which a kept place ends")
    tries: int = Field(3, ge=1, le=10, description="how often a number is rung in vain")
    again_minutes: float = Field(
        10.0, gt=0, le=240, description="minutes between two tries of a number"
    )
