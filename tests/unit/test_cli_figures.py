"""`hotline figures` on captures of a real Asterisk."""

from __future__ import annotations

import sqlite3

import openpyxl
from rich.cells import cell_len

from tests.support.cli import Hotline, hotline

__all__ = ["hotline"]

NAMES = ("answered_served", "blind_refer", "abandoned_queue", "killed", "guide")


def rows(hotline: Hotline) -> list[tuple[object, ...]]:
    with sqlite3.connect(hotline.database) as connection:
        found = [
            row
            for name in ("steps", "agent_steps", "queues", "calls", "agents")
            for row in connection.execute(f"SELECT * FROM figures_{name}").fetchall()
        ]
    connection.close()
    return found


def test_figures_of_real_calls(hotline: Hotline) -> None:
    hotline.replay(*NAMES)
    (found,) = hotline("figures", "show", "--json").objects
    assert found["whole"] is True
    assert found["calls"] + found["outbound"] == len(hotline("calls", "--jsonl").objects)
    steps = {(s["service"], s["step"]): s for s in found["steps"]}
    assert steps["information", "transfer"]["figures"]["within"] == 1
    assert list(steps)[:2] == [("information", "greet"), ("information", "inform")]
    queue = next(q for q in found["queues"] if q["queue"] == "information")
    assert queue["service_level_seconds"] == 20
    assert queue["figures"]["offered"] >= queue["figures"]["answered"] > 0
    assert {a["agent"] for a in found["agents"]} >= {"1001"}


def test_figures_in_thai_and_english_fit_the_terminal(hotline: Hotline) -> None:
    hotline.replay(*NAMES)
    thai, english = hotline("figures", "show"), hotline("figures", "show", "--lang", "en")
    for said in (thai, english):
        assert max(cell_len(line) for line in said.out.splitlines()) <= 100
    assert "ทักทาย" in thai.out
    assert "ระดับการให้บริการ" in thai.out
    assert "Service level" in english.out
    assert "answered + abandoned" in hotline("figures", "show", "--lang=en", "--formulas").out


def test_without_calls_it_says_so(hotline: Hotline) -> None:
    hotline.replay(*NAMES)
    assert "no call was over" in hotline("figures", "show", "--first=2031-01-01", "--lang=en").out


def test_counting_anew_gives_the_same_bytes(hotline: Hotline) -> None:
    hotline.replay(*NAMES)
    before = rows(hotline)
    said = hotline("figures", "rebuild")
    assert (said.code, rows(hotline)) == (0, before)
    assert "all is in the figures" in said.out
    with sqlite3.connect(hotline.database) as connection:
        connection.execute("UPDATE calls SET counted = 0")
        connection.execute("DELETE FROM figures_queues")
        connection.execute("UPDATE figures_state SET whole = 0, walked_us = NULL")
    connection.close()
    assert "lack some" in hotline("figures", "show", "--lang=en").out
    assert "0 calls" not in hotline("figures", "resume").out


def test_a_report_is_written_and_its_checksum_is_printed_anew(hotline: Hotline) -> None:
    hotline.replay(*NAMES)
    days = ("--first", "2026-11-01", "--last", "2026-11-30")
    out = hotline.database.parent / "november.xlsx"
    assert hotline("report", *days, "--format", "xlsx", "--out", out).code == 0
    cells = [c.value for row in openpyxl.load_workbook(out).worksheets[0] for c in row]
    printed = hotline("figures", "checksum", *days)
    assert f"SHA-256 {printed.out.split()[0]}" in cells
    assert printed.err == ""
    hotline("figures", "rebuild")
    assert hotline("figures", "checksum", *days).out == printed.out
    # nothing but calls is on record: the published statistics are of nothing else
    assert hotline("figures", "checksum", "--public", *days).out == printed.out
    assert hotline("figures", "checksum", "--first", "2026-11-01").out == printed.out
    assert hotline("figures", "checksum", "--first", "2025-01-01").out != printed.out
    assert hotline("report", "--id", "none", "--out", out).code == 2
    assert (
        hotline("report", "--last", "2026-01-01", "--first", "2026-02-01", "--out", out).code == 2
    )
    assert "another place" in hotline("report", *days, "--format=csv", "--out", "/no/where").err
