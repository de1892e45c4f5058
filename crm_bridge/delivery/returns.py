"""Statuses that changed in another CRM, as they come back: kept with the link, told on the case.

Two ways lead here. A webhook *pushes* a change, late, twice or overtaken: its moment says whether
it is newer. A CRM that is *asked* says how its tickets stand now: what it said before we last set a
status is old. Our own writes come back too, also before we had their answer, and are told to
nobody. The case's own state stays: the ministry's workflow decides that; its officer is told where
the other CRM thinks it is over.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import structlog
from sqlalchemy import and_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.cases import bell, timeline
from crm_bridge.cases.workflow import OPEN, State
from crm_bridge.clock import Clock
from crm_bridge.connectors.port import Connector, ConnectorError, Status, StatusChange
from crm_bridge.delivery import links
from crm_bridge.delivery.case_contents import STATUS, THERE
from crm_bridge.delivery.outbox import State as Waits
from crm_bridge.errors import StorageError
from crm_bridge.live.hub import Hub
from crm_bridge.records import outbox as entries
from crm_bridge.records.database import Database
from crm_bridge.records.desk_tables.cases import case_events, cases
from crm_bridge.records.desk_tables.connectors import connectors, outbox
from ivr.calls.call import Micros

_log = structlog.get_logger(__name__)

OVER: Final = frozenset({Status.RESOLVED, Status.CLOSED, Status.CANCELLED})


async def returned(
    connection: AsyncConnection,
    clock: Clock,
    connector: str,
    change: StatusChange,
    *,
    asked_at: Micros | None = None,
) -> bool:
    """Keeps what is news; whether the ticket stands elsewhere than was known.

    Give a connection of `writing`. `asked_at`: when the CRM was asked how it stands, by our clock;
    None: it was pushed. Of a key that has no record there nothing is kept.
    """
    link = await links.find(connection, connector, change.key)
    if link is None or _old(link, change, asked_at):
        return False
    # when it was asked, not when it changed: their clock may be ahead of ours, or behind
    at = change.at if asked_at is None else asked_at
    now = replace(
        link, native=change.native, status=change.status, status_us=at, updated_us=clock.now_us()
    )
    await links.save(connection, [now])
    if (link.native, link.status) == (now.native, now.status):
        return False
    # the first time it is only learned, by nobody's act
    if link.native is not None and not await _is_ours(connection, now):
        await _tell_case(connection, clock, link, now)
    return True


def _old(link: links.Link, change: StatusChange, asked_at: Micros | None) -> bool:
    if asked_at is not None:
        return link.native == change.native or (link.status_us or 0) >= asked_at
    return link.status_us is not None and change.at <= link.status_us


async def _is_ours(connection: AsyncConnection, now: links.Link) -> bool:
    """Whether an entry that is to bring the case just there is on its way: its answer may come
    after this.
    """
    kind, _, ticket = now.key.partition(":")
    if kind != "case":
        return False
    query = (
        select(case_events.c.state)
        .join(cases, cases.c.id == case_events.c.case_id)
        .join(
            outbox,
            and_(
                outbox.c.subject == case_events.c.case_id,
                outbox.c.revision == case_events.c.ordinal,
            ),
        )
        .where(
            cases.c.ticket == ticket,
            outbox.c.connector == now.connector,
            outbox.c.kind == entries.CASE,
            outbox.c.state == Waits.WAITING,
        )
    )
    states = (await connection.execute(query)).scalars()
    return any(STATUS[State(state)] is now.status for state in states)


async def _tell_case(
    connection: AsyncConnection, clock: Clock, before: links.Link, now: links.Link
) -> None:
    kind, _, ticket = now.key.partition(":")
    query = select(cases.c.id, cases.c.state, cases.c.owner).where(cases.c.ticket == ticket)
    row = (await connection.execute(query)).one_or_none() if kind == "case" else None
    if row is None:
        return
    said = {"connector": now.connector, "before": before.native or "", "native": now.native or "",
            "status": now.status.value if now.status else ""}  # fmt: skip
    await timeline.add(
        connection, row.id, at=clock.now_us(), kind=THERE, by=None, state=row.state,
        internal=True, body=said,
    )  # fmt: skip
    if now.status in OVER and State(row.state) in OPEN:
        await bell.notify(
            connection, clock, await bell.one(connection, row.owner), kind=THERE, ticket=ticket,
            th=f"เรื่อง {ticket} ใน {now.connector} เปลี่ยนเป็น “{now.native}” แต่เรื่องนี้ยังไม่ได้ข้อยุติ",
            en=f"Case {ticket} is “{now.native}” in {now.connector}, and not settled here",
            dedupe=f"{THERE}:{now.connector}:{ticket}:{now.status_us}",
        )  # fmt: skip


class Poll:
    """Asks one CRM which of our tickets changed, from where it was asked last."""

    def __init__(self, connector: Connector, database: Database, clock: Clock, hub: Hub) -> None:
        self._connector = connector
        self._database = database
        self._clock = clock
        self._hub = hub

    async def run(self, seconds: float) -> None:
        """Asks every so many seconds, until cancelled."""
        while True:
            try:
                more = True
                while more:
                    more = await self.once()
            except ConnectorError as error:
                _log.info("status changes not asked for", connector=self._connector.name,
                          why=type(error).__name__)  # fmt: skip
            except StorageError as fault:
                _log.warning("status changes wait for the database", what=fault.what)
            except Exception as bug:
                _log.error("status changes could not be taken in", connector=self._connector.name,
                           why=type(bug).__name__)  # fmt: skip
            await self._clock.sleep(seconds)

    async def once(self) -> bool:
        """Asks once; whether there is more to be had. Raises ConnectorError, StorageError."""
        name = self._connector.name
        async with self._database.reading() as connection:
            query = select(connectors.c.cursor).where(connectors.c.name == name)
            cursor = await connection.scalar(query)
        asked_at = self._clock.now_us()
        changes = await self._connector.changes(cursor)
        told: list[str] = []
        async with self._database.writing() as connection:
            for change in changes.items:
                if await returned(connection, self._clock, name, change, asked_at=asked_at):
                    told.append(change.key)
            await connection.execute(
                update(connectors)
                .where(connectors.c.name == name)
                .values(cursor=changes.cursor, polled_us=self._clock.now_us())
            )
        for key in told:
            publish(self._hub, key)
        return changes.more


def publish(hub: Hub, key: str) -> None:
    """Tells the screens, once it is on disk, that what stands elsewhere of this key has changed."""
    kind, _, ticket = key.partition(":")
    if kind == "case":
        hub.publish("cases", "there", {"ticket": ticket}, key=ticket)
