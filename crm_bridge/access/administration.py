"""What an administrator does with accounts, and a person with the own password.

The last administrator who can sign in is never closed or given another role. Whatever takes
something away from a person (role, agency, password, the account) ends the person's browsers.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.access import accounts as people
from crm_bridge.access import passwords, sessions, tokens
from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.clock import Clock
from crm_bridge.errors import Refused
from crm_bridge.records.desk_tables.accounts import accounts

_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"
"""Those that are not taken for one another when read aloud or from paper."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An account as an administrator sees it; times in µs."""

    account: Account
    email: str | None
    active: bool
    locked_until_us: int | None
    has_password: bool
    linked: bool
    """Known at the ministry's own sign-in."""
    created_us: int


def entry_of(row: Row[Any], now: int) -> Entry:
    """The entry of a row of the table; a lock that has run out is none."""
    locked = row.locked_until_us
    return Entry(
        people.of_row(row), row.email, row.active, locked if locked and locked > now else None,
        row.password_hash is not None, row.oidc_subject is not None, row.created_us,
    )  # fmt: skip


async def entry(connection: AsyncConnection, clock: Clock, account_id: str) -> Entry:
    """One account; Refused (404) where there is none."""
    return entry_of(await people.row_of(connection, account_id), clock.now_us())


async def listing(
    connection: AsyncConnection,
    clock: Clock,
    *,
    text: str = "",
    role: Role | None = None,
    active: bool | None = None,
    after: str | None = None,
    limit: int = 50,
) -> list[Entry]:
    """Accounts by login, from behind `after`; `text` is a part of a login, name or address."""
    query = select(accounts).order_by(accounts.c.login).limit(limit)
    for word in text.replace("\0", "").casefold().split()[:5]:
        columns = (accounts.c.login, accounts.c.name_th, accounts.c.name_en, accounts.c.email)
        like = [func.lower(column).contains(word, autoescape=True) for column in columns]
        query = query.where(like[0] | like[1] | like[2] | like[3])
    if role is not None:
        query = query.where(accounts.c.role == role.value)
    if active is not None:
        query = query.where(accounts.c.active == active)
    if after is not None:
        query = query.where(accounts.c.login > after)
    now = clock.now_us()
    return [entry_of(row, now) for row in await connection.execute(query)]


async def edit(
    connection: AsyncConnection, clock: Clock, account_id: str, changes: Mapping[str, Any]
) -> list[str]:
    """Changes name_th, name_en, email, role, agency, province, language; the browsers it ended.

    Raises Refused (404, 409 for the last administrator, 422).
    """
    row = await people.row_of(connection, account_id)
    values = dict(changes)
    role = Role(values.get("role", row.role))
    if row.role == Role.ADMINISTRATOR and role is not Role.ADMINISTRATOR:
        await _another_administrator(connection, row)
    values["role"] = role.value
    values["agency"] = people.agency_of(role, values.get("agency", row.agency))
    values["province"] = values.get("province", row.province) if values["agency"] else None
    if "email" in values:
        values["email"] = people.email_form(values["email"])
    for name in ("name_th", "name_en"):
        if name in values:
            values[name] = values[name].strip()
    await _change(connection, clock, row, values)
    if all(values[name] == getattr(row, name) for name in ("role", "agency", "province")):
        return []
    return await sessions.end_all(connection, clock, account_id)


async def close(connection: AsyncConnection, clock: Clock, account_id: str) -> list[str]:
    """Ends an account with its browsers and keys; the browsers' sessions. Raises Refused."""
    row = await people.row_of(connection, account_id)
    if not row.active:
        raise Refused("account-closed", "บัญชีนี้ถูกปิดแล้ว", "the account is closed already")
    if row.role == Role.ADMINISTRATOR:
        await _another_administrator(connection, row)
    await _change(connection, clock, row, {"active": False})
    await tokens.end_all(connection, clock, account_id)
    return await sessions.end_all(connection, clock, account_id)


async def reopen(connection: AsyncConnection, clock: Clock, account_id: str) -> None:
    """Takes a closed account up again, as it was but without its keys. Raises Refused."""
    row = await people.row_of(connection, account_id)
    if row.active:
        raise Refused("account-open", "บัญชีนี้ใช้งานได้อยู่แล้ว", "the account is open already")
    values = {"active": True, "failures": 0, "locked_until_us": None}
    await _change(connection, clock, row, values)


async def one_time_password(
    connection: AsyncConnection, clock: Clock, account_id: str
) -> tuple[str, list[str]]:
    """A new password to be changed at the next sign-in, and the browsers it ended.

    It also unlocks, and ends the keys: whoever asks may have lost the password to somebody.
    """
    password = drawn()
    return password, await set_password(connection, clock, account_id, password, once=True)


async def set_password(
    connection: AsyncConnection, clock: Clock, account_id: str, password: str, *, once: bool
) -> list[str]:
    """Puts this password in place (`once`: to be changed); ends browsers and keys, unlocks."""
    row = await people.row_of(connection, account_id)
    if not row.active:
        raise Refused("account-closed", "บัญชีนี้ถูกปิดแล้ว", "the account is closed")
    kept = await passwords.hashed(password)
    values = {
        "password_hash": kept, "password_us": clock.now_us(), "must_change": once,
        "failures": 0, "locked_until_us": None,
    }  # fmt: skip
    await _change(connection, clock, row, values)
    await tokens.end_all(connection, clock, account_id)
    return await sessions.end_all(connection, clock, account_id)


def drawn() -> str:
    """A password drawn by lot, four times four letters, good to read aloud."""
    groups = ("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4))
    return "-".join(groups)


async def change_password(
    connection: AsyncConnection, clock: Clock, account: Account, new: str
) -> None:
    """The person's own new password, in place of the one just shown to be right.

    `account` is what it was then; Refused (409) where an administrator has changed it meanwhile.
    """
    row = await people.row_of(connection, account.id)
    if row.version != account.version or not row.active:
        th, en = "บัญชีเพิ่งถูกแก้ไข โปรดลองอีกครั้ง", "the account has just been changed; try again"
        raise Refused("changed-meanwhile", th, en, 409)
    kept = await passwords.hashed(new)
    values = {"password_hash": kept, "password_us": clock.now_us(), "must_change": False}
    await _change(connection, clock, row, values)


async def unlock(connection: AsyncConnection, clock: Clock, account_id: str) -> None:
    """Ends the lock after wrong passwords; nothing where there is none."""
    row = await people.row_of(connection, account_id)
    await _change(connection, clock, row, {"failures": 0, "locked_until_us": None})


async def _change(
    connection: AsyncConnection, clock: Clock, row: Row[Any], values: Mapping[str, Any]
) -> None:
    await connection.execute(
        update(accounts)
        .where(accounts.c.id == row.id)
        .values(**values, updated_us=clock.now_us(), version=row.version + 1)
    )


async def _another_administrator(connection: AsyncConnection, row: Row[Any]) -> None:
    """Refused where this one is the last who can sign in."""
    query = select(func.count()).where(
        accounts.c.role == Role.ADMINISTRATOR.value,
        accounts.c.active,
        accounts.c.id != row.id,
        accounts.c.password_hash.is_not(None) | accounts.c.oidc_subject.is_not(None),
    )
    if row.active and not (await connection.execute(query)).scalar_one():
        th = "นี่คือผู้ดูแลระบบคนสุดท้าย ต้องมีผู้ดูแลระบบอย่างน้อยหนึ่งคน"
        en = "this is the last administrator; there must be one who can sign in"
        raise Refused("last-administrator", th, en, 409)
