"""Accounts: made, found, signed in to; locked after repeated failures.

A lock ends by itself and can be ended by an administrator; it holds passwords only, so that a
browser already signed in, a program's key and the ministry's own sign-in go on working.
"""

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
from crm_bridge.records import audit
from crm_bridge.records.database import Database
from crm_bridge.records.desk_tables.accounts import accounts

FAILURES: Final = 5
"""Wrong passwords in a row after which an account is locked."""

LOCKED_FOR: Final = 15 * 60 * 1_000_000
"""Microseconds an account stays locked."""

ONE_TIME_FOR: Final = 72 * 3600 * 1_000_000
"""Microseconds in which a one-time password must be used."""

SIGN_IN_FAILED: Final = "account.sign_in.failed"
PROVED: Final = "account.sign_in.proved"
"""Acts of the audit log; that a browser is signed in then is one of its session's."""

_LOGIN: Final = re.compile(r"[a-z0-9][a-z0-9._@-]{1,63}")
_EMAIL: Final = re.compile(r"[^\s@\x00-\x1f]{1,64}@[^\s@\x00-\x1f]{1,189}")


def login_form(text: str) -> str:
    """The login as it is kept: NFKC, lower case, no blanks around it."""
    return unicodedata.normalize("NFKC", text).strip().casefold()


def email_form(text: str | None) -> str | None:
    """The e-mail address as it is kept; `None` for none. Refused (422) where it is no address."""
    text = (text or "").strip().casefold()
    if text and not _EMAIL.fullmatch(text):
        th, en = "ที่อยู่อีเมลไม่ถูกต้อง", "this is no e-mail address"
        raise Refused("email-form", th, en, 422, {"email": (th, en)})
    return text or None


def of_row(row: Row[Any]) -> Account:
    """The account of a row of the table."""
    return Account(
        row.id, row.login, row.name_th, row.name_en, Role(row.role), row.agency, row.province,
        row.language, row.version, row.must_change,
    )  # fmt: skip


def agency_of(role: Role, agency: str | None) -> str | None:
    """The agency an account of this role has: an outside role needs one, others have none."""
    if role not in OUTSIDE:
        return None
    if not agency:
        th, en = "บทบาทนี้ต้องระบุหน่วยงาน", "this role needs an agency"
        raise Refused("agency-missing", th, en, 422, {"agency": (th, en)})
    return agency


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
    subject: str | None = None,
) -> Account:
    """A new account; without a password it can only sign in through the ministry's own sign-in.

    `subject` is who it is there. Raises Refused where the login is taken or not one, the password
    too short, or an outside role has no agency.
    """
    login = login_form(login)
    if not _LOGIN.fullmatch(login):
        th = "ชื่อผู้ใช้ต้องเป็นอักษรอังกฤษ ตัวเลข หรือ . _ - @ ยาว 2 ถึง 64 ตัว"
        en = "a login has 2 to 64 of a-z 0-9 . _ - @"
        raise Refused("login-form", th, en, 422, {"login": (th, en)})
    agency = agency_of(role, agency)
    now = clock.now_us()
    kept = await passwords.hashed(password) if password is not None else None
    values = {
        "id": uuid.uuid4().hex, "login": login, "name_th": name_th.strip(),
        "name_en": name_en.strip(), "email": email_form(email), "role": role.value,
        "agency": agency, "province": province if agency else None, "language": language,
        "password_hash": kept, "password_us": now if kept else None, "oidc_subject": subject,
        "active": True, "must_change": must_change, "failures": 0, "created_us": now,
        "updated_us": now, "version": 1,
    }  # fmt: skip
    taken = select(accounts.c.id).where(accounts.c.login == login)
    try:
        if (await connection.execute(taken)).first() is not None:
            raise _taken()
        await connection.execute(accounts.insert().values(values))
    except IntegrityError:
        raise _taken() from None
    return await find(connection, str(values["id"]))


def _taken() -> Refused:
    th, en = "มีชื่อผู้ใช้นี้แล้ว", "this login is taken"
    return Refused("login-taken", th, en, 409, {"login": (th, en)})


async def row_of(connection: AsyncConnection, account_id: str) -> Row[Any]:
    """The whole row of an account, closed ones too; Refused (404) where there is none."""
    query = select(accounts).where(accounts.c.id == account_id)
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise Refused("no-account", "ไม่พบบัญชีนี้", "there is no such account", 404)
    return row


async def find(connection: AsyncConnection, account_id: str) -> Account:
    """An account, closed ones too; Refused (404) where there is none."""
    return of_row(await row_of(connection, account_id))


async def named(connection: AsyncConnection, login: str) -> Account:
    """The account of a login, closed ones too; Refused (404) where there is none."""
    query = select(accounts).where(accounts.c.login == login_form(login))
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise Refused("no-account", "ไม่พบบัญชีนี้", "there is no such account", 404)
    return of_row(row)


async def sign_in(database: Database, clock: Clock, login: str, password: str) -> Account:
    """The account of this login and password; Refused (the same for every reason but a lock).

    Failures in a row are counted; at `FAILURES` the account is locked for `LOCKED_FOR`. Each is in
    the audit log with the account it was for; a login that nobody has leaves nothing there, for
    strangers are not to fill it.
    """
    row = None
    if _LOGIN.fullmatch(login_form(login)):
        async with database.reading() as connection:
            query = select(accounts).where(accounts.c.login == login_form(login))
            row = (await connection.execute(query)).one_or_none()
    _not_locked(row, clock)
    good = await passwords.matches(row.password_hash if row is not None else None, password)
    if row is None:
        raise _failed()
    if not row.active:
        async with database.writing() as connection:
            _note(connection, clock, SIGN_IN_FAILED, row.id, closed=True)
        raise _failed()
    async with database.writing() as connection:
        # what was read may be old: guesses sent side by side must not slip past the lock
        now = await row_of(connection, row.id)
        _not_locked(now, clock)
        if good and now.password_hash == row.password_hash:
            _note(connection, clock, PROVED, row.id)
            if now.failures or now.locked_until_us is not None:
                await _count(connection, row.id, 0, None)
        else:
            good = False
            failures = now.failures + 1
            locked = clock.now_us() + LOCKED_FOR if failures >= FAILURES else None
            await _count(connection, row.id, 0 if locked else failures, locked)
            _note(
                connection, clock, SIGN_IN_FAILED, row.id,
                failures=failures, locked=locked is not None,
            )  # fmt: skip
    if not good:
        raise _failed()
    if now.must_change and (now.password_us or 0) + ONE_TIME_FOR < clock.now_us():
        raise Refused(
            "one-time-expired",
            "รหัสผ่านชั่วคราวหมดอายุแล้ว โปรดขอรหัสใหม่จากผู้ดูแลระบบ",
            "the one-time password has run out; ask an administrator for a new one",
            401,
        )
    return of_row(now)


def _not_locked(row: Row[Any] | None, clock: Clock) -> None:
    now = clock.now_us()
    if row is None or row.locked_until_us is None or row.locked_until_us <= now:
        return
    minutes = -(-(row.locked_until_us - now) // 60_000_000)
    raise Refused(
        "account-locked",
        f"บัญชีถูกล็อกเพราะใส่รหัสผ่านผิดหลายครั้ง ลองใหม่ใน {minutes} นาที หรือติดต่อผู้ดูแลระบบ",
        f"locked after wrong passwords; try again in {minutes} min, or ask an administrator",
        429,
    )


def _note(
    connection: AsyncConnection, clock: Clock, act: str, account_id: str, **detail: Any
) -> None:
    """By nobody: who it was is what a sign-in is to find out."""
    about = f"account:{account_id}"
    audit.note(connection, audit.Entry(act, clock.now_us(), about, detail, via="browser"))


def _failed() -> Refused:
    th, en = "ชื่อผู้ใช้หรือรหัสผ่านไม่ถูกต้อง", "login or password is wrong"
    return Refused("sign-in-failed", th, en, 401)


async def _count(
    connection: AsyncConnection, account_id: str, failures: int, locked: int | None
) -> None:
    await connection.execute(
        update(accounts)
        .where(accounts.c.id == account_id)
        .values(failures=failures, locked_until_us=locked)
    )
