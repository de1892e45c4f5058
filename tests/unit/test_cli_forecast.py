"""`hotline forecast` on captures of a real Asterisk: one day of a past, and none."""

from __future__ import annotations

from rich.cells import cell_len

from tests.support.cli import Hotline, hotline

__all__ = ["hotline"]

NAMES = ("answered_served", "blind_refer", "abandoned_queue")


def test_without_a_past_it_says_so(hotline: Hotline) -> None:
    hotline("migrate")
    assert "no past calls to learn from" in hotline("forecast", "--lang", "en").out
    assert "ยังพยากรณ์ไม่ได้" in hotline("forecast").out
    (found,) = hotline("forecast", "--json").objects
    assert (found["outcome"], len(found["days"])) == (None, 7)


def test_a_day_of_a_past_fits_the_terminal(hotline: Hotline) -> None:
    hotline.replay(*NAMES)
    (found,) = hotline("forecast", "--json", "--days", "14").objects
    assert len(found["days"]) == 14
    assert found["learnt"]["first_guess"] is True
    for lang in ("th", "en"):
        said = hotline("forecast", "--lang", lang, "--half-hours")
        assert max(cell_len(line) for line in said.out.splitlines()) <= 100


def test_what_cannot_be_asked_is_named(hotline: Hotline) -> None:
    hotline("migrate")
    over = hotline("forecast", "--first", "2020-01-01")
    assert (over.code, "is over" in over.err) == (2, True)
    unknown = hotline("forecast", "--queue", "none")
    assert (unknown.code, "no queue 'none'" in unknown.err) == (2, True)
