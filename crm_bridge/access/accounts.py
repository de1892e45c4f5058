"""Accounts: made, found, signed in to; locked after repeated failures."""

from __future__ import annotations

import re
import unicodedata
import uuid
from typing import Any, Final

from sqlalchemy import Row, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.access import passwords
from crm_bridge.access.account import Account
from crm_bridge.access.roles import OUTSIDE, Role
from crm_bridge.clock import Clock
from crm_bridge.errors import Refused
from crm_bridge.records.database import Database
from crm_bridge.records.desk_tables.accounts import accounts

FAILURES: Final = 5
"""Wrong passwords in a row after which an account is locked."""

LOCKED_FOR: Final = 15 * 60 * 1_000_000
"""Microseconds an account stays locked."""

_LOGIN: Final = re.compile(r"[a-z0-9][a-z0-9._@-]{1,63}")


def login_form(text: str) -> str:
    """The login as it is kept: NFKC, lower case, no blanks around it."""
    return unicodedata.normalize("NFKC", text).strip().casefold()


def of_row(row: Row[Any]) -> Account:
    """The account of a row of the table."""
    return Account(
        row.id, row.login, row.name_th, row.name_en, Role(row.role), row.agency, row.province,
        row.language, row.version,
    )  # fmt: skip


async def create(
    connection: AsyncConnection,
    clock: Clock,
    *,
    login: str,
    role: Role,
    name_th: str,
    name_en: str = "",
    password: str | None = None,
    email: str | None = None,
    agency: str | None = None,
    province: str | None = None,
    language: str = "th",
    must_change: bool = False,
) -> Account:
    """A new account; without a password it can only sign in through the ministry's own sign-in.

    Raises Refused where the login is taken or not one, the password too short, or an outside
    role has no agency.
    """
    login = login_form(login)
    if not _LOGIN.fullmatch(login):
        th = "ชื่อผู้ใช้ต้องเป็นอักษรอังกฤษ ตัวเลข หรือ . _ - @ ยาว 2 ถึง 64 ตัว"
        en = "a login has 2 to 64 of a-z 0-9 . _ - @"
        raise Refused("login-form", th, en, 422, {"login": (th, en)})
    if role in OUTSIDE and not agency:
        th, en = "บทบาทนี้ต้องระบุหน่วยงาน", "this role needs an agency"
        raise Refused("agency-missing", th, en, 422, {"agency": (th, en)})
    now = clock.now_us()
    kept = await passwords.hashed(password) if password is not None else None
    values = {
        "id": uuid.uuid4().hex, "login": login, "name_th": name_th.strip(),
        "name_en": name_en.strip(), "email": email or None, "role": role.value,
        "agency": agency, "province": province, "language": language, "password_hash": kept,
        "active": True, "must_change": must_change, "failures": 0, "created_us": now,
        "updated_us": now, "version": 1,
    }  # fmt: skip
    try:
        await connection.execute(accounts.insert().values(values))
    except IntegrityError:
        th, en = "มีชื่อผู้ใช้นี้แล้ว", "this login is taken"
        raise Refused("login-taken", th, en, 409, {"login": (th, en)}) from None
    row = (await connection.execute(select(accounts).where(accounts.c.id == values["id"]))).one()
    return of_row(row)


async def sign_in(database: Database, clock: Clock, login: str, password: str) -> Account:
    """The account of this login and password; Refused (the same for every reason but a lock).

    Failures in a row are counted; at `FAILURES` the account is locked for `LOCKED_FOR`.
    """
    async with database.reading() as connection:
        query = select(accounts).where(accounts.c.login == login_form(login))
        row = (await connection.execute(query)).one_or_none()
    now = clock.now_us()
    if row is not None and row.locked_until_us is not None and row.locked_until_us > now:
        minutes = -(-(row.locked_until_us - now) // 60_000_000)
        raise Refused(
            "account-locked",
            f"บัญชีถูกล็อกเพราะใส่รหัสผ่านผิดหลายครั้ง ลองใหม่ใน {minutes} นาที หรือติดต่อผู้ดูแลระบบ",
            f"locked after wrong passwords; try again in {minutes} min, or ask an administrator",
            429,
        )
    good = await passwords.matches(row.password_hash if row is not None else None, password)
    if row is None or not row.active or not good:
        if row is not None and row.active:
            await _failed(database, clock, row.id)
        raise Refused(
            "sign-in-failed",
            "ชื่อผู้ใช้หรือรหัสผ่านไม่ถูกต้อง",
            "login or password is wrong",
            401,
        )
    if row.failures or row.locked_until_us is not None:
        async with database.writing() as connection:
            await connection.execute(
                update(accounts)
                .where(accounts.c.id == row.id)
                .values(failures=0, locked_until_us=None)
            )
    return of_row(row)


async def _failed(database: Database, clock: Clock, account_id: str) -> None:
    async with database.writing() as connection:
        query = select(accounts.c.failures).where(accounts.c.id == account_id)
        failures = (await connection.execute(query)).scalar_one() + 1
        locked = clock.now_us() + LOCKED_FOR if failures >= FAILURES else None
        await connection.execute(
            update(accounts)
            .where(accounts.c.id == account_id)
            .values(failures=0 if locked else failures, locked_until_us=locked)
        )
