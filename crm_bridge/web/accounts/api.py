"""The administrator's acts on accounts."""

from __future__ import annotations

from typing import Annotated

import structlog
from fastapi import APIRouter, Query, Request, Response

from crm_bridge.access import accounts, administration, sessions
from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.web import etags, paging
from crm_bridge.web.accounts import directory
from crm_bridge.web.accounts.schemas import (
    Changes,
    Ended,
    Listed,
    Made,
    NewAccount,
    OneTime,
    listed,
)
from crm_bridge.web.context import context
from crm_bridge.web.policy import who
from crm_bridge.web.signin import cookies
from crm_bridge.web.signin.own import browser_of
from crm_bridge.web.signin.schemas import PLAIN, Browsers, Id

_log = structlog.get_logger(__name__)

router = APIRouter(prefix="/api/v1/accounts", tags=["accounts"])

Admin = Annotated[Account, who(Role.ADMINISTRATOR)]


@router.get("", summary="Accounts, by login")
async def list_accounts(
    request: Request,
    me: Admin,
    q: Annotated[
        str, Query(max_length=100, pattern=PLAIN, description="a part of login, name or address")
    ] = "",
    role: Role | None = None,
    active: bool | None = None,
    cursor: paging.Cursor = None,
    limit: paging.Limit = 50,
) -> paging.Page[Listed]:
    """Closed ones too, unless `active` says which."""
    held = context(request)
    after = paging.decode(cursor, str)
    async with held.database.reading() as connection:
        found = await administration.listing(
            connection, held.clock, text=q, role=role, active=active,
            after=after[0] if after else None, limit=limit + 1,
        )  # fmt: skip
    more = len(found) > limit
    shown = found[:limit]
    return paging.Page(
        items=[listed(entry) for entry in shown],
        next=paging.encode([shown[-1].account.login]) if more else None,
    )


@router.post("", summary="Make an account", status_code=201)
async def make_account(request: Request, me: Admin, given: NewAccount) -> Made:
    """With a one-time password, shown this once, that is changed at the first sign-in."""
    held = context(request)
    agency, province = directory.settle(held.config, given.role, given.agency, given.province)
    password = administration.drawn() if given.password else None
    async with held.database.writing() as connection:
        account = await accounts.create(
            connection, held.clock, login=given.login, role=given.role, name_th=given.name_th,
            name_en=given.name_en, password=password, email=given.email, agency=agency,
            province=province, language=given.language, must_change=given.password,
        )  # fmt: skip
    _log.info("an account was made", account=account.id, role=account.role.value, by=me.id)
    return Made(id=account.id, login=account.login, password=password)


@router.get("/{account_id}", summary="An account")
async def one_account(request: Request, response: Response, me: Admin, account_id: Id) -> Listed:
    """With its ETag, which an edit names."""
    held = context(request)
    async with held.database.reading() as connection:
        entry = await administration.entry(connection, held.clock, account_id)
    etags.give(response, entry.account.version)
    return listed(entry)


@router.patch("/{account_id}", summary="Change an account")
async def change_account(
    request: Request, response: Response, me: Admin, account_id: Id, given: Changes
) -> Listed:
    """A change of role, agency or province ends the person's browsers."""
    held = context(request)
    seen = etags.seen(request)
    changes = given.model_dump(exclude_unset=True)
    async with held.database.writing() as connection:
        before = await accounts.find(connection, account_id)
        etags.check(seen, before.version)
        if changes.keys() & {"role", "agency", "province"}:
            changes["agency"], changes["province"] = directory.settle(
                held.config,
                changes.get("role", before.role),
                changes.get("agency", before.agency),
                changes.get("province", before.province),
            )
        ended = await administration.edit(connection, held.clock, account_id, changes)
        entry = await administration.entry(connection, held.clock, account_id)
    cookies.tell(request, ended)
    _log.info("an account was changed", account=account_id, what=sorted(changes), by=me.id)
    etags.give(response, entry.account.version)
    return listed(entry)


@router.post("/{account_id}/close", summary="Close an account", status_code=204)
async def close_account(request: Request, me: Admin, account_id: Id) -> None:
    """Ends its browsers and keys; the last administrator's is not closed."""
    held = context(request)
    async with held.database.writing() as connection:
        ended = await administration.close(connection, held.clock, account_id)
    cookies.tell(request, ended)
    _log.info("an account was closed", account=account_id, by=me.id)


@router.post("/{account_id}/reopen", summary="Take a closed account up again", status_code=204)
async def reopen_account(request: Request, me: Admin, account_id: Id) -> None:
    """As it was, but without its keys."""
    held = context(request)
    async with held.database.writing() as connection:
        await administration.reopen(connection, held.clock, account_id)
    _log.info("an account was reopened", account=account_id, by=me.id)


@router.post("/{account_id}/password", summary="A one-time password")
async def reset_password(request: Request, me: Admin, account_id: Id) -> OneTime:
    """Shown this once; to be changed at the next sign-in. Ends browsers and keys, unlocks."""
    held = context(request)
    async with held.database.writing() as connection:
        password, ended = await administration.one_time_password(connection, held.clock, account_id)
    cookies.tell(request, ended)
    _log.info("a one-time password was set", account=account_id, by=me.id)
    return OneTime(password=password)


@router.post("/{account_id}/unlock", summary="End a lock after wrong passwords", status_code=204)
async def unlock_account(request: Request, me: Admin, account_id: Id) -> None:
    """Nothing where there is no lock."""
    held = context(request)
    async with held.database.writing() as connection:
        await administration.unlock(connection, held.clock, account_id)
    _log.info("an account was unlocked", account=account_id, by=me.id)


@router.get("/{account_id}/sessions", summary="An account's browsers")
async def account_browsers(request: Request, me: Admin, account_id: Id) -> Browsers:
    """Where the person is signed in, the newest first."""
    held = context(request)
    async with held.database.reading() as connection:
        await accounts.find(connection, account_id)
        rows = await sessions.live(connection, held.clock, account_id)
    session = request.state.session
    return Browsers(items=[browser_of(row, session.id if session else None) for row in rows])


@router.delete("/{account_id}/sessions", summary="End an account's browsers")
async def end_account_browsers(request: Request, me: Admin, account_id: Id) -> Ended:
    """All of them; their open pages are told."""
    held = context(request)
    async with held.database.writing() as connection:
        await accounts.find(connection, account_id)
        ended = await sessions.end_all(connection, held.clock, account_id)
    cookies.tell(request, ended)
    _log.info("an account's browsers were ended", account=account_id, by=me.id)
    return Ended(browsers=len(ended))
