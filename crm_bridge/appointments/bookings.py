"""The book of quarter hours: what an officer or a room is taken for; nothing is booked twice."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.appointments.slots import TICK, ticks
from crm_bridge.clock import Clock
from crm_bridge.errors import Refused
from crm_bridge.plain_text import plain_line
from crm_bridge.records.desk_tables.appointments import appointment_blocks, booked_ticks
from ivr.calls.call import Micros

LONGEST_BLOCK = 60 * 24 * 4
"""Ticks: a block is of sixty days at most."""


@dataclass(frozen=True, slots=True)
class Block:
    """A time at which an officer is away or a room is not to be had."""

    id: str
    resource: str
    starts: Micros
    ends: Micros
    reason: str


async def taken(
    connection: AsyncConnection, resources: Iterable[str], starts: Micros, ends: Micros
) -> dict[tuple[str, int], str]:
    """Who holds which quarter hour of these in this time."""
    needed = ticks(starts, ends)
    book = booked_ticks.c
    rows = await connection.execute(
        select(booked_ticks).where(
            book.resource.in_(list(resources)),
            book.tick >= needed.start,
            book.tick < needed.stop,
        )
    )
    return {(row.resource, row.tick): row.holder for row in rows}


async def take(
    connection: AsyncConnection, holder: str, resource: str, starts: Micros, ends: Micros
) -> None:
    """Books it; `Refused` where any quarter hour of it is another's.

    After a Refused the transaction is good for nothing but to be undone.
    """
    rows = [{"resource": resource, "tick": t, "holder": holder} for t in ticks(starts, ends)]
    try:
        await connection.execute(insert(booked_ticks), rows)
    except IntegrityError as error:
        raise not_free(resource) from error


def not_free(resource: str) -> Refused:
    """Why an officer or a room cannot be had."""
    if resource.startswith("room:"):
        what = ("ห้องนี้ไม่ว่างในเวลาดังกล่าว", "The room is taken at that time")
        return Refused("slot-taken", *what, fields={"room": what})
    what = ("เจ้าหน้าที่ไม่ว่างในเวลาดังกล่าว", "The officer is taken at that time")
    return Refused("slot-taken", *what, fields={"officer": what})


async def release(connection: AsyncConnection, holder: str) -> None:
    """Gives back everything it holds."""
    await connection.execute(delete(booked_ticks).where(booked_ticks.c.holder == holder))


async def block(
    connection: AsyncConnection,
    clock: Clock,
    resource: str,
    starts: Micros,
    ends: Micros,
    reason: str,
) -> Block:
    """Keeps an officer or a room free of appointments; `Refused` where there are some then."""
    problem: tuple[str, str] | None = None
    if not 0 <= starts < ends:
        problem = ("เวลาสิ้นสุดต้องอยู่หลังเวลาเริ่ม", "The end must be after the beginning")
    elif len(ticks(starts, ends)) > LONGEST_BLOCK:
        problem = ("กำหนดได้ไม่เกิน 60 วันต่อครั้ง", "At most 60 days at a time")
    if problem:
        raise Refused("bad-time", *problem, 422, {"ends": problem})
    if await taken(connection, [resource], starts, ends):
        raise Refused(
            "has-appointments",
            "มีนัดหมายหรือช่วงที่ปิดไว้ในเวลาดังกล่าว โปรดเลื่อนก่อน",
            "There are appointments or closed times then: move them first",
        )
    new = Block(uuid.uuid4().hex, resource, starts, ends, plain_line(reason)[:200])
    await take(connection, f"block:{new.id}", resource, starts, ends)
    await connection.execute(
        insert(appointment_blocks).values(
            id=new.id,
            resource=resource,
            starts_us=starts,
            ends_us=ends,
            reason=new.reason,
            created_us=clock.now_us(),
        )
    )
    return new


async def unblock(connection: AsyncConnection, resource: str, block_id: str) -> None:
    """Takes a block of this resource back; `Refused` (404) where there is none."""
    done = await connection.execute(
        delete(appointment_blocks).where(
            appointment_blocks.c.id == block_id, appointment_blocks.c.resource == resource
        )
    )
    if not done.rowcount:
        raise Refused("no-such-block", "ไม่พบช่วงเวลานี้", "There is no such closed time", 404)
    await release(connection, f"block:{block_id}")


async def blocks(connection: AsyncConnection, resource: str, since: Micros) -> list[Block]:
    """The blocks of a resource that are not over, in order."""
    table = appointment_blocks.c
    rows = await connection.execute(
        select(appointment_blocks)
        .where(table.resource == resource, table.ends_us > since)
        .order_by(table.starts_us, table.id)
    )
    return [Block(r.id, r.resource, r.starts_us, r.ends_us, r.reason) for r in rows]


def aligned(moment: Micros) -> bool:
    """Whether it is the beginning of a quarter hour."""
    return moment % TICK == 0
