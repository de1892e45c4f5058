"""The audit log: every act with its row, whoever changes one is found, the database refuses."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from sqlalchemy import delete, insert, text, update
from sqlalchemy.exc import DBAPIError

from crm_bridge.errors import StorageError
from crm_bridge.records import audit, audit_book, chain
from crm_bridge.records.audit import ACTOR, Actor, Entry
from crm_bridge.records.chain import FIRST, Anchor, Row
from crm_bridge.records.database import Database
from crm_bridge.records.desk_tables.audit import GUARDS, audit_cuts, audit_log
from tests.support.audit_check import broken_at
from tests.support.migrated import brought_to


async def write(database: Database, count: int = 6, start: int = 0) -> None:
    for n in range(start, start + count):
        async with database.writing() as connection:
            audit.note(
                connection,
                Entry("case.assigned", 1_000_000 + n, f"case:{n}", {"to": "ดิท", "n": n}, by="a1"),
            )


async def rows(database: Database) -> list[Row]:
    return [row async for row in audit_book.rows(database)]


async def tampered(database: Database, *statements) -> None:
    """What somebody does who owns the database and takes its guards away first."""
    async with database.writing() as connection:
        if database.sqlite:
            for statement in GUARDS["sqlite"]:
                name = statement.split()[2]
                await connection.execute(text(f"DROP TRIGGER {name}"))
        else:
            for table in ("audit_log", "audit_cuts"):
                await connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        for statement in statements:
            await connection.execute(statement)


async def test_rows_follow_one_another_and_verify(database: Database):
    await write(database)
    found = await rows(database)
    assert [row.seq for row in found] == [1, 2, 3, 4, 5, 6]
    assert found[0].previous == FIRST
    assert all(row.previous == before.hash for before, row in pairwise(found))
    verdict = await audit_book.verify(database)
    assert (verdict.checked, verdict.broken) == (6, None)
    assert verdict.head == Anchor(6, found[-1].hash)


async def test_twenty_lines_that_know_nothing_of_us_verify_what_is_exported(database: Database):
    await write(database)
    lines = [json.dumps(row.as_json(), ensure_ascii=False) for row in await rows(database)]
    assert broken_at(lines) is None
    assert broken_at(lines[2:]) is None  # a span of time, from the row before it on
    assert broken_at([*lines[:2], lines[2].replace("ดิท", "ดีท"), *lines[3:]]) == 3
    assert broken_at([*lines[:2], *lines[3:]]) == 4


async def test_what_is_undone_is_not_on_record(database: Database):
    async def fails() -> None:
        async with database.writing() as connection:
            audit.note(connection, Entry("x", 1))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fails()
    assert await rows(database) == []


async def test_a_transaction_that_notes_nothing_is_noted_by_what_was_asked(database: Database):
    actor = Actor("POST /api/v1/x", "browser", lambda: 7, by="a1", about="case:9")
    token = ACTOR.set(actor)
    try:
        async with database.writing():
            audit.shows("person:1", "person:2", "person:1")
        actor.reads = True
        async with database.writing():
            pass
    finally:
        ACTOR.reset(token)
    async with database.writing():
        pass
    (row,) = await rows(database)
    assert (row.act, row.by_account, row.about, row.at_us) == (actor.act, "a1", "case:9", 7)
    assert json.loads(row.detail) == {"count": 2, "of": ["person:1", "person:2"]}


async def test_writers_at_once_make_one_chain(database: Database):
    other = Database(database.url.render_as_string(hide_password=False), busy_timeout=30)
    try:
        await asyncio.gather(*(write(d, 5, n) for n in range(4) for d in (database, other)))
    finally:
        await other.close()
    assert (await audit_book.verify(database)).checked == 40


@pytest.mark.parametrize(
    "statement",
    [
        update(audit_log).where(audit_log.c.seq == 3).values(by_account="b"),
        delete(audit_log).where(audit_log.c.seq == 3),
        delete(audit_log).where(audit_log.c.seq == 1),
        delete(audit_log).where(audit_log.c.seq == 6),
        insert(audit_cuts).values(upto=3, hash="0" * 64, at_us=1),
        insert(audit_log).values(Row(9, 1, "act", None, "", "", None, "{}", "", "").as_json()),
        insert(audit_log).values(Row(7, 1, "act", None, "", "", None, "{}", "", "").as_json()),
        insert(audit_log).values(Row(6, 1, "act", None, "", "", None, "{}", "", "").as_json()),
    ],
)
async def test_the_database_refuses_to_change_the_log(database: Database, statement):
    await write(database)
    before = await rows(database)
    with pytest.raises((StorageError, DBAPIError)):
        async with database.writing() as connection:
            await connection.execute(statement)
    assert await rows(database) == before


async def test_truncate_is_refused_too(database: Database):
    if database.sqlite:
        pytest.skip("SQLite has no TRUNCATE")
    await write(database)
    with pytest.raises((StorageError, DBAPIError)):
        async with database.writing() as connection:
            await connection.execute(text("TRUNCATE audit_log"))


def forged(row: Row, **changed) -> Row:
    return replace(row, **changed).sealed()


async def broken(database: Database, anchor: Anchor | None = None) -> tuple[int, str] | None:
    found = (await audit_book.verify(database, anchor)).broken
    return None if found is None else (found.seq, found.en)


async def test_a_changed_row_is_named(database: Database):
    await write(database)
    await tampered(database, update(audit_log).where(audit_log.c.seq == 3).values(by_account="b"))
    assert await broken(database) == (3, "what row 3 says does not give its hash: it was changed")


async def test_a_row_changed_with_its_hash_is_found_at_the_next(database: Database):
    await write(database)
    third = (await rows(database))[2]
    new = forged(third, by_account="b")
    await tampered(
        database,
        update(audit_log).where(audit_log.c.seq == 3).values(by_account="b", hash=new.hash),
    )
    seq, why = await broken(database) or (0, "")
    assert seq == 4
    assert "does not follow row 3" in why


async def test_a_deleted_row_is_named(database: Database):
    await write(database)
    await tampered(database, delete(audit_log).where(audit_log.c.seq == 4))
    seq, why = await broken(database) or (0, "")
    assert seq == 4
    assert "row 4 is missing" in why


async def test_a_front_that_was_cut_by_nobody_is_named(database: Database):
    await write(database)
    await tampered(database, delete(audit_log).where(audit_log.c.seq <= 2))
    assert (await broken(database) or (0, ""))[0] == 1
    third = (await rows(database))[0]
    await _without_guards(database, insert(audit_cuts).values(upto=2, hash=third.previous, at_us=1))
    assert await broken(database) == (
        2, "rows up to 2 were cut, and no row of the log says so",
    )  # fmt: skip


async def _without_guards(database: Database, *statements) -> None:
    async with database.writing() as connection:
        for statement in statements:
            await connection.execute(statement)


async def test_two_rows_that_were_swapped_are_found(database: Database):
    await write(database)
    third, fourth = (await rows(database))[2:4]
    said = ("at_us", "kind", "by_account", "via", "act", "about", "detail", "hash")

    def of(row: Row):
        return {name: getattr(row, name) for name in said}

    await tampered(
        database,
        update(audit_log).where(audit_log.c.seq == 3).values(of(fourth)),
        update(audit_log).where(audit_log.c.seq == 4).values(of(third)),
    )
    assert (await broken(database) or (0, ""))[0] == 3


async def test_an_inserted_row_is_found(database: Database):
    await write(database)
    found = await rows(database)
    moved = [
        update(audit_log).where(audit_log.c.seq == row.seq).values(seq=row.seq + 1)
        for row in reversed(found[3:])
    ]
    made = forged(found[3], by_account="b")
    await tampered(database, *moved, insert(audit_log).values(made.as_json()))
    assert (await broken(database) or (0, ""))[0] == 5


async def test_only_an_anchor_tells_that_the_end_was_cut_off(database: Database):
    await write(database)
    async with database.reading() as connection:
        anchor = await audit_book.head(connection)
    assert anchor is not None
    assert Anchor.read(f" {anchor}\n") == anchor
    assert await broken(database, anchor) is None
    await tampered(database, delete(audit_log).where(audit_log.c.seq >= 5))
    assert await broken(database) is None
    assert await broken(database, anchor) == (
        5, "the log ends at row 4, the anchor names row 6: its end was cut off",
    )  # fmt: skip


async def test_an_anchor_tells_that_all_was_written_anew(database: Database):
    await write(database)
    async with database.reading() as connection:
        anchor = await audit_book.head(connection)
    every: list[Row] = []
    for row in await rows(database):
        previous = every[-1].hash if every else FIRST
        every.append(forged(row, previous=previous, by_account="b"))
    await tampered(
        database,
        *(
            update(audit_log)
            .where(audit_log.c.seq == row.seq)
            .values(by_account="b", previous=row.previous, hash=row.hash)
            for row in every
        ),
    )
    assert await broken(database) is None
    seq, why = await broken(database, anchor) or (0, "")
    assert seq == 6
    assert "another hash than the anchor" in why


async def test_the_front_is_cut_by_retention_and_the_rest_verifies(database: Database):
    await write(database, 10)
    async with database.reading() as connection:
        anchor = await audit_book.head(connection)
    async with database.writing() as connection:
        assert await audit_book.cut(connection, 5_000_000, 1_000_004) == 4
    assert [row.seq for row in await rows(database)] == [5, 6, 7, 8, 9, 10, 11]
    assert await broken(database) is None
    assert await broken(database, anchor) is None
    last = (await rows(database))[-1]
    assert json.loads(last.detail) == {
        "count": 4, "oldest_us": 1_000_000, "newest_us": 1_000_003,
    }  # fmt: skip
    assert "cut by retention" in (await broken(database, Anchor(2, "0" * 64)) or (0, ""))[1]
    async with database.writing() as connection:
        assert await audit_book.cut(connection, 6_000_000, 1_000_004) == 0
        assert await audit_book.cut(connection, 6_000_000, 9_000_000) == 6
    assert [row.seq for row in await rows(database)] == [11, 12]
    assert await broken(database) is None


async def test_rows_are_hashed_beside_the_loop(database: Database, monkeypatch):
    await write(database)
    threads = set[int]()

    def follows(before, row):
        threads.add(threading.get_ident())
        return chain.follows(before, row)

    monkeypatch.setattr(audit_book, "follows", follows)
    assert (await audit_book.verify(database)).checked == 6
    assert threads
    assert threading.get_ident() not in threads


async def test_a_front_that_is_cut_meanwhile_is_not_missed(database: Database, monkeypatch):
    await write(database, 10)
    monkeypatch.setattr(audit_book, "_PAGE", 2)
    cut_at = [2, 4]
    pages = audit_book._pages

    async def cut_between(*asked):
        async for page in pages(*asked):
            yield page
            if cut_at:
                async with database.writing() as connection:
                    await audit_book.cut(connection, 5_000_000, 1_000_000 + 2 * cut_at.pop(0))

    monkeypatch.setattr(audit_book, "_pages", cut_between)
    verdict = await audit_book.verify(database)
    assert (verdict.broken, verdict.checked, cut_at) == (None, 10, [])
    verdict = await audit_book.verify(database)
    assert (verdict.broken, verdict.first) == (None, 9)


async def test_pages_find_by_whom_and_about_whom(database: Database):
    await write(database, 3)
    async with database.writing() as connection:
        note = Entry("people.search", 9, None, audit.named(["person:77", "person:78"]), "read", "b")
        audit.note(connection, note)

    async def found(**wanted) -> Sequence[int]:
        async with database.reading() as connection:
            return [row.seq for row in await audit_book.page(connection, **wanted)]

    assert await found() == [4, 3, 2, 1]
    assert await found(by="b") == [4]
    assert await found(about="person:77") == [4]
    assert await found(about="case:1") == await found(about="1") == [2]
    assert await found(kind="act", before=3) == [2, 1]
    assert await found(act="assigned", since=1_000_001, until=1_000_002) == [2]


async def test_what_was_on_record_before_is_chained(database: Database):
    async with database.writing() as connection:
        for table in ("audit_log", "audit_cuts"):
            await connection.execute(text(f"DROP TABLE {table}"))
        if not database.sqlite:
            await connection.execute(text("DROP FUNCTION audit_guard()"))
        await connection.execute(text("UPDATE alembic_version SET version_num = '0029'"))
        for statement in (
            "INSERT INTO accounts (id, login, name_th, name_en, role, language, active,"
            " must_change, failures, created_us, updated_us, version)"
            " VALUES ('a1', 'a', 'ก', 'A', 'supervisor', 'th', true, false, 0, 1, 1, 1)",
            "INSERT INTO supervision_acts (id, act, by_account, to_account, call_id, detail,"
            " started_us, outcome) VALUES ('s1', 'listen', 'a1', 'a1', 'c1', '', 30, 'done')",
            "INSERT INTO persons (id, root_id, created_us, updated_us, created_by, updated_by,"
            " version, language) VALUES ('p1', 'p1', 1, 1, 'a1', 'a1', 1, 'th')",
            "INSERT INTO privacy_acts (id, person_id, kind, state, why, asked_us, asked_by,"
            " done_us, done_by, holds, done) VALUES"
            " ('x1', 'p1', 'erasure', 'done', 'สมชายขอ', 10, 'a1', 40, 'a2', '[]', '{}')",
            "INSERT INTO recordings (id, kind, call_id, made_us, length_us)"
            " VALUES ('r1', 'call', 'c1', 1, 1)",
            "INSERT INTO recording_listens (id, recording_id, account_id, at_us)"
            " VALUES ('l1', 'r1', 'a1', 20)",
        ):
            await connection.execute(text(statement))
    await brought_to(database, "0030")
    found = await rows(database)
    assert [(row.at_us, row.act, row.by_account, row.about) for row in found] == [
        (10, "privacy.erasure.asked", "a1", "person:p1"),
        (20, "recording.listened", "a1", "recording:r1"),
        (30, "supervision.listen", "a1", "call:c1"),
        (40, "privacy.erasure.done", "a2", "person:p1"),
    ]
    assert "สมชาย" not in "".join(row.detail for row in found)
    verdict = await audit_book.verify(database)
    assert (verdict.checked, verdict.broken) == (4, None)
    await write(database, 1)
    assert (await audit_book.verify(database)).checked == 5
