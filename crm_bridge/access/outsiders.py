"""Whose account it is that the ministry's own sign-in has vouched for.

Found by the provider's subject; the first time by the verified e-mail address or the user name,
and from then on bound to the subject. Where the provider also says the role (`role_claim`), it is
the authority: a person without a role is not let in, one without an account is given it, and the
role follows the claim at each sign-in.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.access import accounts as people
from crm_bridge.access import administration
from crm_bridge.access.account import Account
from crm_bridge.access.roles import OUTSIDE, Role
from crm_bridge.clock import Clock
from crm_bridge.config_outside import OidcSection
from crm_bridge.errors import Refused
from crm_bridge.records.desk_tables.accounts import accounts


async def account_of(
    connection: AsyncConnection,
    clock: Clock,
    section: OidcSection,
    agencies: Collection[str],
    claims: Mapping[str, Any],
) -> tuple[Account, list[str]]:
    """The account of these claims, and the browsers that a change of role ended.

    Raises Refused (403) where the person is unknown, has no role, or the account is closed.
    """
    subject = f"{section.issuer} {claims['sub']}"
    granted = _granted(section, agencies, claims) if section.role_claim else None
    row = await _by_subject(connection, subject) or await _first(connection, section, claims)
    if row is None:
        if granted is None:
            raise _unknown()
        return await _new(connection, clock, claims, granted, subject), []
    if not row.active:
        th, en = "บัญชีนี้ถูกปิดแล้ว โปรดติดต่อผู้ดูแลระบบ", "this account is closed; ask an administrator"
        raise Refused("account-closed", th, en, 403)
    values: dict[str, Any] = {"oidc_subject": subject}
    if row.must_change:  # the one-time password has not been needed, and must not lie about
        values |= {"password_hash": None, "must_change": False}
    await connection.execute(update(accounts).where(accounts.c.id == row.id).values(values))
    ended = []
    if granted is not None and granted != (row.role, row.agency):
        changes = {"role": granted[0], "agency": granted[1]}
        ended = await administration.edit(connection, clock, row.id, changes)
    return await people.find(connection, row.id), ended


async def _by_subject(connection: AsyncConnection, subject: str) -> Row[Any] | None:
    query = select(accounts).where(accounts.c.oidc_subject == subject)
    return (await connection.execute(query)).one_or_none()


async def _first(
    connection: AsyncConnection, section: OidcSection, claims: Mapping[str, Any]
) -> Row[Any] | None:
    """The one account not yet bound to anybody that the claims name; `None` for none or several."""
    if section.match == "email":
        # an address that the provider has not verified is anybody's to claim
        name = claims.get("email") if claims.get("email_verified") is True else None
        column = accounts.c.email
    else:
        name = claims.get("preferred_username")
        column = accounts.c.login
    if not isinstance(name, str) or not name.strip():
        return None
    query = select(accounts).where(
        column == people.login_form(name), accounts.c.oidc_subject.is_(None)
    )
    found = (await connection.execute(query.limit(2))).all()
    return found[0] if len(found) == 1 else None


def _granted(
    section: OidcSection, agencies: Collection[str], claims: Mapping[str, Any]
) -> tuple[str, str | None]:
    said = claims.get(section.role_claim)
    values = said if isinstance(said, list) else [said]
    role = next((section.roles[v] for v in values if isinstance(v, str) and v in section.roles), "")
    if not role:
        raise Refused(
            "no-role",
            "บัญชีกระทรวงของท่านไม่มีสิทธิ์ใช้ระบบนี้ โปรดติดต่อผู้ดูแลระบบ",
            "your ministry account has no role here; ask an administrator",
            403,
        )
    if Role(role) not in OUTSIDE:
        return role, None
    agency = claims.get(section.agency_claim) if section.agency_claim else None
    if not isinstance(agency, str) or agency not in agencies:
        raise Refused(
            "no-agency",
            "บัญชีกระทรวงของท่านไม่ระบุหน่วยงานที่ระบบนี้รู้จัก โปรดติดต่อผู้ดูแลระบบ",
            "your ministry account names no agency known here; ask an administrator",
            403,
        )
    return role, agency


async def _new(
    connection: AsyncConnection,
    clock: Clock,
    claims: Mapping[str, Any],
    granted: tuple[str, str | None],
    subject: str,
) -> Account:
    verified = claims.get("email") if claims.get("email_verified") is True else None
    email = verified if isinstance(verified, str) else None
    login = claims.get("preferred_username") or email
    if not isinstance(login, str):
        raise _unknown()
    name = claims.get("name")
    shown = name[:200] if isinstance(name, str) and name.strip() and name.isprintable() else login
    return await people.create(
        connection, clock, login=login, role=Role(granted[0]), name_th=shown, email=email,
        agency=granted[1], subject=subject,
    )  # fmt: skip


def _unknown() -> Refused:
    return Refused(
        "not-known-here",
        "ไม่พบบัญชีของท่านในระบบนี้ โปรดติดต่อผู้ดูแลระบบ",
        "there is no account of yours here; ask an administrator",
        403,
    )
