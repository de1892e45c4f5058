"""The bridge reads the books by itself: on from where it was, each call once, live ones waiting."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import delete

from crm_bridge.clock import SystemClock
from crm_bridge.config import NodeSection
from crm_bridge.desk.declare import Declare
from crm_bridge.reconciling import gap_book
from crm_bridge.reconciling import rounds as rounds_module
from crm_bridge.reconciling.comparing import compare
from crm_bridge.reconciling.rounds import ReadingRounds
from crm_bridge.records.calls import calls_as_json
from crm_bridge.records.commit_loop import CommitLoop, Policy
from crm_bridge.records.database import Database
from crm_bridge.records.desk_tables.books import book_places
from crm_bridge.records.writer import Writer
from ivr.calls.call import Mark
from ivr.calls.tracker import Tracker
from ivr.events import types as ev
from ivr.steps.standards import load_standards
from tests.contract.test_reconcile import save
from tests.support.books import events_of, heard_without, span_of
from tests.support.scenario import SCENARIOS, config_of, records_of

NODE = "lab100"


class Intake:
    overflows = 0


@asynccontextmanager
async def rounds_of(database: Database, place: Path):
    """Rounds over books in this directory, and the node they watch; the commit loop runs."""
    directory, standards, clock = config_of("hold").directory(), load_standards(), SystemClock()
    loop = CommitLoop(Writer(database), Policy(linger=0))
    committing = asyncio.create_task(loop.run())
    declare = Declare(database, loop, [], directory, standards, clock)
    rounds = ReadingRounds(database, loop, declare, directory, standards, clock)
    section = NodeSection(
        name=NODE, ami_host="127.0.0.1", ami_secret="none",
        cel_file=place / "cel.csv", queue_log_file=place / "queue_log",
    )  # fmt: skip
    tracker = Tracker(NODE, directory)
    rounds.watch(section, NODE, tracker, Intake())
    async with database.writing() as connection:
        await gap_book.keep_places(connection, NODE, 0, None, None, 0, None)
    try:
        yield rounds, rounds.nodes[0]
    finally:
        loop.stop()
        await committing


def write(place: Path, name: str, share: float = 1.0) -> None:
    """Appends this part of a scenario's books, whole queue_log first."""
    cel = (SCENARIOS / f"{name}.cel.csv").read_bytes()
    with (place / "cel.csv").open("ab") as stream:
        stream.write(cel[: round(len(cel) * share)])
    with (place / "queue_log").open("ab") as stream:
        stream.write((SCENARIOS / f"{name}.queue_log").read_bytes())


async def ids(database: Database) -> list[str]:
    return [call["call_id"] async for call in calls_as_json(database)]


async def test_each_round_goes_on_where_the_last_one_was(database, tmp_path):
    async with rounds_of(database, tmp_path) as (rounds, node):
        write(tmp_path, "hold")
        first = await rounds.round(node)
        assert first is not None
        assert (first.made, first.repaired) == (1, 0)
        assert await ids(database) == list(records_of("hold")[0])
        again = await rounds.round(node)
        assert again is not None
        assert (again.calls, again.made) == (0, 0)
        write(tmp_path, "blind_refer")
        third = await rounds.round(node)
        assert third is not None
        assert (third.calls, third.made) == (1, 1)
        assert len(await ids(database)) == 2


async def test_a_call_whose_rows_are_not_all_there_is_told_when_they_are(database, tmp_path):
    async with rounds_of(database, tmp_path) as (rounds, node):
        write(tmp_path, "hold", 0.6)
        await rounds.round(node)
        assert await ids(database) == []
        cel = (SCENARIOS / "hold.cel.csv").read_bytes()
        with (tmp_path / "cel.csv").open("ab") as stream:
            stream.write(cel[round(len(cel) * 0.6) :])
        done = await rounds.round(node)
        assert done is not None
        assert done.made == 1
        (call,) = [c async for c in calls_as_json(database)]
        assert call["queue_passages"][0]["position"] == 1, "queue_log is read from there again"


async def test_over_a_rotation(database, tmp_path):
    async with rounds_of(database, tmp_path) as (rounds, node):
        write(tmp_path, "hold")
        await rounds.round(node)
        write(tmp_path, "blind_refer")
        for name in ("cel.csv", "queue_log"):
            (tmp_path / name).rename(tmp_path / f"{name}.1")
        write(tmp_path, "pickup")
        done = await rounds.round(node)
        assert done is not None
        assert done.made == 2
        assert len(await ids(database)) == 3


async def test_a_call_that_the_line_still_has_waits_for_the_next_round(database, tmp_path):
    name = "attended_refer"
    async with rounds_of(database, tmp_path) as (rounds, node):
        write(tmp_path, name)
        start = [e for e in events_of(name) if isinstance(e, ev.ChannelStarted)][:1]
        for event in start:
            node.tracker.apply(event)
        done = await rounds.round(node)
        assert done is not None
        assert (done.made, len(done.unfinished)) == (0, 1)
        assert node.due_at > 0
        assert await ids(database) == []
        node.tracker.interrupt_all()
        done = await rounds.round(node)
        assert done is not None
        assert done.made == 1
        assert node.due_at == 0


async def test_a_gap_on_a_record_is_filled_and_listed(database, tmp_path):
    name = "blind_refer"
    first, last = span_of(name)
    start, end = first + (last - first) // 2, last + 1_000_000
    heard, whole = heard_without(name, start, end)
    await save(database, name, heard)
    async with rounds_of(database, tmp_path) as (rounds, node):
        node.tracker.hearing.lost_at = start
        await rounds._look(node)
        async with database.reading() as connection:
            (gap,) = await gap_book.line_gaps_of(connection)
        assert (gap.cause, gap.ended_at, len(gap.unknown)) == ("stopped", None, 1)
        node.tracker.hearing.up_at = end
        await rounds._look(node)
        write(tmp_path, name)
        done = await rounds.round(node)
        assert done is not None
        assert (done.repaired, done.made) == (1, 0)
        async with database.reading() as connection:
            (gap,) = await gap_book.line_gaps_of(connection)
        assert (gap.started_at, gap.ended_at) == (start, end)
        assert gap.filled_by == ["cel"]
        assert gap.unknown == []
        assert gap.read_at is not None
        assert [call.call_id for call in gap.touched] == list(whole)


async def test_a_book_that_is_not_there_is_said_once(database, tmp_path):
    async with rounds_of(database, tmp_path) as (rounds, node):
        assert await rounds.round(node) is None
        assert await rounds.round(node) is None
        assert len(node.said) == 1


async def test_the_first_round_takes_nothing_away_where_queue_log_was_rotated_apart(
    database, tmp_path
):
    names = ("hold", "pickup", "queue_timeout")
    for name in names:
        await save(database, name, records_of(name)[0])
        with (tmp_path / "cel.csv").open("ab") as stream:
            stream.write((SCENARIOS / f"{name}.cel.csv").read_bytes())
    (tmp_path / "queue_log").write_text("1900000000|NONE|NONE|NONE|QUEUESTART|\n")
    before = [call async for call in calls_as_json(database)]
    async with rounds_of(database, tmp_path) as (rounds, node):
        async with database.writing() as connection:
            await connection.execute(delete(book_places))
        done = await rounds.round(node)
        assert done is not None
        assert (done.repaired, done.made) == (0, 0)
        assert done.calls == len(before)
    assert [call async for call in calls_as_json(database)] == before


async def test_a_record_that_is_changed_while_it_is_compared_waits_for_the_next_round(
    database, tmp_path, monkeypatch
):
    name = "blind_refer"
    first, last = span_of(name)
    heard, _ = heard_without(name, first + (last - first) // 2, last + 1_000_000)
    await save(database, name, heard)
    (record,) = heard.values()
    write(tmp_path, name)
    times = []

    async def overtaken(*args):
        found = await compare(*args)
        times.append(1)
        if len(times) == 2:
            record.revision += 1
            record.marks.append(Mark("logged", record.entered_at + 1, "", "1001"))
            await save(database, name, heard)
        return found

    monkeypatch.setattr(rounds_module, "compare", overtaken)
    async with rounds_of(database, tmp_path) as (rounds, node):
        done = await rounds.round(node)
        assert done is not None
        assert (done.repaired, len(done.unfinished)) == (0, 1)
        done = await rounds.round(node)
        assert done is not None
        assert (done.repaired, len(done.unfinished)) == (1, 0)
    (call,) = [call async for call in calls_as_json(database)]
    assert [g["filled_by"] for g in call["gaps"]] == ["cel"]
    assert "logged" in {mark.name for mark in record.marks}
    assert call["revision"] == record.revision + 1


@pytest.mark.parametrize("lines", [1, 5_000])
async def test_however_long_the_book_memory_holds_a_piece(database, tmp_path, lines):
    """Rows of channels that are nobody's call leave nothing behind."""
    row = (SCENARIOS / "hold.cel.csv").read_text().splitlines()[1].replace("lab100-", "x-")
    (tmp_path / "cel.csv").write_text(f"{row}\n" * lines)
    (tmp_path / "queue_log").write_text("")
    async with rounds_of(database, tmp_path) as (rounds, node):
        done = await rounds.round(node)
        assert done is not None
        assert done.calls == 0
        async with database.reading() as connection:
            kept = await gap_book.places(connection, NODE)
        assert kept is not None
        assert kept[1] is not None
        assert kept[1].offset == (tmp_path / "cel.csv").stat().st_size
