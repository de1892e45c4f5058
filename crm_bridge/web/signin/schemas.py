"""What the account's own routes take and give."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Path
from pydantic import BaseModel, Field

Id = Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="an id as lists give it")]

PLAIN = r"^[^\u0000-\u001f\u007f]*$"
"""One line of text: no control characters."""


class Me(BaseModel):
    """The account that asks."""

    id: str
    login: str
    name_th: str
    name_en: str
    role: str
    agency: str | None
    province: str | None
    language: str


class NewPassword(BaseModel):
    """A change of the own password."""

    old: str = Field(max_length=1000, description="the password until now")
    password: str = Field(max_length=1000, description="the new one, 12 to 200 characters")
    repeat: str | None = Field(None, max_length=1000, description="the new one again, if asked")


class Browser(BaseModel):
    """A browser signed in."""

    id: str
    created_at: str
    seen_at: str
    address: str | None
    user_agent: str | None
    current: bool = Field(description="the one that asks")


class NewKey(BaseModel):
    """A key for a program."""

    name: str = Field(min_length=1, max_length=100, pattern=PLAIN, description="what it is for")
    scope: Literal["read", "write"] = Field("read", description="`write` also reads")
    days: int = Field(90, ge=1, le=1096, description="days until it runs out")


class KeyEntry(BaseModel):
    """A key that works; the key itself is not kept."""

    id: str
    name: str
    scopes: list[str]
    created_at: str
    expires_at: str | None
    used_at: str | None


class IssuedKey(BaseModel):
    """A new key, shown this once."""

    id: str
    key: str


class Browsers(BaseModel):
    """Every browser signed in, the newest first."""

    items: list[Browser]


class Keys(BaseModel):
    """Every key that works, the newest first."""

    items: list[KeyEntry]
