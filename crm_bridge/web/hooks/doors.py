"""The way in for other systems: who may knock, shown by a signature, and how often one may err."""

from __future__ import annotations

from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass
from typing import Final

from fastapi import Request

from crm_bridge.access.throttle import Throttle
from crm_bridge.clock import Clock
from crm_bridge.config import Config
from crm_bridge.connectors.mapping import Mapping
from crm_bridge.connectors.registry import mapping_of
from crm_bridge.connectors.webhook import signing
from crm_bridge.errors import ConfigMistake, Refused
from crm_bridge.web.context import context

MOST_BYTES: Final = 64 * 1024
"""Of a request; a status change has a few hundred."""

_NOBODY: Final = (b"\0" * signing.SHORTEST,)
"""A secret that nobody has, so that an unknown name is looked at as long as a known one."""


@dataclass(frozen=True, slots=True)
class Door:
    """One receiver's way back."""

    connector: str
    secrets: tuple[bytes, ...]
    mapping: Mapping


class Doors:
    """Every webhook of hotline.toml whose secret can be used, by name."""

    def __init__(self, config: Config) -> None:
        self.throttle = Throttle()
        self._doors: dict[str, Door] = {}
        for name, section in config.connector.items():
            if section.kind != "webhook":
                continue
            try:
                secrets = signing.secrets_of(section.secret())
                self._doors[name] = Door(name, secrets, mapping_of(section))
            except ConfigMistake:  # told at start, where every connector is made
                continue

    def names(self) -> list[str]:
        """Who may knock."""
        return list(self._doors)

    def enter(
        self, name: str, headers: AnyMapping[str, str], body: bytes, clock: Clock,
        address: str | None,
    ) -> Door:  # fmt: skip
        """The door of this name, where the request is signed for it.

        Raises Refused: 401 without saying what is wrong, 429 to whoever has erred too often. What
        is rightly signed is let in however many errors came from the same address.
        """
        door = self._doors.get(name)
        secrets = door.secrets if door is not None else _NOBODY
        if signing.verified(secrets, headers, clock.now_us(), body) and door is not None:
            return door
        try:
            self.throttle.enter(clock, address)
        except Refused:
            raise Refused(
                "too-many-attempts",
                "มีคำขอที่ลายมือชื่อไม่ถูกต้องจากที่นี่หลายครั้ง โปรดรอ",
                "too many requests from here were not rightly signed; wait",
                429,
            ) from None
        raise Refused(
            "not-signed", "ลายมือชื่อของคำขอไม่ถูกต้อง", "the request is not rightly signed", 401
        )


def doors(request: Request) -> Doors:
    """The doors of the application that serves this request, made at the first knock."""
    state = request.app.state
    found: Doors | None = getattr(state, "doors", None)
    if found is None:
        found = state.doors = Doors(context(request).config)
    return found
