"""The tables, and nothing else: what a record is made of on disk.

Every `*_us` column is microseconds since the epoch, UTC, in 64 bits: exact on each engine.
A call's lists are one row an entry, keyed (call_id, ordinal); an attempt belongs to a passage.
The columns of a child table stand in the order in which `rows.py` fills them.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


# byte order of call ids on each engine, whatever the language of the PostgreSQL cluster
_CallId = Text().with_variant(Text(collation="C"), "postgresql")


def _text(name: str, *, null: bool = False) -> Column[str]:
    return Column(name, Text, nullable=null)


def _time(name: str, *, null: bool = True) -> Column[int]:
    return Column(name, BigInteger, nullable=null)


journal = Table(
    "journal",
    metadata,
    Column("node", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    _time("from_us", null=False),
    _time("to_us", null=False),
    Column("events", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("ix_journal_node_to_us", "node", "to_us"),
)
"""The needed AMI messages as they came, one row a group commit and node (see `journal.py`)."""

calls = Table(
    "calls",
    metadata,
    Column("call_id", _CallId, primary_key=True),
    _text("node"),
    Column("revision", BigInteger, nullable=False),
    _text("direction"),
    _text("dialled"),
    _text("caller_e164", null=True),
    _text("caller_presented", null=True),
    _text("caller_name", null=True),
    Column("withheld", Boolean, nullable=False),
    _time("entered_us", null=False),
    _time("answered_us"),
    _time("ended_us"),
    _text("ended_by", null=True),
    _text("outcome", null=True),
    _text("service", null=True),
    _text("language", null=True),
    Column("times_inferred", Boolean, nullable=False),
    Column("closed", Boolean, nullable=False),
    Column("digest", BigInteger, nullable=False),
    _time("updated_us", null=False),
    Column("counted", Integer, nullable=False, server_default="0"),
)
"""One row a call. `digest` is of the whole record: the same record twice is seen without reading
its lists. `updated_us` is when this row last changed, by the bridge's clock. `counted` is the
generation of the figures that it is in (`figure_tables.py`), 0 before it is closed."""

Index("ix_calls_entered_us", calls.c.entered_us, calls.c.call_id)
Index("ix_calls_caller", calls.c.caller_e164, calls.c.entered_us, calls.c.call_id)
Index(
    "ix_calls_open",
    calls.c.node,
    calls.c.entered_us,
    sqlite_where=calls.c.closed.is_(False),
    postgresql_where=calls.c.closed.is_(False),
)


def _child(name: str, *columns: Column[int] | Column[str], passage: bool = False) -> Table:
    keys = [
        Column(
            "call_id",
            _CallId,
            ForeignKey("calls.call_id", ondelete="CASCADE"),
            primary_key=True,
        )
    ]
    numbers = ["passage", "ordinal"] if passage else ["ordinal"]
    return Table(
        name,
        metadata,
        *keys,
        *(Column(n, Integer, primary_key=True, autoincrement=False) for n in numbers),
        *columns,
        sqlite_with_rowid=False,  # the rows of a call lie together, found by one search
    )


call_linkedids = _child("call_linkedids", _text("linkedid"))
Index("ix_call_linkedids_linkedid", call_linkedids.c.linkedid)

menu_choices = _child("menu_choices", _text("menu"), _text("key"), _time("at_us", null=False))

legs = _child(
    "legs",
    _text("uniqueid"),
    _text("channel"),
    _text("role"),
    _text("party", null=True),
    _time("started_us", null=False),
    _time("answered_us"),
    _time("ended_us"),
    Column("cause", Integer),
)

queue_passages = _child(
    "queue_passages",
    _text("queue"),
    _time("joined_us", null=False),
    _time("left_us"),
    _text("outcome", null=True),
    Column("position", Integer),
)

attempts = _child(
    "attempts",
    _text("agent"),
    _time("rang_us", null=False),
    _time("ended_us"),
    _text("outcome", null=True),
    passage=True,
)

agent_parts = _child(
    "agent_parts", _text("agent"), _time("connected_us", null=False), _time("released_us")
)

holds = _child("holds", _text("by_agent"), _time("started_us", null=False), _time("ended_us"))

consultations = _child(
    "consultations",
    _text("by_agent"),
    _text("target"),
    _text("agency", null=True),
    _time("started_us", null=False),
    _time("answered_us"),
    _time("ended_us"),
    _text("outcome", null=True),
)

transfers = _child(
    "transfers",
    _text("kind"),
    _text("by_agent"),
    _text("target"),
    _text("agency", null=True),
    _time("asked_us", null=False),
    _time("answered_us"),
    _time("ended_us"),
    _text("outcome", null=True),
)

agency_legs = _child(
    "agency_legs",
    _text("agency", null=True),
    _text("number"),
    _time("connected_us", null=False),
    _time("released_us"),
)

step_timings = _child(
    "step_timings",
    _text("step"),
    _text("service"),
    _time("started_us", null=False),
    _time("ended_us"),
    _time("elapsed_us"),
    Column("standard_seconds", Integer),
    _text("state"),
    _text("evidence"),
    _text("parts"),
)
"""`parts` is a JSON object: name of a span within the step → microseconds."""

marks = _child(
    "marks", _text("name"), _time("at_us", null=False), _text("value"), _text("by_whom", null=True)
)

gaps = _child(
    "gaps", _time("started_us", null=False), _time("ended_us"), _text("filled_by", null=True)
)

Index("ix_gaps_started_us", gaps.c.started_us)

CHILDREN: Final[tuple[Table, ...]] = (
    call_linkedids,
    menu_choices,
    legs,
    queue_passages,
    attempts,
    agent_parts,
    holds,
    consultations,
    transfers,
    agency_legs,
    step_timings,
    marks,
    gaps,
)
"""A call's lists, in the order of `CallRows.children`."""

callers = Table(
    "callers",
    metadata,
    Column("e164", Text, primary_key=True),
    Column("calls", BigInteger, nullable=False),
    _time("first_seen_us", null=False),
    _time("last_seen_us", null=False),
    _text("name", null=True),
    _time("name_us"),
    Column("name_call_id", _CallId),
)
"""One row a number. `name` is the one last presented, by the call `name_call_id` entered at
`name_us`. Calls without an E.164 number have no row here; they are counted from `calls`."""
