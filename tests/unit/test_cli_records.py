"""replay, calls, show and watch, on captures of a real Asterisk."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import re
import sqlite3
from pathlib import Path

import pytest
from rich.cells import cell_len

from crm_bridge.clock import SystemClock
from crm_bridge.commands import exits
from crm_bridge.commands.watch import View
from crm_bridge.commands.words import Lang
from crm_bridge.config import load_config
from crm_bridge.records import audit_book
from crm_bridge.records.database import Database
from crm_bridge.records.erasure import erase_callers
from tests.support.cli import Hotline, capture, hotline

__all__ = ["hotline"]

KEYS = [
    "call_id", "node", "linkedids", "revision", "direction", "dialled", "caller_number",
    "caller_number_presented", "caller_name", "withheld", "entered_at", "answered_at", "ended_at",
    "ended_by", "outcome", "service", "language", "menu", "queue_passages", "agents", "holds",
    "consultations", "transfers", "agency_legs", "steps", "gaps",
]  # fmt: skip


def content(database: Path) -> str:
    with sqlite3.connect(database) as connection:
        dump = "\n".join(connection.iterdump())
    connection.close()
    return hashlib.sha256(dump.encode()).hexdigest()


def test_replay_tells_calls_events_and_seconds(hotline: Hotline) -> None:
    said = hotline.replay("blind_refer")
    assert said.code == 0
    assert re.fullmatch(r"1 calls, \d+ events, \d+\.\d\d s\n", said.out)


def test_replaying_twice_changes_nothing(hotline: Hotline) -> None:
    names = ("answered_served", "attended_refer", "killed", "ami_cut", "same_second")
    first = hotline.replay(*names)
    before = content(hotline.database)
    again = hotline.replay(*names)
    assert content(hotline.database) == before
    assert first.out.split(" events")[0] == again.out.split(" events")[0]


def test_replaying_does_not_bring_an_erased_caller_back(hotline: Hotline) -> None:
    names = ("answered_served", "thai_name")
    hotline.replay(*names)
    (before,) = [
        c for c in hotline("calls", "--jsonl").objects if c["caller_number"] == "+6621234567"
    ]

    async def erase() -> None:
        database = Database(f"sqlite:///{hotline.database}")
        async with database.writing() as connection:
            assert await erase_callers(connection, SystemClock(), [before["call_id"]]) == 1
        await database.close()

    asyncio.run(erase())
    hotline.replay(*names)
    (after,) = [c for c in hotline("calls", "--jsonl").objects if c["call_id"] == before["call_id"]]
    assert (
        after["caller_name"] is after["caller_number"] is after["caller_number_presented"] is None
    )
    assert after["steps"] == before["steps"]
    with sqlite3.connect(hotline.database) as connection:
        dump = "\n".join(connection.iterdump())
    connection.close()
    for said in ("caller_name", "caller_number", "caller_number_presented"):
        assert before[said] not in dump


def test_a_call_that_is_open_at_the_end_is_interrupted(hotline: Hotline, tmp_path: Path) -> None:
    lines = gzip.decompress(capture("answered_served").read_bytes()).splitlines(keepends=True)
    half = tmp_path / "half.capture"
    half.write_bytes(b"".join(lines[: len(lines) * 3 // 4]))
    assert hotline("replay", half).code == 0
    (call,) = hotline("calls", "--jsonl").objects
    assert call["outcome"] == "interrupted"
    hotline.replay("answered_served")
    (call,) = hotline("calls", "--jsonl").objects
    assert call["outcome"] == "served"


def test_a_damaged_capture_names_the_byte_and_keeps_what_was_before(
    hotline: Hotline, tmp_path: Path
) -> None:
    plain = gzip.decompress(capture("answered_served").read_bytes())
    whole = tmp_path / "damaged.capture"
    whole.write_bytes(plain + b'{"t": 99, "b": "!!!"}\n')
    said = hotline("replay", whole)
    assert said.code == exits.FOUND
    assert f"at byte {len(plain) + 10}" in said.err
    assert said.out.startswith("1 calls, ")
    (call,) = hotline("calls", "--jsonl").objects
    assert call["outcome"] == "served"


def test_a_capture_that_breaks_off_may_be_taken_as_ended(hotline: Hotline, tmp_path: Path) -> None:
    packed = capture("answered_served").read_bytes()
    broken = tmp_path / "broken.capture"
    broken.write_bytes(packed[: len(packed) - 40])
    said = hotline("replay", broken)
    assert said.code == exits.FOUND
    assert "--allow-truncated" in said.err
    assert hotline("replay", broken, "--allow-truncated").code == 0


def test_a_file_that_is_no_capture_is_told(hotline: Hotline, tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text('{"hello": 1}\n')
    said = hotline("replay", other)
    assert said.code == exits.FOUND
    assert "capture" in said.err
    assert hotline("replay", tmp_path / "missing").code == exits.USAGE


def test_jsonl_is_the_published_form_and_nothing_else(hotline: Hotline) -> None:
    hotline.replay("blind_refer", "thai_name", "withheld")
    said = hotline("calls", "--jsonl")
    assert said.code == 0
    assert said.err == ""
    calls = said.objects
    assert len(calls) == 3
    for call, line in zip(calls, said.lines, strict=True):
        assert list(call) == KEYS
        assert "\\u" not in line
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", call["entered_at"])
    assert [c["entered_at"] for c in calls] == sorted(c["entered_at"] for c in calls)


def test_since_and_until_bound_the_entry(hotline: Hotline) -> None:
    hotline.replay("blind_refer", "hold")
    first, second = hotline("calls", "--jsonl").objects
    after = hotline("calls", "--jsonl", "--since", second["entered_at"])
    assert [c["call_id"] for c in after.objects] == [second["call_id"]]
    before = hotline("calls", "--jsonl", "--until", second["entered_at"])
    assert [c["call_id"] for c in before.objects] == [first["call_id"]]
    assert "no calls in that time" in hotline("calls", "--since", "2099-01-01").out


@pytest.mark.parametrize("lang", ["th", "en"])
def test_the_table_fits_a_hundred_columns(hotline: Hotline, lang: str) -> None:
    hotline.replay("attended_refer", "thai_name", "withheld", "abandoned_menu", "queue_reentry")
    said = hotline("calls", "--lang", lang)
    assert said.code == 0
    assert max(cell_len(line) for line in said.lines) <= 100
    assert "สมชาย ใจดี" in said.out
    assert ("ไม่แสดงเลขหมาย" if lang == "th" else "withheld") in said.out
    assert ("ทักทาย✓" if lang == "th" else "greet✓") in said.out


def test_show_tells_the_life_in_order(hotline: Hotline) -> None:
    hotline.replay("attended_refer")
    (call,) = hotline("calls", "--jsonl").objects
    said = hotline("show", call["linkedids"][0], "--lang", "en")
    assert said.code == 0
    told = [
        "dials 1203", "presses 2", "joins the queue information", "the telephone rings",
        "picks up", "the greeting is over", "has the caller", "puts the caller on hold",
        "to ask", "connects the caller with", "hands the caller over", "takes the transfer",
        "is released", "the call ends",
    ]  # fmt: skip
    places = [said.out.index(words) for words in told]
    assert places == sorted(places)
    times = re.findall(r"^\d\d:\d\d:\d\d\.\d{3}", said.out, re.MULTILINE)
    assert times == sorted(times)
    assert "Department of Internal Trade" in said.out
    assert "✓ within" in said.out
    for part in ("waiting", "ringing", "greeting"):
        assert part in said.out


def test_show_speaks_thai_and_the_published_wording(hotline: Hotline) -> None:
    hotline.replay("blind_refer")
    said = hotline("show", "last")
    assert "เจ้าหน้าที่ Call Center รับโทรศัพท์และทักทายผู้สอบถาม" in said.out
    assert "กรมการค้าภายใน" in said.out
    assert "2569" in said.out


def test_show_names_a_gap_in_plain_words(hotline: Hotline) -> None:
    hotline.replay("ami_cut")
    said = hotline("show", "last", "--lang", "en")
    assert "nothing was heard from" in said.out
    assert "not filled" in said.out


def test_show_asks_which_call_is_meant(hotline: Hotline) -> None:
    hotline.replay("blind_refer", "hold")
    several = hotline("show", "lab")
    assert several.code == exits.USAGE
    assert "several" in several.err
    assert hotline("show", "%").code == exits.FOUND
    assert hotline("show", "nonsense").code == exits.FOUND


def test_a_callers_name_cannot_steer_the_terminal(hotline: Hotline) -> None:
    hotline.replay("thai_name")
    with sqlite3.connect(hotline.database) as database:
        database.execute("UPDATE calls SET caller_name = ?", ("[red]\x1b[2J\x9bX[/red]",))
    database.close()
    for words in (["calls"], ["show", "last"], ["watch", "--once"]):
        out = hotline(*words).out
        assert "\x1b" not in out
        assert "\x9b" not in out
        assert "[red]" in out


def test_watch_shows_open_and_ended_calls(hotline: Hotline) -> None:
    hotline.replay("blind_refer", "killed")
    with sqlite3.connect(hotline.database) as database:
        database.execute("UPDATE calls SET ended_us = NULL, outcome = NULL, closed = 0"
                         " WHERE outcome = 'served'")  # fmt: skip
        database.execute(
            "UPDATE step_timings SET ended_us = NULL, elapsed_us = NULL WHERE step = 'greet'"
        )
    database.close()
    said = hotline("watch", "--once", "--lang", "en")
    assert said.code == 0
    going, ended = said.out.split("last calls")
    assert "0812345678" in going
    assert "interrupted" in ended
    assert "no bridge at" in ended


def test_calls_of_a_number_that_is_no_persons_are_erased_by_it(hotline: Hotline) -> None:
    """As after a restore: whoever was made a person since the backup is none in it."""
    hotline.replay("answered_served")
    password = hotline.database.with_name("password")
    password.write_text("ม้วนเดียวจบ-ทดสอบ-1203")
    hotline(
        "account", "create", "--login", "head", "--role", "administrator", "--name", "ก",
        "--password-file", password,
    )  # fmt: skip
    given = ("--by", "head", "--identity", "id_card", "--why", "again", "--yes")
    said = hotline("subject", "erase", "--person", "0" * 32, *given)
    assert said.code == 2
    assert "There is no such person" in said.err
    assert hotline("calls", "--jsonl").objects[0]["caller_number"] == "+66812345678"
    assert hotline("subject", "erase", "--number", "0812345678", *given).code == 0
    assert hotline("calls", "--jsonl").objects[0]["caller_number"] is None
    hotline.replay("answered_served")  # the books tell it once more
    assert hotline("calls", "--jsonl").objects[0]["caller_number"] is None


def test_what_watch_shows_is_on_record_before_it_is_seen(hotline: Hotline) -> None:
    hotline.replay("blind_refer")
    assert hotline("watch", "--once").code == 0
    rows = [r for r in hotline("audit", "export").objects if r["kind"] == "read"]
    (call,) = hotline("calls", "--jsonl").objects
    (row,) = [r for r in rows if r["act"] == "hotline watch"]
    assert row["about"] == f"call:{call['call_id']}"
    assert row["via"].startswith("command:")
    assert "0812345678" not in str(row)
    with sqlite3.connect(hotline.database) as locked:
        locked.execute("BEGIN IMMEDIATE")  # nothing can be put on record
        said = hotline("watch", "--once", "--lang", "en")
    locked.close()
    assert "0812345678" not in said.out


async def test_a_watch_names_each_call_once(hotline: Hotline) -> None:
    await asyncio.to_thread(hotline.replay, "blind_refer")
    config = await asyncio.to_thread(load_config, hotline.config)
    url = f"sqlite:///{hotline.database}"
    config = config.model_copy(update={"database": config.database.model_copy(update={"url": url})})
    view = View(config, Lang.EN)
    try:
        for _ in range(3):
            await view.look()
        async with view.database.reading() as connection:
            rows = await audit_book.page(connection, kind="read", limit=10)
    finally:
        await view.database.close()
    assert len(rows) == 1


def test_jsonl_of_a_reader_that_has_enough_ends_quietly(hotline: Hotline) -> None:
    import subprocess
    import sys

    hotline.replay("blind_refer")
    done = subprocess.run(
        f"{sys.executable} -m crm_bridge.cli calls --jsonl --config {hotline.config} | true",
        shell=True, capture_output=True, text=True, check=False,
        env={**hotline.environment, "PATH": "/usr/bin:/bin"}, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.stderr == ""
