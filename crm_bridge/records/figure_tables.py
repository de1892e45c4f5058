"""The tables of figures, made of their `crm_bridge.figures.forms`, and how far they are.

A row holds what all closed calls together add to it: see `Tallies`. `*_us` keys are microseconds
since the epoch, UTC; a histogram is the bytes of `crm_bridge.figures.histogram.encode`.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table, Text

from crm_bridge.figures.forms import FORMS, Form
from crm_bridge.records.tables import metadata

# ids are walked in the order of their bytes, whatever the language of the PostgreSQL cluster
_Id = Text().with_variant(Text(collation="C"), "postgresql")


def _table(form: Form) -> Table:
    return Table(
        form.name,
        metadata,
        Column("level", Text, primary_key=True),
        Column("from_us", BigInteger, primary_key=True, autoincrement=False),
        *(Column(name, Text, primary_key=True) for name in form.keys),
        *(Column(name, BigInteger, nullable=False) for name in form.counts),
        *(Column(name, LargeBinary, nullable=False) for name in form.spans),
        *(
            [Index(f"ix_{form.name}_{form.index[0]}", "level", *form.index)] if form.index else []
        ),
        sqlite_with_rowid=False,
    )  # fmt: skip


FIGURES: Final[dict[Form, Table]] = {form: _table(form) for form in FORMS}

figures_callers = Table(
    "figures_callers",
    metadata,
    Column("month_us", BigInteger, primary_key=True, autoincrement=False),
    Column("e164", Text, primary_key=True),
    Column("calls", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""How many counted calls a number has made in a month: what `REPEATS` is made of."""

figures_added = Table(
    "figures_added",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("id", _Id, primary_key=True),
    Column("tallies", Text, nullable=False),
    sqlite_with_rowid=False,
)
"""What each thing that is not a call (`figure_sources.py`) added when it was counted last."""

COUNTED: Final = (*FIGURES.values(), figures_callers, figures_added)
"""Everything that is made of other tables, and emptied when they are counted anew."""

figures_state = Table(
    "figures_state",
    metadata,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("generation", Integer, nullable=False),
    Column("walked_us", BigInteger),
    Column("walked_id", Text),
    Column("whole", Integer, nullable=False),
    Column("walked_kind", Text),
)
"""One row. `calls.counted` names the generation in which a call was counted; a call that bears
another is not in the figures. Counting all anew begins the next one, and walks the calls by their
time of entering: it has come to `walked_us`, `walked_id`. After them it walks the things of each
kind by their ids, and is past the last one where `whole`."""
