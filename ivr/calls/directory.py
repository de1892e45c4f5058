"""Who is who on this Asterisk: the hotline's numbers, its queues, agents and agencies.

Everything the tracker must know that no event says comes from here, so that it reads a dialplan
which is not ours just as well.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

_DEVICE_SUFFIX = re.compile(r"(?<=\d)(?:[-_.:][A-Za-z0-9]+|[A-Za-z][A-Za-z0-9]*)$")


@dataclass(frozen=True, slots=True)
class Agency:
    """An agency that calls are handed to, by the numbers dialled for it or its interfaces."""

    agency_id: str
    name_th: str = ""
    name_en: str = ""
    numbers: tuple[str, ...] = ()
    interfaces: tuple[str, ...] = ()


def interface_of(channel: str) -> str:
    """`PJSIP/1001-0000002a` → `PJSIP/1001`; `Local/9@ctx-0000002a;1` → `Local/9@ctx`."""
    name = channel.split("<", 1)[0].split(";", 1)[0]
    head, dash, tail = name.rpartition("-")
    return head if dash and len(tail) == 8 else name


def _after_slash(interface: str) -> str:
    return interface.partition("/")[2].partition("/")[0].partition("@")[0]


@dataclass(slots=True)
class Directory:
    """The configuration as the tracker asks it; look-ups are remembered, within bounds."""

    numbers: Collection[str] = ("1203",)
    """The hotline's numbers; the first stands in where a caller's own was not heard."""
    entry_contexts: frozenset[str] = frozenset({"from-trunk"})
    services: Mapping[str, str] = field(default_factory=dict)
    """Asterisk queue name → service."""
    agent_patterns: tuple[str, ...] = ()
    agencies: tuple[Agency, ...] = ()
    menu_context: str | None = None
    menu_services: Mapping[str, str] = field(default_factory=dict)
    """Pressed key → service, where the dialplan emits no markers of ours."""
    short_call_seconds: float = 1.0
    short_wait_seconds: float = 5.0
    _agents: dict[str, str | None] = field(default_factory=dict)
    _agency_by_number: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for agency in self.agencies:
            for number in agency.numbers:
                self._agency_by_number[number] = agency.agency_id

    def agent(self, interface: str) -> str | None:
        """The agent's id if this interface is an agent's: the part after the slash, device off."""
        try:
            return self._agents[interface]
        except KeyError:
            pass
        technology, _, _ = interface.partition("/")
        plain = self.agent_id(interface)
        found = (
            plain
            if any(
                fnmatchcase(interface, pattern) or fnmatchcase(f"{technology}/{plain}", pattern)
                for pattern in self.agent_patterns
            )
            else None
        )
        if len(self._agents) > 10_000:
            self._agents.clear()
        self._agents[interface] = found
        return found

    @staticmethod
    def agent_id(interface: str) -> str:
        """The id within an interface, without context and device suffix: `PJSIP/1008a` → `1008`."""
        return _DEVICE_SUFFIX.sub("", _after_slash(interface))

    def member(self, interface: str) -> str:
        """The id of a queue's member: whoever a queue rings is an officer, pattern or not."""
        return self.agent(interface) or self.agent_id(interface)

    def is_agent_number(self, number: str) -> bool:
        """Whether a dialled number is an officer of the hotline."""
        return any(
            self.agent(f"{pattern.partition('/')[0]}/{number}") is not None
            for pattern in self.agent_patterns
        )

    def agency(self, number: str | None, interface: str | None = None) -> str | None:
        """The agency's id by the number dialled or else by interface; `None` if it is none."""
        if number and (found := self._agency_by_number.get(number)):
            return found
        if interface:
            for agency in self.agencies:
                if any(fnmatchcase(interface, pattern) for pattern in agency.interfaces):
                    return agency.agency_id
            return self._agency_by_number.get(_after_slash(interface))
        return None

    def is_hotline(self, context: str | None, exten: str | None) -> bool:
        """Whether a channel that starts here is a caller of the hotline."""
        return context in self.entry_contexts and exten in self.numbers

    def service(self, queue: str) -> str | None:
        """The service a queue stands for; `None` where the configuration does not name it."""
        return self.services.get(queue)
