"""What the administrator's routes take and give."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field, model_validator

from crm_bridge.access.administration import Entry
from crm_bridge.access.roles import Role
from crm_bridge.clock import iso
from crm_bridge.web.signin.schemas import PLAIN


class Listed(BaseModel):
    """An account as an administrator sees it."""

    id: str
    login: str
    name_th: str
    name_en: str
    email: str | None
    role: Role
    agency: str | None
    province: str | None
    language: str
    active: bool
    locked_until: str | None
    has_password: bool
    must_change: bool
    linked: bool = Field(description="known at the ministry's own sign-in")
    created_at: str
    version: int


def listed(entry: Entry) -> Listed:
    """An entry as the API gives it."""
    account = entry.account
    return Listed(
        id=account.id, login=account.login, name_th=account.name_th, name_en=account.name_en,
        email=entry.email, role=account.role, agency=account.agency, province=account.province,
        language=account.language, active=entry.active,
        locked_until=iso(entry.locked_until_us) if entry.locked_until_us is not None else None,
        has_password=entry.has_password, must_change=account.must_change, linked=entry.linked,
        created_at=iso(entry.created_us), version=account.version,
    )  # fmt: skip


class NewAccount(BaseModel):
    """An account to be made."""

    login: str = Field(max_length=64, description="2 to 64 of a-z 0-9 . _ - @")
    role: Role
    name_th: str = Field(min_length=1, max_length=200, pattern=PLAIN)
    name_en: str = Field("", max_length=200, pattern=PLAIN)
    email: str | None = Field(None, max_length=254, pattern=PLAIN)
    agency: str | None = Field(None, max_length=100, description="an id of the agency directory")
    province: str | None = Field(None, max_length=100, pattern=PLAIN)
    language: Literal["th", "en"] = "th"
    password: bool = Field(
        True, description="draw a one-time password; false: only the ministry's own sign-in"
    )


class Made(BaseModel):
    """A new account, and its one-time password, shown this once."""

    id: str
    login: str
    password: str | None


class Changes(BaseModel):
    """What is to be changed; what is left out stays."""

    role: Role | None = None
    name_th: str | None = Field(None, min_length=1, max_length=200, pattern=PLAIN)
    name_en: str | None = Field(None, max_length=200, pattern=PLAIN)
    email: str | None = Field(None, max_length=254, pattern=PLAIN, description="null: none")
    agency: str | None = Field(None, max_length=100)
    province: str | None = Field(None, max_length=100, pattern=PLAIN)
    language: Literal["th", "en"] | None = None

    @model_validator(mode="after")
    def _whole(self) -> Changes:
        for name in ("role", "name_th", "name_en", "language"):
            if name in self.model_fields_set and getattr(self, name) is None:
                raise ValueError(f"{name} cannot be null")
        return self


class OneTime(BaseModel):
    """A one-time password, shown this once; to be used within 72 hours."""

    password: str


class Ended(BaseModel):
    """How many browsers were ended."""

    browsers: int
