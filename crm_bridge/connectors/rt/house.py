"""What the acts on users and on tickets of Request Tracker have in common."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from crm_bridge.connectors.port import Denied, Rejected, Unsettled
from crm_bridge.connectors.rt.client import RtClient
from crm_bridge.connectors.rt.fields import Wanted
from crm_bridge.connectors.rt.setup import Setting

SETUP: Final = "run `hotline connector setup` and do what it says"
AGAIN: Final = "it is tried again"


class Turns:
    """One act of a key at a time, in the order in which they came."""

    def __init__(self) -> None:
        self._under_way: dict[str, tuple[asyncio.Lock, list[None]]] = {}

    @asynccontextmanager
    async def of(self, key: str) -> AsyncIterator[None]:
        """Waits until no other act of this key is under way."""
        lock, users = self._under_way.setdefault(key, (asyncio.Lock(), []))
        users.append(None)
        try:
            async with lock:
                yield
        finally:
            users.pop()
            if not users:
                del self._under_way[key]


@dataclass(frozen=True, slots=True)
class House:
    """One RT, where in it our records go, and whose turn it is."""

    rt: RtClient
    setting: Setting
    turns: Turns = field(default_factory=Turns)

    @property
    def host(self) -> str:
        """How errors name it."""
        return self.rt.host

    def lacking(self, what: str) -> Denied:
        """The error where what holds every record is missing: all waits until it is mended."""
        return Denied(f"{what}, or it may not be seen", where=self.host, mend=SETUP)

    def has_fields(self, there: Collection[str], want: Wanted, whose: str) -> None:
        """Raises where a custom field is not there: RT would drop it with a 2xx."""
        for name in want.custom:
            if name in there:
                continue
            if name in {self.setting.key, self.setting.phone}:
                raise self.lacking(f"{whose} have no custom field {name}")
            raise Rejected(f"{whose} have no custom field {name[:60]}", where=self.host, mend=SETUP)

    def settled(self, what: str, lack: Wanted) -> None:
        """Raises where something written is not there when it is read back."""
        names = [*lack.own, *lack.custom]
        if names:
            raise Unsettled(
                f"change {what}: {', '.join(names)} not as written when read back",
                where=self.host,
                mend="may the token's user modify these fields? does RT change what is written?",
            )


def known(number: str | None) -> str | None:
    """A number that RT could have given, else None."""
    fits = number is not None and number.isascii() and number.isdigit() and len(number) < 19
    return number if fits else None


def body(want: Wanted, *, empty: bool = True) -> dict[str, Any]:
    """What is sent: a custom field is emptied by an empty text, as RT keeps a null as a value."""
    custom: dict[str, object] = {
        name: list(values) if len(values) != 1 else values[0]
        for name, values in want.custom.items()
        if values or empty
    }
    for name, value in custom.items():
        if value == []:
            custom[name] = ""
    made: dict[str, Any] = {name: text for name, text in want.own.items() if text or empty}
    if custom:
        made["CustomFields"] = custom
    return made
