"""A person who signs in, as every part of the desk knows them."""

from __future__ import annotations

from dataclasses import dataclass

from crm_bridge.access.roles import OUTSIDE, Role


@dataclass(frozen=True, slots=True)
class Account:
    """One person's account; `agency` is an id of the agency directory, where the role has one.

    A provincial officer's agency is the province's commerce office, `province` its Thai name.
    """

    id: str
    login: str
    name_th: str
    name_en: str
    role: Role
    agency: str | None = None
    province: str | None = None
    language: str = "th"
    version: int = 1
    must_change: bool = False
    """The password is a one-time one: before anything else it is changed."""

    @property
    def outside(self) -> bool:
        """Sees only the cases of the own agency."""
        return self.role in OUTSIDE

    def name(self, language: str = "th") -> str:
        """The name to show; the other language's where there is none."""
        wanted, other = (
            (self.name_en, self.name_th) if language == "en" else (self.name_th, self.name_en)
        )
        return wanted or other or self.login
