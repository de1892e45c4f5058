"""Charts of days to come: what is drawn, told to who cannot see it, and of nothing."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from crm_bridge.charts.staffing import Bounds, Column, Cover, Fan, Officers, Shifted

SVG = "{http://www.w3.org/2000/svg}"
DAY = ("จ. 30 พ.ย.", "Mon 30 Nov")
TITLE = ("พยากรณ์", "Forecast")


def drawn(chart: Fan | Cover, lang: str = "en") -> ET.Element:
    return ET.fromstring(chart.svg(lang, "c"))  # ours


def words(root: ET.Element) -> list[str]:
    return [t.text or "" for t in root.iter(f"{SVG}text")]


def test_expected_calls_lie_in_their_band():
    slots = (Bounds(2, 10, 20), Bounds(5, 12, 22))
    root = drawn(Fan(TITLE, (Column(DAY, ("×2 A & B", "×2 A & B"), False, 17, slots),)))
    band, line = list(root.iter(f"{SVG}path"))
    assert band.get("d", "").endswith("Z")
    assert len(line.get("d", "").split("L")) == 2
    told = [t.text for t in root.iter(f"{SVG}title")]
    assert "Mon 30 Nov 08:30: 10.0 (2–20)" in told
    assert "×2 A & B" in words(root)
    assert "Mon 30 Nov: 22" in root.find(f"{SVG}desc").text


def test_a_day_of_which_nothing_is_known_says_so():
    root = drawn(Fan(TITLE, (Column(DAY, None, True, 0, ()),)))
    assert "not known" in words(root)
    assert not list(root.iter(f"{SVG}path"))
    assert root.find(f"{SVG}desc").text == "Nothing to tell of"


def test_what_a_plan_lacks_is_hatched_and_told():
    slots = (Officers(5, 3.0), Officers(5, 6.0), Officers(4, 4.0))
    root = drawn(Cover(TITLE, (Shifted(DAY, None, False, 17, slots),)))
    hatched = [r for r in root.iter(f"{SVG}rect") if r.get("fill") == "url(#c-lack)"]
    assert len(hatched) == 2  # the legend's, and the first half-hour's
    assert "Mon 30 Nov 08:30: needed 5, planned 3" in [t.text for t in root.iter(f"{SVG}title")]
    assert {"needed (in the house)", "planned", "lacking"} <= set(words(root))


def test_without_a_plan_there_is_no_word_of_one():
    root = drawn(Cover(TITLE, (Shifted(DAY, None, False, 17, (Officers(5, None),)),)))
    assert "planned" not in words(root)
    assert [p.get("d", "").count("L") for p in root.iter(f"{SVG}path")][-1] == 1


@pytest.mark.parametrize("lang", ["th", "en"])
@pytest.mark.parametrize("chart", [Fan(TITLE, ()), Cover(TITLE, ())])
def test_no_day_at_all_is_a_picture_too(chart, lang):
    root = drawn(chart, lang)
    assert root.get("role") == "img"
    assert "style" not in ET.tostring(root, "unicode")


def test_long_words_below_a_day_are_shortened():
    long = ("ก" * 300, "x" * 300)
    days = tuple(Column(DAY, long, False, 0, (Bounds(0, 1, 2),)) for _ in range(28))
    assert max(map(len, words(drawn(Fan(TITLE, days))))) < 60
