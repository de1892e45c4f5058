"""Persons on each database: kept, matched, searched, merged and taken apart."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from crm_bridge.errors import Refused
from crm_bridge.people import merge, notes, persons
from crm_bridge.people.search import search
from crm_bridge.records.desk_tables.people import (
    person_merges,
    person_notes,
    person_numbers,
    person_words,
    word_grams,
)
from crm_bridge.records.desk_tables.people import persons as persons_table
from crm_bridge.records.rows import snapshot
from crm_bridge.records.writer import Writer, batch_of
from tests.support.people import AGENT, Held, person
from tests.support.records import SECOND, full_call, full_steps

PHONE, HOME = "+66812345678", "+6653123456"


async def matched(database, e164, **how):
    async with database.reading() as connection:
        return await persons.match(connection, e164, **how)


async def names_found(database, text) -> list[str | None]:
    async with database.reading() as connection:
        return [hit.name for hit in await search(connection, text)]


async def all_rows(database) -> dict[str, list[tuple]]:
    tables = (persons_table, person_numbers, person_notes, person_words, word_grams)
    async with database.reading() as connection:
        return {
            table.name: sorted(
                (tuple(row) for row in (await connection.execute(select(table))).all()), key=repr
            )
            for table in tables
        }


async def test_a_caller_is_known_maybe_new_or_withheld(database):
    await person(database, "สมชาย ใจดี", "081-234-5678", notes="หูตึง พูดดัง ๆ", province="ตรัง")
    known = await matched(database, PHONE)
    assert (known.level, known.province, known.province_from) == ("known", "ตรัง", "person")
    assert [(p.name, p.notes) for p in known.persons] == [("สมชาย ใจดี", "หูตึง พูดดัง ๆ")]
    await person(database, "สมหญิง ใจดี", PHONE, clock=Held(Held().at + 1))
    maybe = await matched(database, PHONE)
    assert (maybe.level, maybe.province) == ("maybe", None)
    assert [p.name for p in maybe.persons] == ["สมหญิง ใจดี", "สมชาย ใจดี"]
    assert (await matched(database, "+66899999999")).level == "new"
    assert (await matched(database, None)).level == "withheld"
    assert (await matched(database, None, withheld=False)).level == "new"


async def test_a_fixed_line_tells_its_provinces(database):
    north = await matched(database, HOME)
    assert (north.level, north.province) == ("new", None)
    assert north.provinces == ("เชียงราย", "เชียงใหม่", "แม่ฮ่องสอน", "ลำพูน")


async def test_notes_come_newest_first_and_of_all_who_were_merged(database):
    one = await person(database, "สมชาย ใจดี", PHONE)
    two = await person(database, "สมชาย จัยดี", HOME)
    clock = Held()
    async with database.writing() as connection:
        for who, text in ((one, "แรก"), (two, "สอง"), (one, "สาม")):
            clock.at += SECOND
            await notes.add_note(connection, clock, AGENT, who.id, text, "pbx1-1.1")
        await merge.merge(connection, clock, AGENT, keep=one.id, other=two.id)
    for number in (PHONE, HOME):
        found = await matched(database, number)
        assert (found.level, found.persons[0].id) == ("known", one.id)
        assert [note.text for note in found.notes] == ["สาม", "สอง", "แรก"]


async def test_last_contacts_are_those_of_every_number_newest_first(database):
    one = await person(database, "สมชาย ใจดี", PHONE, HOME)
    writer = Writer(database, Held())
    numbers = ("0812345678", "053123456", "0899999999", "0812345678")
    records = [full_call(n, presented=number) for n, number in enumerate(numbers)]
    await writer.commit(batch_of(calls=[snapshot(c, full_steps(c)) for c in records]))
    await writer.close()
    async with database.reading() as connection:
        both = await persons.last_contacts(connection, [PHONE], one.id, 10)
        last = await persons.last_contacts(
            connection, [PHONE], one.id, 1, without=records[3].call_id
        )
        nobody = await persons.last_contacts(connection, [], None, 10)
    assert [c.call_id for c in both] == [records[n].call_id for n in (3, 1, 0)]
    assert (both[0].agent, both[0].outcome, both[0].subject) == ("1003", "served", None)
    assert [c.call_id for c in last] == [records[1].call_id]
    assert nobody == []


async def test_what_cannot_be_kept_is_named_field_by_field(database):
    with pytest.raises(Refused) as refused:
        await person(database, "ก" * 201, email="no", province="กรุงเทพ", language="xx")
    assert set(refused.value.fields) == {"name", "email", "province", "language"}
    for name, numbers in (("", ()), ("สมชาย", ("12",)), (None, ("1203",))):
        with pytest.raises(Refused):
            await person(database, name, *numbers)


async def test_an_edit_that_knows_less_is_refused(database):
    one = await person(database, "สมชาย ใจดี", PHONE)
    async with database.writing() as connection:
        after = await persons.edit(connection, Held(), AGENT, one.id, 1, {"name": "สมชาย ดีใจ"})
    assert (after.name, after.version) == ("สมชาย ดีใจ", 2)
    async with database.writing() as connection:
        with pytest.raises(Refused) as refused:
            await persons.edit(connection, Held(), AGENT, one.id, 1, {"name": "อื่น"})
    assert refused.value.status == 412
    assert await names_found(database, "ดีใจ") == ["สมชาย ดีใจ"]
    assert await names_found(database, "สมชาย ใจดี") == ["สมชาย ดีใจ"]


async def test_numbers_come_and_go_but_never_leave_nobody(database):
    one = await person(database, None, PHONE)
    await person(database, "อีกคน", HOME)
    async with database.writing() as connection:
        await persons.add_number(connection, Held(), AGENT, one.id, "053 123 456", "บ้าน")
        await persons.add_number(connection, Held(), AGENT, one.id, HOME)
        held = await persons.numbers_of(connection, one.id)
        assert {(n.e164, n.label, n.shared) for n in held} == {(PHONE, None, 0), (HOME, "บ้าน", 1)}
        await persons.remove_number(connection, Held(), AGENT, one.id, PHONE)
        with pytest.raises(Refused):
            await persons.remove_number(connection, Held(), AGENT, one.id, HOME)
        with pytest.raises(Refused):
            await persons.remove_number(connection, Held(), AGENT, one.id, PHONE)


PEOPLE = ("นายสมชาย ใจดี", "นางสาวน้ำฝน จันทร์เพ็ญ", "ด.ช.ดำ มี", "คุณากร ศรีสุข", "John O'Neil",
          "สมหญิง ใจงาม", "กมลวรรณ รัตนพงษ์ศักดิ์")  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("สมชาย", 0), ("ใจดี สมชาย", 0), ("สมชายใจดี", 0), ("สมขาย ใจดี", 0), ("สมชา ใจดี", 0),
        ("สม ชาย ใจดี", 0), ("นายสมชาย", 0), ("คุณสมชาย ใจดี", 0), ("สมชาย ใจ", 0),
        ("นำฝน", 1), ("น้ำฝน จันเพ็ญ", 1), ("น้ําฝน", 1), ("จันทรเพญ", 1), ("น.ส.น้ำฝน", 1),
        ("ดำ มี", 2), ("ด.ช. ดำ", 2), ("ดำมี", 2), ("คุณากร", 3), ("คุนากร สีสุข", 3),
        ("john oneil", 4), ("JOHN", 4), ("jhon o'neil", 4), ("กมลวัน", 6),
        ("กมลวรรณ รัตนพงศ์ศักดิ์", 6), ("รัตนพงษ์", 6),
    ],
)  # fmt: skip
async def test_a_name_is_found_however_it_is_written(database, typed, name):
    for n, who in enumerate(PEOPLE):
        await person(database, who, f"08123456{n:02}")
    found = await names_found(database, typed)
    assert found
    assert found[0] == PEOPLE[name]


async def test_every_slip_in_every_name_still_finds(tmp_path):
    """One database for all the examples: what is asked changes nothing."""
    from crm_bridge.records.database import Database
    from crm_bridge.records.schema import upgrade

    url = f"sqlite:///{tmp_path}/people.db"
    await upgrade(url)
    database = Database(url)
    for n, who in enumerate(PEOPLE):
        await person(database, who, f"08123456{n:02}")
    missed = []
    for who in PEOPLE:
        word = max(who.removeprefix("ด.ช.").split(), key=len)
        if len(word) < 3:  # ดำ less a letter is a letter
            continue
        for at in range(len(word)):
            for typed in (word[:at] + word[at + 1 :], word[:at] + "ฮ" + word[at + 1 :],
                          word[:at] + word[at] + word[at:]):  # fmt: skip
                if who not in await names_found(database, typed):
                    missed.append((who, typed))
    await database.close()
    assert missed == [], missed


async def test_a_number_is_found_by_any_part_and_one_that_is_nobodys_too(database):
    await person(database, "สมชาย ใจดี", PHONE)
    writer = Writer(database, Held())
    call = full_call(presented="0891112222")
    await writer.commit(batch_of(calls=[snapshot(call, full_steps(call))]))
    await writer.close()
    for typed in ("0812345678", "5678", "๐๘๑-๒๓๔", "+66 81 234 5678", "สมชาย 5678"):
        assert await names_found(database, typed) == ["สมชาย ใจดี"]
    async with database.reading() as connection:
        (hit,) = await search(connection, "1112222")
    assert (hit.person_id, hit.numbers, hit.name) == (None, ("+66891112222",), call.caller_name)
    assert await names_found(database, "777") == []


async def test_merged_persons_are_found_as_one_under_either_name(database):
    one = await person(database, "สมชาย ใจดี", PHONE)
    two = await person(database, "ชาย ขายดี", HOME)
    async with database.writing() as connection:
        await merge.merge(connection, Held(), AGENT, keep=one.id, other=two.id)
    for typed in ("ชาย ขายดี", "053123456", "สมชาย"):
        assert await names_found(database, typed) == ["สมชาย ใจดี"]
    async with database.reading() as connection:
        assert (await persons.get(connection, two.id)).id == one.id
        assert {n.e164 for n in await persons.numbers_of(connection, one.id)} == {PHONE, HOME}


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(pairs=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=6),
       order=st.randoms(use_true_random=False))  # fmt: skip
async def test_undoing_every_merge_in_any_order_gives_back_what_was(database, pairs, order):
    people = [await person(database, f"คนที่{n} นามสกุล{n}", f"08199999{n:02}") for n in range(5)]
    before = await all_rows(database)
    done = []
    async with database.writing() as connection:
        for keep, other in pairs:
            try:
                done.append(
                    await merge.merge(
                        connection, Held(), AGENT, keep=people[keep].id, other=people[other].id
                    )
                )
            except Refused as refused:
                assert refused.code == "same-person"  # noqa: PT017
    order.shuffle(done)
    async with database.writing() as connection:
        for made in done:
            await merge.undo(connection, Held(), AGENT, made.id)
    after = await all_rows(database)

    version = list(persons_table.c).index(persons_table.c.version)

    def without_version(rows):
        return {
            **rows, "persons": sorted(row[:version] + row[version + 1:] for row in rows["persons"])
        }  # fmt: skip

    def versions(rows):
        return {row[0]: row[version] for row in rows["persons"]}

    assert without_version(after) == without_version(before)
    assert all(versions(after)[i] >= v for i, v in versions(before).items())
    async with database.writing() as connection:  # the next example begins with nobody
        for table in (person_merges, person_words, word_grams, person_numbers, persons_table):
            await connection.execute(table.delete())


async def test_a_merge_is_undone_once_and_not_of_itself(database):
    one, two = await person(database, "ก ข", PHONE), await person(database, "ค ง", HOME)
    async with database.writing() as connection:
        with pytest.raises(Refused):
            await merge.merge(connection, Held(), AGENT, keep=one.id, other=one.id)
        made = await merge.merge(
            connection, Held(), AGENT, keep=one.id, other=two.id, why="เบอร์เดียวกัน"
        )
        with pytest.raises(Refused):
            await merge.merge(connection, Held(), AGENT, keep=two.id, other=one.id)
        assert [m.id for m in await merge.merges_of(connection, two.id)] == [made.id]
        await merge.undo(connection, Held(), AGENT, made.id)
        with pytest.raises(Refused):
            await merge.undo(connection, Held(), AGENT, made.id)
        with pytest.raises(Refused):
            await merge.undo(connection, Held(), AGENT, "no")


async def test_likely_duplicates_share_a_number_and_a_name(database):
    one = await person(database, "นายสมชาย ใจดี", PHONE)
    two = await person(database, "สมชาย ใจดี", PHONE)
    await person(database, "วิภาดา แก้วมณี", PHONE)
    await person(database, "สมชาย ใจดี", HOME)
    async with database.reading() as connection:
        found = await merge.suggestions(connection)
        (mine,) = await merge.suggestions(connection, one.id)
    assert [{s.first, s.second} for s in found] == [{one.id, two.id}]
    assert (mine.first, mine.second, mine.e164) == (one.id, two.id, PHONE)


async def test_the_index_forgets_a_name_that_nobody_has(database):
    one = await person(database, "สมชาย ใจดี", PHONE)
    await person(database, "สมชาย ดีงาม")
    async with database.writing() as connection:
        await persons.edit(connection, Held(), AGENT, one.id, 1, {"name": None})
    rows = await all_rows(database)
    assert {word for word, _ in rows["person_words"]} == {"สมชาย", "ดีงาม", "สมชายดีงาม"}
    assert {word for _, word in rows["word_grams"]} == {"สมชาย", "ดีงาม", "สมชายดีงาม"}
