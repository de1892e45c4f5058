"""The ministry's offices by their part in an appointment: units at the centre, provinces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from crm_bridge.config import Config

PREFIX: Final = "pco-"
"""Agency ids of the provincial commerce offices (`dialplan/agencies.csv`) begin so."""
NAME: Final = "สำนักงานพาณิชย์จังหวัด"
"""Their names begin so, whatever ids another dialplan gives them."""


@dataclass(frozen=True, slots=True)
class Office:
    """One agency of the directory."""

    id: str
    name_th: str
    name_en: str

    @property
    def provincial(self) -> bool:
        """Is a provincial commerce office."""
        return self.id.startswith(PREFIX) or self.name_th.startswith(NAME)

    def name(self, language: str = "th") -> str:
        """Its name to show; the other language's where there is none."""
        wanted, other = self.name_th, self.name_en
        if language == "en":
            wanted, other = other, wanted
        return wanted or other or self.id


@dataclass(frozen=True, slots=True)
class Offices:
    """All of them by id."""

    by_id: dict[str, Office]

    @property
    def provinces(self) -> list[Office]:
        """The provincial commerce offices in the directory's order."""
        return [office for office in self.by_id.values() if office.provincial]

    @property
    def units(self) -> list[Office]:
        """The units at the centre in the directory's order."""
        return [office for office in self.by_id.values() if not office.provincial]

    def name(self, office_id: str, language: str = "th") -> str:
        """The name of an office, its id where the directory no longer knows it."""
        found = self.by_id.get(office_id)
        return found.name(language) if found else office_id

    def is_province(self, office_id: str) -> bool:
        """Whether this is the id of a provincial commerce office."""
        return office_id in self.by_id and self.by_id[office_id].provincial

    def is_unit(self, office_id: str) -> bool:
        """Whether this is the id of a unit at the centre."""
        return office_id in self.by_id and not self.by_id[office_id].provincial


def offices(config: Config) -> Offices:
    """The offices of the agency directory."""
    return Offices({key: Office(key, a.name_th, a.name_en) for key, a in config.agency.items()})
