"""No withheld count can be computed from what is published: every table there could be is tried."""

from __future__ import annotations

import datetime as dt
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_bridge.figures.tallies import Tally
from crm_bridge.reports.dashboards import survey
from crm_bridge.reports.period import month_of
from crm_bridge.reports.sheets import WITHHELD, Cell, Column, Kind, Sheet
from crm_bridge.reports.suppression import SMALLEST, Edge, published, withheld

PERIOD = month_of(dt.date(2026, 11, 1))
MOST = 13
"""Of tables that are tried out whole; one more than the largest count and its room."""


def edges_of(table: np.ndarray) -> dict[object, Edge]:
    """A table with both margins as a circle: columns → rows → total → columns."""
    found: dict[object, Edge] = {}
    for (r, c), count in np.ndenumerate(table):
        found[r, c] = Edge(f"c{c}", f"r{r}", int(count))
    for r, count in enumerate(table.sum(axis=1)):
        found[r, "sum"] = Edge(f"r{r}", "end", int(count))
    for c, count in enumerate(table.sum(axis=0)):
        found["sum", c] = Edge("begin", f"c{c}", int(count))
    found["sum", "sum"] = Edge("end", "begin", int(table.sum()))
    return found


def values_of(table: np.ndarray) -> dict[object, np.ndarray]:
    """Every cell of many tables at once, the margins too; the first axis is the table."""
    found: dict[object, np.ndarray] = {}
    _, rows, columns = table.shape
    for r, c in itertools.product(range(rows), range(columns)):
        found[r, c] = table[:, r, c]
    for r in range(rows):
        found[r, "sum"] = table[:, r].sum(axis=1)
    for c in range(columns):
        found["sum", c] = table[:, :, c].sum(axis=1)
    found["sum", "sum"] = table.sum(axis=(1, 2))
    return found


def every_table(rows: int, columns: int) -> np.ndarray:
    cells = np.indices((MOST,) * (rows * columns)).reshape(rows * columns, -1).T
    return cells.reshape(-1, rows, columns)


TWO_BY_TWO, ONE_BY_FOUR = every_table(2, 2), every_table(1, 4)


@pytest.mark.parametrize("all_tables", [TWO_BY_TWO, ONE_BY_FOUR], ids=["2x2", "1x4"])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_withheld_count_has_more_than_one_answer(all_tables: np.ndarray, data: st.DataObject):
    shape = all_tables.shape[1:]
    cells = st.integers(0, MOST - 3)
    size = shape[0] * shape[1]
    table = np.array(data.draw(st.lists(cells, min_size=size, max_size=size))).reshape(shape)
    edges = edges_of(table)
    hidden = withheld(edges)
    assert {k for k, e in edges.items() if 0 < e.count < SMALLEST} <= hidden
    assert not any(edges[k].count == 0 for k in hidden)
    values = values_of(all_tables)
    could_be = np.ones(len(all_tables), dtype=bool)
    for key, edge in edges.items():
        could_be &= values[key] > 0 if key in hidden else values[key] == edge.count
    for key in hidden:
        assert len(set(values[key][could_be].tolist())) > 1, (table, key, hidden)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.lists(st.one_of(st.integers(0, 9), st.integers(0, 3000)), min_size=5, max_size=5),
        min_size=1,
        max_size=12,
    )
)
def test_no_sum_of_published_counts_is_a_withheld_one(rows: list[list[int]]):
    edges = edges_of(np.array(rows))
    hidden = sorted(withheld(edges), key=repr)
    if not hidden:
        return
    nodes = sorted({n for e in edges.values() for n in (e.tail, e.head)}, key=repr)
    known = np.zeros((len(nodes), len(hidden)))  # the equations that are left to who reads
    for place, key in enumerate(hidden):
        known[nodes.index(edges[key].tail), place] -= 1
        known[nodes.index(edges[key].head), place] += 1
    rank = np.linalg.matrix_rank(known)
    for place in range(len(hidden)):
        one = np.zeros((1, len(hidden)))
        one[0, place] = 1
        assert np.linalg.matrix_rank(np.vstack([known, one])) == rank + 1, hidden[place]


def test_a_table_of_large_counts_is_published_whole():
    assert withheld(edges_of(np.array([[10, 20], [30, 40], [0, 5]]))) == frozenset()


def test_the_least_is_withheld_that_protects():
    table = np.array([[3, 100, 50], [40, 200, 60], [70, 300, 7]])
    hidden = withheld(edges_of(table))
    assert hidden == {(0, 0), (0, 2), (2, 0), (2, 2)}


def test_two_that_are_one_each_do_not_give_each_other_away():
    """Both are known to be above zero: a published sum of two would say that each is one."""
    table = np.array([[1, 1, 30, 40]])
    hidden = withheld(edges_of(table))
    assert len(hidden - {(0, 0), (0, 1)}) > 0


COLUMNS = (
    Column("queue", ("คิว", "Queue"), Kind.TEXT),
    Column("offered", ("ก", "Offered"), suppressible=True),
    Column("answered", ("ข", "Answered"), suppressible=True),
    Column("abandoned", ("ค", "Abandoned"), suppressible=True),
    Column("rate", ("ง", "Rate"), Kind.SHARE),
    Column("asa", ("จ", "ASA"), Kind.SPAN),
    Column("short", ("ฉ", "Short"), suppressible=True),
    Column("target", ("ช", "Target"), Kind.TEXT),
)
SUMS = (("offered", ("answered", "abandoned")),)


def sheet(*rows: tuple[object, ...]) -> Sheet:
    return Sheet("queues", ("คิว", "Queues"), COLUMNS, rows, sums=SUMS)


def test_a_row_keeps_its_sum_or_its_parts_and_what_is_reckoned_of_them():
    made = published(
        sheet(
            ("information", Cell(100, "/calls"), 97, 3, 0.03, 9, 40, "80 %"),
            ("complaint", 50, 40, 10, 0.2, 9, 0, "80 %"),
            ("appointment", 0, 0, 0, None, None, 2, "80 %"),
        )
    )
    first, second, third = made.rows
    assert first == ("information", Cell(100), *[WITHHELD] * 4, 40, "80 %")
    assert second == ("complaint", 50, 40, 10, 0.2, 9, 0, "80 %")
    assert third == ("appointment", 0, 0, 0, None, None, WITHHELD, "80 %")


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 60))
def test_of_any_row_a_withheld_count_cannot_be_reckoned(answered: int, abandoned: int, short: int):
    row = ("q", answered + abandoned, answered, abandoned, 0.5, 1, short, "x")
    (made,) = published(sheet(row)).rows
    hidden = [n for n in (1, 2, 3) if made[n] is WITHHELD]
    assert len(hidden) != 1
    for n in (1, 2, 3, 6):
        assert made[n] is WITHHELD or made[n] == row[n]
        assert not (isinstance(made[n], int) and 0 < made[n] < SMALLEST)
    assert (made[6] is WITHHELD) == (0 < short < SMALLEST)
    assert (made[4] is WITHHELD) == bool(hidden or made[6] is WITHHELD)


@pytest.mark.parametrize("counts", [(2, 0, 0, 0, 0, 8, 5, 1), (2, 0, 0, 0, 0, 8, 1, 5)])
def test_a_survey_gives_no_small_count_away(counts):
    """Of six who said whether their matter is settled one said no: 83 % would tell it."""
    tally = Tally(list(counts), [])
    sheet = Sheet(
        "survey", ("", ""), survey._COLUMNS, (survey._cells(tally, PERIOD, {}),), sums=survey._SUMS
    )
    (row,) = published(sheet).rows
    told = {
        column.id: value.value if isinstance(value, Cell) else value
        for column, value in zip(sheet.columns, row, strict=True)
    }
    assert 1 not in told.values()
    assert told["settled_share"] is WITHHELD
    hidden = [told[name] is WITHHELD for name in ("matter_said", "matter_settled", "matter_open")]
    assert sum(hidden) >= 2  # of three that are a sum, none can be computed from the others
