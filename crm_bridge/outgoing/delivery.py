"""The worker that sends messages: in order, again after a failure, and never for ever.

Messages to one recipient about one case go in the order in which they were written; any other
waits for nobody. A message under way is leased, so that a second process does not send it too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import structlog
from sqlalchemy import Select, and_, exists, or_, select, update

from crm_bridge.clock import Clock
from crm_bridge.errors import StorageError
from crm_bridge.outgoing.gateways import Gateway, GatewayError
from crm_bridge.outgoing.messages import Kind, Message, message
from crm_bridge.records.database import Database
from crm_bridge.records.desk_tables.messages import messages
from ivr.calls.call import Micros

_log = structlog.get_logger(__name__)

Gateways = Mapping[Kind, Gateway]

SECOND: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Retrying:
    """When a failed message is tried again; seconds."""

    first: float = 10.0
    most: float = 3600.0
    tries: int = 20
    """After so many a message is dead: with the other defaults, within half a day."""

    def wait(self, attempts: int, asked: float | None = None) -> float | None:
        """Seconds to the next try after so many attempts; None: no further one.

        `asked`: what the gateway asked for; it is heard, within `most`.
        """
        if attempts >= self.tries:
            return None
        backoff = min(self.first * 2.0 ** (attempts - 1), self.most)
        return min(max(backoff, asked or 0.0), self.most)


LEASE: Final = 120 * SECOND
"""How long a message belongs to who is sending it; no gateway may take that long."""

BATCH: Final = 20
POLL: Final = 2.0
"""Seconds between looks; what an act writes goes out within them."""


async def deliver(
    database: Database,
    clock: Clock,
    gateways: Gateways,
    stop: asyncio.Event,
    *,
    retrying: Retrying | None = None,
    poll: float = POLL,
) -> None:
    """Sends what is due until `stop`. Whatever fails is logged and tried again: the line, which
    runs beside it, must not end for a message.
    """
    while not stop.is_set():
        done = 0
        try:
            done = await deliver_due(database, clock, gateways, retrying=retrying)
        except StorageError as error:
            _log.warning("messages wait for the database", why=error.what)
        except Exception as error:
            _log.error("the sending of messages failed", why=type(error).__name__)
        if not done:
            await _rest(stop, poll)


async def _rest(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        pass


async def deliver_due(
    database: Database,
    clock: Clock,
    gateways: Gateways,
    *,
    retrying: Retrying | None = None,
) -> int:
    """Tries each message that is due once, a batch at most; returns how many it tried."""
    retrying = retrying or Retrying()
    async with database.reading() as connection:
        if (await connection.execute(_due(clock.now_us(), 1))).first() is None:
            return 0  # the usual case: no lock is taken for nothing
    async with database.writing() as connection:
        now = clock.now_us()
        leased = [message(row) for row in await connection.execute(_due(now, BATCH))]
        late = [m.id for m in leased if m.expires is not None and m.expires <= now]
        fit = [m for m in leased if m.id not in late]
        if late:
            await connection.execute(
                update(messages)
                .where(messages.c.id.in_(late))
                .values(state="dead", last_error="too late", version=messages.c.version + 1)
            )
        if fit:
            await connection.execute(
                update(messages)
                .where(messages.c.id.in_([m.id for m in fit]))
                .values(
                    next_us=now + LEASE,
                    attempts=messages.c.attempts + 1,
                    attempted_us=now,
                    version=messages.c.version + 1,
                )
            )
    await asyncio.gather(*(_send(database, clock, gateways, m, retrying) for m in fit))
    return len(leased)


def _due(now: Micros, limit: int) -> Select[Any]:
    """Those to be tried now: due, not leased, and no earlier one to the same stands before."""
    earlier = messages.alias("earlier")
    before = exists().where(
        and_(
            earlier.c.state == "waiting",
            earlier.c.due_us <= now,
            earlier.c.about_kind == messages.c.about_kind,
            earlier.c.about_id == messages.c.about_id,
            earlier.c.kind == messages.c.kind,
            earlier.c.recipient == messages.c.recipient,
            or_(
                earlier.c.due_us < messages.c.due_us,
                and_(earlier.c.due_us == messages.c.due_us, earlier.c.seq < messages.c.seq),
            ),
        )
    )
    return (
        select(messages)
        .where(messages.c.state == "waiting", messages.c.next_us <= now, ~before)
        .order_by(messages.c.due_us, messages.c.seq)
        .limit(limit)
    )


async def _send(
    database: Database, clock: Clock, gateways: Gateways, one: Message, retrying: Retrying
) -> None:
    """Sends one and writes what became of it."""
    gateway = gateways[one.kind]
    attempts = one.attempts + 1
    try:
        reference = await gateway.send(one)
    except GatewayError as error:
        wait = retrying.wait(attempts, error.wait) if error.retry else None
        await _failed(database, clock, one, gateway.name, str(error), wait)
        why = type(error).__name__
        _log.warning("message not sent", message=one.id, kind=one.kind, why=why, again=wait)
    except Exception as error:  # a bug of a gateway: one message's fault must not stop the others
        wait = retrying.wait(attempts)
        await _failed(database, clock, one, gateway.name, type(error).__name__, wait)
        # not its text, not its trace: either may hold what the message says
        _log.error("gateway failed", message=one.id, kind=one.kind, why=type(error).__name__)
    else:
        await _sent(database, clock, one, gateway.name, reference)
        _log.info("message sent", message=one.id, kind=one.kind, attempts=attempts)


async def _failed(
    database: Database, clock: Clock, one: Message, gateway: str, why: str, wait: float | None
) -> None:
    now = clock.now_us()
    async with database.writing() as connection:
        await connection.execute(
            update(messages)
            .where(messages.c.id == one.id, messages.c.state == "waiting")
            .values(
                state="dead" if wait is None else "waiting",
                next_us=now if wait is None else now + round(wait * SECOND),
                last_error=why[:500],
                gateway=gateway,
                version=messages.c.version + 1,
            )
        )


async def _sent(
    database: Database, clock: Clock, one: Message, gateway: str, reference: str
) -> None:
    async with database.writing() as connection:
        await connection.execute(
            update(messages)
            .where(messages.c.id == one.id)  # also one withdrawn meanwhile: it has gone
            .values(
                state="sent",
                sent_us=clock.now_us(),
                gateway=gateway,
                reference=reference,
                last_error=None,
                version=messages.c.version + 1,
            )
        )
