"""Charts: what is drawn is what is so, told without colour too, without inline style."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from crm_bridge.charts.bars import Bar, Bars
from crm_bridge.charts.flow import Band, Flow, Place
from crm_bridge.charts.heat import Heat
from crm_bridge.charts.histogram import SpanHistogram, binned
from crm_bridge.charts.svg import span_ticks, ticks
from crm_bridge.charts.tree import Branch, Tree
from crm_bridge.charts.trend import Point, Trend
from crm_bridge.figures.histogram import bucket, merge

SECOND = 1_000_000
SVG = "{http://www.w3.org/2000/svg}"
TITLE = ("เวลา <&>", "Time <&>")


def spans(*seconds: float) -> dict[int, int]:
    found: dict[int, int] = {}
    for one in seconds:
        merge(found, {bucket(round(one * SECOND)): 1})
    return found


STANDARD = 300 * SECOND
ALL = {
    "histogram": SpanHistogram(TITLE, binned(spans(3, 20, 299, 301, 900), STANDARD), STANDARD),
    "empty histogram": SpanHistogram(TITLE, binned({}, STANDARD), STANDARD),
    "trend": Trend(TITLE, (Point(("1 ม.ค.", "1 Jan"), 0.9, 0.8), Point(("2 ม.ค.", "2 Jan"), None)),
                   "share", ("นี้", "this"), ("ก่อน", "before"), 0.8),
    "trend of nothing": Trend(TITLE, (Point(("1 ม.ค.", "1 Jan"), None),), "span", TITLE, TITLE),
    "heat": Heat(TITLE, {(0, 9): 0.5, (4, 16): 1.0}, "share", TITLE, low_is_dark=True),
    "heat of nothing": Heat(TITLE, {}, "count", TITLE),
    "bars": Bars(TITLE, (Bar(TITLE, (30.0 * SECOND, 5.0 * SECOND)),), "span",
                 (("เรา", "ours"), ("เขา", "theirs"))),
    "bars of nothing": Bars(TITLE, (), "count"),
    "flow": Flow(TITLE, (Place("a", 0, TITLE), Place("b", 1, TITLE), Place("x", 2, TITLE, True)),
                 (Band("a", "b", 90), Band("b", "x", 10), Band("a", "x", 0))),
    "flow of nothing": Flow(TITLE, (), ()),
    "tree": Tree(TITLE, Branch(TITLE, 100, branches=(
        Branch(TITLE, 60, 0.6, 15, branches=(Branch(TITLE, 6, 0.1),)),
        Branch(("ปุ่มเดิม", "former"), 2, 0.02, 2, former=True),
    ))),
    "tree of nothing": Tree(TITLE, Branch(TITLE, 0)),
}  # fmt: skip


@pytest.mark.parametrize("lang", ["th", "en"])
@pytest.mark.parametrize("name", list(ALL))
def test_every_chart_is_well_formed_and_told_in_words(name, lang):
    made = ALL[name].svg(lang, "chart")
    root = ElementTree.fromstring(made)
    assert root.get("role") == "img"
    title, told = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None
    assert title.text == TITLE[lang == "en"]
    assert told is not None
    assert told.get("id") in (root.get("aria-labelledby") or "").split()
    assert "style=" not in made
    assert "class=" not in made.replace('class="chart"', "")
    ids = re.findall(r'\bid="([^"]+)"', made)
    assert len(ids) == len(set(ids))
    for wanted in re.findall(r"url\(#([^)]+)\)", made):
        assert wanted in ids


def test_bars_end_at_the_standard_and_hold_every_span():
    bars = binned(spans(3, 20, 60, 60.001, 61, 200), 60 * SECOND)
    assert sum(bar.count for bar in bars) == 6
    assert sum(bar.count for bar in bars if not bar.over) == 3
    assert sum(bar.count for bar in bars if bar.over) == 3
    assert 60 * SECOND in [bar.upto for bar in bars]
    assert [bar.over for bar in bars] == sorted(bar.over for bar in bars)


def test_a_standard_that_is_no_usual_end_is_one_all_the_same():
    bars = binned(spans(1, 2, 30), 25 * SECOND)
    assert 25 * SECOND in [bar.upto for bar in bars]
    assert sum(bar.count for bar in bars if bar.over) == 1


def test_what_is_longer_than_all_bars_is_in_the_last():
    bars = binned(spans(1, 90_000), None)
    assert (bars[-1].upto, bars[-1].count) == (None, 1)
    assert sum(bar.count for bar in bars) == 2


def test_over_the_standard_is_hatched_and_within_is_not():
    made = ALL["histogram"].svg("en", "c")
    root = ElementTree.fromstring(made)
    fills = [
        rect.get("fill")
        for rect in root.findall(f"{SVG}rect")
        if rect.find(f"{SVG}title") is not None
    ]
    assert fills.count("url(#c-over)") == sum(bar.over for bar in ALL["histogram"].bars)
    assert "Standard 5:00" in made
    assert "5 in all, 2 longer than 5:00 (hatched)" in made


def test_a_trend_breaks_where_nothing_is_known():
    points = tuple(Point((str(n), str(n)), v) for n, v in enumerate((1.0, 2.0, None, 3.0)))
    made = Trend(TITLE, points, "count", TITLE, TITLE).svg("en", "t")
    (line,) = [p for p in re.findall(r' d="([^"]+)"', made) if p.count("M") == 2]
    assert line.count("L") == 1
    assert made.count("<circle") == 3 + 1  # and the legend's


def test_the_compared_line_is_dashed_and_has_other_marks():
    made = ALL["trend"].svg("en", "t")
    assert 'stroke-dasharray="7 4"' in made
    assert "before" in made
    assert "before" not in ALL["trend of nothing"].svg("en", "t")


def test_fields_of_few_have_their_number_and_no_colour():
    plain = Heat(TITLE, {(0, 9): 0.5, (0, 10): 0.9}, "share", TITLE)
    few = Heat(TITLE, {(0, 9): 0.5, (0, 10): 0.9}, "share", TITLE, few=frozenset({(0, 9)}))
    made = few.svg("en", "h")
    assert ">50</text>" in made
    assert plain.svg("en", "h").count('fill="#fff" stroke') < made.count('fill="#fff" stroke')


def test_each_part_of_a_bar_has_a_pattern_or_tint_of_its_own():
    made = ALL["bars"].svg("en", "b")
    assert "url(#b-h)" in made
    assert "ours" in made
    assert "theirs" in made
    assert "<a " not in made  # a picture holds nothing to press: its table does
    assert ">0:35<" in made


def test_where_callers_give_up_is_told():
    made = ALL["flow"].svg("en", "f")
    assert "Callers who gave up: Time &lt;&amp;&gt; 10" in made
    assert "url(#f-lost)" in made
    assert "Nobody gave up" in ALL["flow of nothing"].svg("en", "f")


def test_ticks_are_round():
    assert ticks(0) == [0, 1]
    assert ticks(3, whole=True) == [0, 1, 2, 3]
    assert ticks(87) == [0, 25, 50, 75, 100]
    assert span_ticks(300 * SECOND)[:2] == [0, 60 * SECOND]
    assert span_ticks(0) == [0, SECOND]
