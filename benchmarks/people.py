"""How long it takes to know who is calling and to find a person by name or number.

    .venv/bin/python -m benchmarks.people [DATABASE-URL]

Fills an empty database (a SQLite file of its own by default) with 50,000 persons and 200,000
calls, then asks; prints p50 and p99 in milliseconds.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from sqlalchemy import insert

from crm_bridge.people.matching import last_contacts, match
from crm_bridge.people.names import grams, indexed_words
from crm_bridge.people.search import search
from crm_bridge.records.database import Database
from crm_bridge.records.desk_tables.people import (
    person_notes,
    person_numbers,
    person_words,
    persons,
    word_grams,
)
from crm_bridge.records.schema import upgrade
from crm_bridge.records.tables import agent_parts, callers, calls

PERSONS, CALLS, NUMBERS = 50_000, 200_000, 60_000
START = 1_795_406_706_000_000

_FRONT = (
    "สม",
    "ประ",
    "วิ",
    "สุ",
    "ธน",
    "อร",
    "กิต",
    "ณัฐ",
    "ปิย",
    "ชัย",
    "มา",
    "พร",
    "ศิ",
    "วร",
    "จิ",
    "เพ็ญ",
    "รัต",
    "นิ",
    "ทอง",
    "บุญ",
)
_BACK = (
    "ชาย",
    "หญิง",
    "ศักดิ์",
    "พล",
    "วัฒน์",
    "ชัย",
    "ยุทธ",
    "นันท์",
    "กุล",
    "รักษ์",
    "พงษ์",
    "ภรณ์",
    "สิทธิ์",
    "ดี",
    "งาม",
    "ฤทธิ์",
    "มณี",
    "ลักษณ์",
)


def names(random_: random.Random) -> str:
    first = random_.choice(_FRONT) + random_.choice(_BACK)
    last = "".join(random_.choice((*_FRONT, *_BACK)) for _ in range(random_.randint(2, 4)))
    return f"{random_.choice(['นาย', 'นาง', 'นางสาว', ''])}{first} {last}"


async def fill(database: Database, r: random.Random) -> tuple[list[str], list[str]]:
    people = [names(r) for _ in range(PERSONS)]
    numbers = [f"+668{n:08d}" for n in r.sample(range(10**8), NUMBERS)]
    rows = [
        {"id": f"{n:032x}", "name": name, "language": "th", "root_id": f"{n:032x}",
         "created_us": START, "created_by": "b", "updated_us": START + n, "updated_by": "b",
         "version": 1}
        for n, name in enumerate(people)
    ]  # fmt: skip
    held = [
        {"e164": number, "person_id": f"{n % PERSONS:032x}", "created_us": START,
         "created_by": "b"}
        for n, number in enumerate(numbers)
    ]  # fmt: skip
    theirs = [
        {"word": w, "person_id": f"{n:032x}"}
        for n, name in enumerate(people)
        for w in indexed_words(name)
    ]
    every = {row["word"] for row in theirs}
    parts = [{"gram": g, "word": w} for w in every for g in grams(w)]
    lines = [
        {"call_id": f"b-{n}", "node": "b", "revision": 1, "direction": "inbound",
         "dialled": "1203", "caller_e164": r.choice(numbers), "caller_presented": None,
         "caller_name": None, "withheld": False, "entered_us": START + n * 1_000_000,
         "outcome": "served", "service": "information", "times_inferred": False, "closed": True,
         "digest": n, "updated_us": START}
        for n in range(CALLS)
    ]  # fmt: skip
    spoke = [
        {"call_id": f"b-{n}", "ordinal": 0, "agent": "1001", "connected_us": START}
        for n in range(CALLS)
    ]
    notes = [
        {"id": f"n{n}", "person_id": f"{n:032x}", "at_us": START, "by_account": "b", "text": "…"}
        for n in range(0, PERSONS, 5)
    ]
    known = [{"e164": x, "calls": 3, "first_seen_us": 0, "last_seen_us": 0} for x in numbers]
    async with database.writing() as connection:
        for table, values in (
            (persons, rows), (person_numbers, held), (person_words, theirs), (word_grams, parts),
            (calls, lines), (agent_parts, spoke), (person_notes, notes), (callers, known),
        ):  # fmt: skip
            for start in range(0, len(values), 1000):
                await connection.execute(insert(table), values[start : start + 1000])
    print(f"{len(every):,} words, {len(parts):,} trigrams")
    return numbers, people


async def timed(name: str, times: int, ask: Callable[[], Awaitable[object]]) -> None:
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        await ask()
        taken.append(1000 * (time.perf_counter() - began))
    taken.sort()
    p50, p99 = taken[len(taken) // 2], taken[int(len(taken) * 0.99)]
    print(f"{name:44} p50 {p50:7.2f} ms   p99 {p99:7.2f} ms")


async def main(url: str) -> None:
    database = Database(url)
    await upgrade(database)
    r = random.Random(1203)
    numbers, people = await fill(database, r)
    queries = {
        "name and surname": lambda: r.choice(people),
        "a slip in the name": lambda: slip(r.choice(people), r),
        "first name alone": lambda: r.choice(people).split()[0],
        "a name nobody has": lambda: names(r),
        "two letters": lambda: r.choice(_FRONT)[:2],
        "a whole number": lambda: "0" + r.choice(numbers)[3:],
        "four digits": lambda: r.choice(numbers)[-4:],
    }
    async with database.reading() as connection:
        await timed("match", 500, lambda: match(connection, r.choice(numbers)))
        await timed("match, nobody", 500, lambda: match(connection, "+66299999999"))
        await timed(
            "last contacts", 500, lambda: last_contacts(connection, [r.choice(numbers)], None, 5)
        )
        for name, make in queries.items():
            await timed(f"search: {name}", 60, lambda make=make: search(connection, make()))
    await database.close()


def slip(name: str, r: random.Random) -> str:
    at = r.randrange(len(name))
    return name[:at] + name[at + 1 :]


if __name__ == "__main__":
    if len(sys.argv) > 1:
        asyncio.run(main(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(main(f"sqlite:///{Path(folder) / 'people.db'}"))
