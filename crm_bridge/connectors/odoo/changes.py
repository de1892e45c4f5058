"""What changed in Odoo since a cursor, asked by the moment of the last write.

A moment is the beginning of the transaction that wrote, so that one which took longer shows up
behind others: the last seconds before the cursor are asked for again each time, and the cursor
remembers how the tickets in them stood.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from crm_bridge.connectors.mapping import Mapping as FieldMapping
from crm_bridge.connectors.odoo.client import OdooClient
from crm_bridge.connectors.odoo.fields import moment, stamp
from crm_bridge.connectors.odoo.records import KEY, Records
from crm_bridge.connectors.odoo.stages import Stages, TicketModel
from crm_bridge.connectors.port import Changes, Status, StatusChange
from ivr.calls.call import Micros

PAGE: Final = 200
OVERLAP: Final = timedelta(seconds=5)
_MOST_AT_ONCE: Final = 10_000
"""Tickets of the last seconds that are looked at to begin with."""
_BEGINNING: Final = datetime(2000, 1, 1, tzinfo=UTC)
ODOOBOT: Final = 1
"""The user as whom Odoo does what nobody asked for, of this number in every database."""
_SETTLED: Final = frozenset({Status.RESOLVED, Status.CLOSED, Status.CANCELLED})
_STAGE_CHANGED: Final = "date_last_stage_update"


async def changed(
    client: OdooClient,
    records: Records,
    shape: TicketModel,
    stages: Stages,
    mapping: FieldMapping,
    cursor: str | None,
) -> Changes:
    """The tickets that others brought to another stage, or archived, since the cursor."""
    act = "ask for changes"
    own = await client.uid()
    last, seen = _parsed(cursor) if cursor is not None else (await _latest(client, records), set())
    limit = PAGE + len(seen) if cursor is not None else _MOST_AT_ONCE
    fields = await records.fields()
    since = stamp(last - OVERLAP)
    told: list[list[Any]] = [
        [name, ">=", since] for name in (_STAGE_CHANGED, shape.done_field) if name in fields
    ]
    if "active" in fields:
        told.append(["active", "=", False])
    # Of people everything: nothing else tells that a ticket was taken out of the archive. Of Odoo's
    # own rounds not, which write all open leads again by night.
    told.append(["write_uid", "not in", [own, ODOOBOT]])
    rows = await client.call(
        records.model,
        "search_read",
        [
            [KEY, "!=", False],
            ["write_date", ">=", since],
            *["|"] * (len(told) - 1),
            *told,
        ],
        [KEY, "stage_id", "write_date", "write_uid", "create_date",
         *(n for n in (_STAGE_CHANGED, "active") if n in fields)],
        act=act,
        order="write_date, id",
        limit=limit,
    )  # fmt: skip
    more = len(rows) == limit
    items = []
    natives = [mapping.native(status) for status in Status]
    for row in rows:
        if cursor is None or _state(row) in seen or _as_we_made_it(row, own):
            continue
        stage = row["stage_id"][0] if row["stage_id"] else None
        words = await stages.words(stage, natives)
        status = next((ours for word in words if (ours := mapping.status(word)) is not None), None)
        if row.get("active") is False and status not in _SETTLED:
            status = Status.CANCELLED
        items.append(
            StatusChange(
                str(row["id"]),
                str(row[KEY]),
                words[0],
                status,
                _micros(_when(row)),
                _by(row, own),
            )
        )
    if rows:
        last = max(last, moment(rows[-1]["write_date"]))
    kept = {_state(row) for row in rows if moment(row["write_date"]) >= last - OVERLAP}
    return Changes(tuple(items), _written(last, kept), more and cursor is not None)


async def _latest(client: OdooClient, records: Records) -> datetime:
    """The moment of the last write, by Odoo's clock and not by ours."""
    rows = await client.call(
        records.model, "search_read", [[KEY, "!=", False]], ["write_date"],
        act="ask for the last change", order="write_date desc", limit=1,
    )  # fmt: skip
    return moment(rows[0]["write_date"]) if rows else _BEGINNING


def _by(row: dict[str, Any], own: int) -> str:
    """Who wrote the ticket last, unless that was us."""
    writer = row["write_uid"]
    return str(writer[1]) if writer and writer[0] != own else ""


def _when(row: dict[str, Any]) -> datetime:
    """When the ticket came where it is."""
    if row.get(_STAGE_CHANGED) and row.get("active") is not False:
        return moment(row[_STAGE_CHANGED])
    return moment(row["write_date"])


def _as_we_made_it(row: dict[str, Any], own: int) -> bool:
    """A ticket that only we have written, in the stage where it began, is no news to us."""
    return bool(
        row["write_uid"]
        and row["write_uid"][0] == own
        and row.get("active") is not False
        and row.get(_STAGE_CHANGED)
        and moment(row[_STAGE_CHANGED]) <= moment(row["create_date"]) + timedelta(seconds=1)
    )


def _state(row: dict[str, Any]) -> str:
    """How a ticket stands, short."""
    stage = row["stage_id"][0] if row["stage_id"] else 0
    return f"{row['id']}:{stage}{'' if row.get('active', True) else 'x'}"


def _micros(when: datetime) -> Micros:
    return round(when.timestamp() * 1_000_000)


def _written(last: datetime, seen: set[str]) -> str:
    return f"{stamp(last)} {','.join(sorted(seen))}"


def _parsed(cursor: str) -> tuple[datetime, set[str]]:
    day, _, rest = cursor.partition(" ")
    time, _, seen = rest.partition(" ")
    try:
        last = moment(f"{day} {time}")
    except ValueError:  # not one of ours: from the beginning, which is no harm
        return _BEGINNING, set()
    return last, {one for one in seen.split(",") if one}
