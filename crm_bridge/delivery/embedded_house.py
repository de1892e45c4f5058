"""The house as its embedded connector enters it: an account, keys, and errors of the port."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

from sqlalchemy import Row, and_, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.access import accounts
from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.clock import Clock
from crm_bridge.connectors.port import (
    ConnectorError,
    Denied,
    Fields,
    Gone,
    Kind,
    Rejected,
    Unreachable,
    Unsettled,
)
from crm_bridge.errors import RecordRefused, Refused, StorageError, StorageUnavailable
from crm_bridge.records.database import Database
from crm_bridge.records.desk_tables.connectors import connector_links, connectors

STANDS_FOR: Final = (Role.SUPERVISOR, Role.DIRECTOR)
"""Whose accounts may do what has been decided elsewhere."""

WHERE: Final = "hotline 1203"
"""How errors name the house."""


class House:
    """Transactions of one connector, and the keys of what it wrote."""

    def __init__(self, name: str, kind: str, database: Database, clock: Clock, login: str) -> None:
        self._name = name
        self._kind = kind
        self._database = database
        self._clock = clock
        self._login = login

    async def link(self, connection: AsyncConnection, key: str) -> Row[Any] | None:
        """Which record has this key, if one has."""
        query = select(connector_links).where(
            connector_links.c.connector == self._name, connector_links.c.key == key
        )
        return (await connection.execute(query)).one_or_none()

    async def remember(
        self, connection: AsyncConnection, key: str, kind: Kind, record: str, *,
        theirs: bool = False,
    ) -> None:  # fmt: skip
        """Keeps which record has this key; the connector's own row is made where there is none."""
        now = self._clock.now_us()
        here = select(connectors.c.name).where(connectors.c.name == self._name)
        if await connection.scalar(here) is None:
            await connection.execute(
                insert(connectors).values(
                    name=self._name, kind=self._kind, active=False, since_us=now
                )
            )
        values = {"kind": kind.value, "id": record, "theirs": theirs, "updated_us": now}
        if await self.link(connection, key) is None:
            await connection.execute(
                insert(connector_links).values(connector=self._name, key=key, made_us=now, **values)
            )
            return
        same = and_(connector_links.c.connector == self._name, connector_links.c.key == key)
        await connection.execute(update(connector_links).where(same).values(**values))

    @asynccontextmanager
    async def reading(self, act: str) -> AsyncIterator[tuple[AsyncConnection, Account]]:
        """A view of the records for this act, and who acts; raises ConnectorError."""
        with _errors(act):
            async with self._database.reading() as connection:
                yield connection, await self._account(connection, act)

    @asynccontextmanager
    async def writing(self, act: str) -> AsyncIterator[tuple[AsyncConnection, Account]]:
        """A transaction for this act, and who acts; raises ConnectorError, then nothing is done."""
        with _errors(act):
            async with self._database.writing() as connection:
                yield connection, await self._account(connection, act)

    async def _account(self, connection: AsyncConnection, act: str) -> Account:
        """Who acts; Denied unless the account is open and a supervisor's or the Director's."""
        mend = f"give it the login of an open account: {' or '.join(STANDS_FOR)}"
        try:
            account = await accounts.named(connection, self._login)
            row = await accounts.row_of(connection, account.id)
        except Refused as error:
            raise Denied(f"{act}: {error.en}", where=WHERE, mend=mend) from error
        if not row.active or account.role not in STANDS_FOR:
            raise Denied(f"{act}: the account may not act for others", where=WHERE, mend=mend)
        return account


def fit(fields: Fields, known: Collection[str]) -> dict[str, str | None]:
    """The fields as texts; Rejected where there is no such field."""
    odd = sorted(name for name in fields if name not in known)
    if odd:
        raise Rejected(
            f"there is no field {', '.join(odd)}",
            where=WHERE,
            mend=f"correct the mapping; there is: {', '.join(sorted(known))}",
        )
    return {name: None if value is None else str(value) for name, value in fields.items()}


@contextmanager
def _errors(act: str) -> Iterator[None]:
    """What the rooms refuse, and faults of the store, as the port's errors."""
    try:
        yield
    except Refused as error:
        raise _refusal(act, error) from error
    except StorageUnavailable as error:
        raise Unreachable(f"{act}: {error.what}", where=error.where, mend=error.mend) from error
    except RecordRefused as error:
        raise Rejected(f"{act}: {error.what}", where=error.where, mend=error.mend) from error
    except StorageError as error:
        raise Denied(f"{act}: {error.what}", where=error.where, mend=error.mend) from error


def _refusal(act: str, error: Refused) -> ConnectorError:
    """The port's error for an act that the rooms refuse; it names fields, never what they hold."""
    fields = f" ({', '.join(sorted(error.fields))})" if error.fields else ""
    what = f"{act}: {error.code}{fields}"
    if error.status in {404, 410}:
        return Gone(what, where=WHERE, mend=error.en)
    if error.status == 412:
        return Unsettled(what, where=WHERE, mend=error.en)
    return Rejected(what, where=WHERE, mend=error.en)
