"""Other CRMs: how they stand, what failed to reach them; send it again, mend it, skip it."""

from __future__ import annotations

from typing import Annotated

import structlog
from fastapi import APIRouter, Query, Request, Response

from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.delivery import outbox
from crm_bridge.delivery.outbox import State
from crm_bridge.web import etags, paging
from crm_bridge.web.connectors import view
from crm_bridge.web.connectors.schemas import (
    Again,
    CrmOut,
    EntryOut,
    EntryWhole,
    Name,
    Overrides,
    Seq,
    States,
    Why,
    crm_out,
    entry_out,
    whole_out,
)
from crm_bridge.web.context import Context, context
from crm_bridge.web.policy import who

_log = structlog.get_logger(__name__)

router = APIRouter(prefix="/api/v1/connectors", tags=["connectors"])

Overseer = Annotated[Account, who(Role.ADMINISTRATOR, Role.SUPERVISOR)]
Administrator = Annotated[Account, who(Role.ADMINISTRATOR)]


def wake(held: Context, name: str) -> None:
    """After the commit: the delivery looks at once."""
    if held.deliveries is not None:
        held.deliveries.wake(name)


@router.get("", summary="Every other CRM, how it stands and what waits for it")
async def list_connectors(request: Request, me: Overseer) -> list[CrmOut]:
    """Those that hotline.toml names first, then those it once named."""
    held = context(request)
    async with held.database.reading() as connection:
        return [crm_out(one) for one in await view.crms(connection, held)]


@router.get("/{name}", summary="One other CRM, how it stands and what waits for it")
async def one_connector(request: Request, me: Overseer, name: Name) -> CrmOut:
    """404 where none was ever called so."""
    held = context(request)
    async with held.database.reading() as connection:
        return crm_out(await view.crm(connection, held, name))


@router.get("/{name}/entries", summary="What goes to it, newest first")
async def list_entries(
    request: Request,
    me: Overseer,
    name: Name,
    state: Annotated[list[States] | None, Query()] = None,
    cursor: paging.Cursor = None,
    limit: paging.Limit = 50,
) -> paging.Page[EntryOut]:
    """Dead ones where no state is named."""
    held = context(request)
    key = paging.decode(cursor, int)
    states = tuple(State(one) for one in state or ("dead",))
    async with held.database.reading() as connection:
        await view.crm(connection, held, name)
        found = await outbox.listed(
            connection, name, states, after=key[0] if key else None, limit=limit + 1
        )
    shown = found[:limit]
    more = len(found) > limit
    return paging.Page(
        items=[entry_out(one) for one in shown],
        next=paging.encode([shown[-1].seq]) if more else None,
    )


@router.get("/{name}/entries/{seq}", summary="One entry, its tries, and where its record stands")
async def one_entry(
    request: Request, response: Response, me: Overseer, name: Name, seq: Seq
) -> EntryWhole:
    """With its version as ETag."""
    async with context(request).database.reading() as connection:
        found = await view.whole(connection, me, name, seq)
    etags.give(response, found.line.entry.version)
    return whole_out(found)


@router.post("/{name}/entries/{seq}/again", summary="Send one again, at once")
async def send_again(request: Request, me: Overseer, name: Name, seq: Seq) -> EntryOut:
    """What is there already is brought up to date, never made twice."""
    held = context(request)
    async with held.database.writing() as connection:
        await view.of_crm(connection, name, seq)
        one = await outbox.resend(connection, held.clock, seq, me)
    wake(held, name)
    _log.info("an entry is sent again", connector=name, seq=seq, by=me.id)
    return entry_out(one)


@router.post("/{name}/again", summary="Send everything again that failed")
async def send_all_again(request: Request, me: Overseer, name: Name) -> Again:
    """Every dead entry of this CRM."""
    held = context(request)
    async with held.database.writing() as connection:
        await view.crm(connection, held, name)
        sent = await outbox.resend_dead(connection, held.clock, name, me)
    wake(held, name)
    _log.info("dead entries are sent again", connector=name, entries=sent, by=me.id)
    return Again(sent=sent)


@router.post("/{name}/now", summary="Try now what waits for its time")
async def try_now(request: Request, me: Overseer, name: Name) -> CrmOut:
    """However long the CRM was to be left alone."""
    held = context(request)
    async with held.database.writing() as connection:
        await view.crm(connection, held, name)
        await outbox.hasten(connection, held.clock, name)
    if held.deliveries is not None and (worker := held.deliveries.workers.get(name)) is not None:
        worker.try_now()
    _log.info("a CRM is tried now", connector=name, by=me.id)
    async with held.database.reading() as connection:
        return crm_out(await view.crm(connection, held, name))


@router.post("/{name}/entries/{seq}/skip", summary="Decide that one does not go")
async def skip(request: Request, me: Overseer, name: Name, seq: Seq, body: Why) -> EntryOut:
    """What waits behind it goes on; the reason stays with its tries."""
    held = context(request)
    async with held.database.writing() as connection:
        await view.of_crm(connection, name, seq)
        one = await outbox.skip(connection, held.clock, seq, body.why, me)
    wake(held, name)
    _log.info("an entry is skipped", connector=name, seq=seq, by=me.id)
    return entry_out(one)


@router.put("/{name}/entries/{seq}/overrides", summary="Set by hand what goes to its fields")
async def mend(
    request: Request,
    response: Response,
    me: Administrator,
    name: Name,
    seq: Seq,
    body: Overrides,
    again: Annotated[bool, Query(description="and send it again at once")] = False,
) -> EntryOut:
    """For once, and whole: a field that is not named goes as mapped. If-Match is asked for."""
    held = context(request)
    async with held.database.writing() as connection:
        found, _ = await view.of_crm(connection, name, seq)
        etags.require(request, found.version)
        one = await outbox.set_overrides(connection, seq, body.root)
        if again:
            one = await outbox.resend(connection, held.clock, seq, me)
    if again:
        wake(held, name)
    etags.give(response, one.version)
    # the fields are named, what was typed is not
    _log.info("an entry is mended", connector=name, seq=seq, fields=sorted(body.root), by=me.id)
    return entry_out(one)
