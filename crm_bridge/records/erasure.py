"""Taking the caller out of calls for good, so that no replay, repair or amendment brings it back.

The timing record stays. `erased_calls` names the call, and the writer takes the caller out of
whatever it is given of such a call afterwards: the same events give the same call id. What is not
reached here: the journal's raw messages, gone when they are pruned; capture files; Asterisk's own
books; a database made anew from any of these.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.clock import Clock
from crm_bridge.figures.tallies import Tallies
from crm_bridge.records.callback_figures import recount_numbers
from crm_bridge.records.calls import with_lists
from crm_bridge.records.desk_tables.people import erased_calls, person_numbers, persons
from crm_bridge.records.figures import Figures
from crm_bridge.records.rows import CallRows, snapshot, without_caller
from crm_bridge.records.tables import CHILDREN, callers, calls
from ivr.calls.call import Micros

_PAGE: Final = 200
_COUNTED: Final = [c.name for c in calls.c].index("counted")
_HIDDEN: Final = ("dialled", "caller_e164", "caller_presented", "caller_name")


async def erase_callers(connection: AsyncConnection, clock: Clock, call_ids: Sequence[str]) -> int:
    """Take the caller out of these calls and count the numbers' calls anew; returns how many.

    Whose number it was keeps when it was last heard. A call still in progress is cleared too, now
    and at each later write. Calls that are cleared already are passed over. Give a connection of
    `Database.writing`.
    """
    known = select(erased_calls.c.call_id).where(erased_calls.c.call_id.in_(list(call_ids)))
    done = set((await connection.execute(known)).scalars())
    new = [i for i in dict.fromkeys(call_ids) if i not in done]
    now = clock.now_us()
    heard: dict[str, int] = {}
    figures = Figures(connection.dialect)
    for start in range(0, len(new), _PAGE):
        # asked each time: the page before may have begun the figures anew
        generation = await connection.run_sync(figures.generation)
        query = select(calls).where(calls.c.call_id.in_(new[start : start + _PAGE]))
        heads = [tuple(row) for row in (await connection.execute(query)).all()]
        counted = [head[0] for head in heads if head[_COUNTED] == generation]
        tallies = Tallies()
        await connection.run_sync(figures.count_stored, tallies, counted, -1)
        for stored in await with_lists(connection, heads):
            rows = without_caller(snapshot(stored.call, stored.steps))
            if stored.caller_number is not None:
                entered = stored.call.entered_at
                heard[stored.caller_number] = max(entered, heard.get(stored.caller_number, entered))
            await connection.execute(insert(erased_calls).values(call_id=rows.call_id, at_us=now))
            await _rewrite(connection, rows, now)
        await connection.run_sync(figures.count_stored, tallies, counted, 1)
        await connection.run_sync(figures.add, tallies)
        await connection.run_sync(recount_numbers, tallies)
    for number in sorted(heard):
        await _count_again(connection, number)
        await _remember(connection, number, heard[number])
    return len(new)


async def _rewrite(connection: AsyncConnection, rows: CallRows, now: int) -> None:
    columns = [c.name for c in calls.c]
    head = dict(zip(columns, rows.call, strict=False))
    await connection.execute(
        update(calls)
        .where(calls.c.call_id == rows.call_id)
        .values(**{name: head[name] for name in _HIDDEN}, digest=rows.digest, updated_us=now)
    )
    for table, entries in zip(CHILDREN, rows.children, strict=True):
        await connection.execute(delete(table).where(table.c.call_id == rows.call_id))
        if entries:
            names = [c.name for c in table.c]
            await connection.execute(
                insert(table), [dict(zip(names, entry, strict=True)) for entry in entries]
            )


async def _remember(connection: AsyncConnection, number: str, entered: Micros) -> None:
    """When this number's persons were last heard: no call of it will say so any more."""
    of_it = select(person_numbers.c.person_id).where(person_numbers.c.e164 == number)
    await connection.execute(
        update(persons)
        .where(
            persons.c.id.in_(of_it), persons.c.erased_us.is_(None),
            func.coalesce(persons.c.heard_us, entered - 1) < entered,
        )
        .values(heard_us=entered)
    )  # fmt: skip


async def _count_again(connection: AsyncConnection, number: str) -> None:
    """The number's row in `callers`, from the calls that still have it."""
    totals = select(func.count(), func.min(calls.c.entered_us), func.max(calls.c.entered_us)).where(
        calls.c.caller_e164 == number
    )
    count, first, last = (await connection.execute(totals)).one()
    if not count:
        await connection.execute(delete(callers).where(callers.c.e164 == number))
        return
    named = (
        select(calls.c.caller_name, calls.c.entered_us, calls.c.call_id)
        .where(calls.c.caller_e164 == number, calls.c.caller_name.is_not(None))
        .order_by(calls.c.entered_us.desc(), calls.c.call_id.desc())
        .limit(1)
    )
    name, name_us, call_id = (await connection.execute(named)).one_or_none() or (None, None, None)
    await connection.execute(
        update(callers)
        .where(callers.c.e164 == number)
        .values(
            calls=count,
            first_seen_us=first,
            last_seen_us=last,
            name=name,
            name_us=name_us,
            name_call_id=call_id,
        )
    )
