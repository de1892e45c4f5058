"""The public statistics: what is small stands in no table, and all of them do not give it away."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_bridge.reports.public_counts import ANSWERED, BEFORE, OTHER, WAITED, Month, months_over
from crm_bridge.reports.public_sheets import flows, public_sheets
from crm_bridge.reports.sheets import WITHHELD
from crm_bridge.reports.suppression import SMALLEST, withheld
from ivr.steps.standards import load_standards

WORDING = load_standards().editions[-1].services
SERVICES = ("information", "complaint", "")


def month(n: int, services: dict[str, int], became: dict[str, int], **more: int) -> Month:
    complaints = Counter({k: more.pop(k, 0) for k in ("within", "over", "open", "cancelled")})
    return Month(
        date(2026, n, 1), Counter(services), Counter(became), complaints=complaints, **more
    )


PLAIN = [
    month(1, {"information": 900, "complaint": 80, "": 20},
          {ANSWERED: 930, WAITED: 40, BEFORE: 20, OTHER: 10}, within=30, over=0, appointments=12),
    month(2, {"information": 700, "complaint": 60, "": 3},
          {ANSWERED: 700, WAITED: 40, BEFORE: 13, OTHER: 10}, within=20, over=2, appointments=2),
    month(3, {"information": 800, "complaint": 70, "": 30},
          {ANSWERED: 860, WAITED: 30, BEFORE: 10, OTHER: 0}, within=40, over=7, appointments=0),
]  # fmt: skip


def table(months, name):
    return {s.id: s for s in public_sheets(months, WORDING)}[name].rows


def test_what_is_small_and_what_gives_it_away_is_withheld():
    rows = table(PLAIN, "services")
    assert [row[0][0] for row in rows] == ["มกราคม 2569", "กุมภาพันธ์ 2569", "มีนาคม 2569", "รวม"]
    names = [c.name[0] for c in public_sheets(PLAIN, WORDING)[1].columns]
    assert names[-2:] == ["ไม่ได้เลือกบริการ", "รวม"]
    february = rows[1]
    assert february[-2] is WITHHELD
    assert february[1:-1].count(WITHHELD) + (february[-1] is WITHHELD) > 1
    assert table(PLAIN, "complaints")[1][1:3] == (WITHHELD, WITHHELD)
    assert table(PLAIN, "channels")[1][-1] is WITHHELD
    asked = [row[-1] for row in table(PLAIN, "channels")]
    assert asked in ([WITHHELD, WITHHELD, 0, 14], [12, WITHHELD, 0, WITHHELD])  # 14 less 12 is 2
    assert table(PLAIN, "calls")[2][4] == 0


def test_the_same_count_is_withheld_in_every_table():
    few = [month(1, {"information": 3}, {ANSWERED: 3}), PLAIN[1]]
    for name in ("services", "calls"):
        assert table(few, name)[0][-1] is WITHHELD
    assert table(few, "channels")[0][1] is WITHHELD


def test_one_month_has_no_sum_and_none_has_no_row():
    assert len(table(PLAIN[:1], "calls")) == 1
    assert table([], "calls") == ()
    empty = table([month(1, {}, {})], "calls")[0]
    assert empty[1:] == (0, 0, 0, 0, 0)
    assert table([month(1, {}, {})], "standards")[0][-1] is None


small = st.one_of(st.integers(0, 7), st.integers(0, 400))


@st.composite
def years(draw: st.DrawFn) -> list[Month]:
    found = []
    for n in range(1, draw(st.integers(1, 4)) + 1):
        services = {s: draw(small) for s in SERVICES}
        left, became = sum(services.values()), {}
        for outcome in (WAITED, BEFORE, OTHER):
            became[outcome] = draw(st.integers(0, left))
            left -= became[outcome]
        became[ANSWERED] = left
        made = month(
            n, services, became, within=draw(small), over=draw(small), appointments=draw(small)
        )
        made.within, made.over = draw(small), draw(small)
        found.append(made)
    return found


@settings(max_examples=60, deadline=None)
@given(years())
def test_nothing_withheld_can_be_reckoned_from_all_tables_together(months: list[Month]):
    net, unpublished = flows(months, SERVICES)
    sums: defaultdict[object, int] = defaultdict(int)
    for edge in net.values():
        sums[edge.tail] -= edge.count
        sums[edge.head] += edge.count
    assert not any(sums.values())  # what comes in goes out: the tables agree
    hidden = withheld(net, unpublished)
    assert not hidden & unpublished
    assert {k for k, e in net.items() if 0 < e.count < SMALLEST and k not in unpublished} <= hidden
    unknown = sorted({*hidden, *unpublished}, key=repr)
    nodes = sorted(sums, key=repr)
    known = np.zeros((len(nodes), len(unknown)))
    for place, key in enumerate(unknown):
        known[nodes.index(net[key].tail), place] -= 1
        known[nodes.index(net[key].head), place] += 1
    rank = np.linalg.matrix_rank(known)
    for place, key in enumerate(unknown):
        if key in hidden:
            one = np.zeros((1, len(unknown)))
            one[0, place] = 1
            assert np.linalg.matrix_rank(np.vstack([known, one])) == rank + 1, key


@pytest.mark.parametrize(
    ("today", "months"),
    [(date(2026, 1, 31), 0), (date(2026, 2, 2), 0), (date(2026, 2, 3), 1), (date(2027, 6, 1), 12)],
)
def test_a_month_is_published_once_it_is_over_and_settled(today: date, months: int):
    assert len(months_over(2026, today, date(2025, 3, 1))) == months
    assert months_over(2026, today, date(2027, 1, 1)) == []
