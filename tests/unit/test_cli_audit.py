"""`hotline audit`: whole or not by exit code, a head to keep, rows for others to check."""

from __future__ import annotations

import asyncio
import getpass
import json
import sqlite3
import zipfile
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from crm_bridge.cli import app
from crm_bridge.records.database import Database
from crm_bridge.records.desk_tables.audit import GUARDS
from tests.support.audit_check import broken_at
from tests.support.desk_calls import save, served
from tests.support.migrated import sqlite_url

PASSWORD = "a long pass phrase"


@pytest.fixture
async def config(tmp_path: Path) -> Path:
    await sqlite_url(tmp_path / "hotline.db")
    path = tmp_path / "hotline.toml"
    path.write_text(f'[database]\nurl = "sqlite:///{tmp_path}/hotline.db"\n')
    return path


def say(config: Path, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, [*words, "--config", str(config)])
    return done.exit_code, done.output


def accounts(config: Path, *logins: str) -> None:
    password = config.with_name("password")
    password.write_text(PASSWORD)
    for login in logins:
        code, said = say(
            config, "account", "create", "--login", login, "--role", "agent", "--name", "ก",
            "--password-file", str(password),
        )  # fmt: skip
        assert code == 0, said


def test_a_command_that_changes_something_is_on_record_by_who_ran_it(config: Path):
    assert say(config, "audit", "anchor")[0] == 1
    accounts(config, "somchai")
    code, said = say(config, "audit", "export")
    assert code == 0
    row, own = map(json.loads, said.splitlines())
    assert (row["act"], row["via"]) == ("hotline account create", f"command:{getpass.getuser()}")
    assert (own["act"], own["kind"]) == ("hotline audit export", "read")
    assert "somchai" not in said
    assert broken_at(said.splitlines()) is None
    assert say(config, "audit", "export", "--since", "2020-01-01", "--until", "2020-01-02")[1] == ""


async def test_what_a_command_shows_of_callers_is_on_record_before(config: Path):
    database = Database(f"sqlite:///{config.with_name('hotline.db')}")
    first, second = served(1, 1_763_900_000_000_000), served(2, 1_763_990_000_000_000)
    await save(database, first, second)
    await database.close()

    def shown(*words: str) -> None:
        code, said = say(config, *words)
        assert code == 0, said

    def ask() -> list[dict[str, Any]]:
        shown("calls", "--since", "2020-01-01", "--until", "2020-01-02")  # shows nothing
        shown("calls")
        shown("calls", "--jsonl", "--until", "2025-11-24")
        shown("show", first.call_id)
        return [json.loads(line) for line in say(config, "audit", "export")[1].splitlines()]

    rows = await asyncio.to_thread(ask)
    assert {row["kind"] for row in rows} == {"read"}
    assert {row["via"] for row in rows} == {f"command:{getpass.getuser()}"}
    assert [(row["act"], row["about"]) for row in rows] == [
        ("hotline calls", None), ("hotline calls", None),
        ("hotline show", f"call:{first.call_id}"), ("hotline audit export", None),
    ]  # fmt: skip
    named = [json.loads(row["detail"]) for row in rows[:2]]
    both = [f"call:{first.call_id}", f"call:{second.call_id}"]
    assert named[0] == {"of": both, "count": 2, "since_us": None, "until_us": None}
    assert (named[1]["of"], named[1]["count"]) == (both[:1], 1)
    assert named[1]["until_us"] == 1_763_942_400_000_000


async def test_what_cannot_be_put_on_record_is_not_shown(config: Path):
    database = Database(f"sqlite:///{config.with_name('hotline.db')}")
    call = served(1, 1_763_900_000_000_000)
    await save(database, call)
    for words in (["calls"], ["show", call.call_id]):
        async with database.writing():
            code, said = await asyncio.to_thread(say, config, *words)
        assert code != 0
        assert call.call_id not in said
    await database.close()


def test_verify_says_whole_or_which_row_and_an_anchor_vouches_for_the_end(config: Path):
    accounts(config, "a1", "a2", "a3")
    code, anchor = say(config, "audit", "anchor")
    assert code == 0
    code, said = say(config, "audit", "verify", "--lang", "en")
    assert (code, "3 rows checked" in said, "the log is whole" in said) == (0, True, True)
    assert say(config, "audit", "verify", "--anchor", anchor)[0] == 0
    assert say(config, "audit", "verify", "--anchor", "nonsense")[0] == 2
    with sqlite3.connect(config.with_name("hotline.db")) as connection:
        for statement in GUARDS["sqlite"]:
            connection.execute(f"DROP TRIGGER {statement.split()[2]}")
        connection.execute("DELETE FROM audit_log WHERE seq = 3")
    connection.close()
    assert say(config, "audit", "verify")[0] == 0
    code, said = say(config, "audit", "verify", "--lang", "en", "--anchor", anchor)
    assert (code, "ends at row 2" in said) == (1, True)
    with sqlite3.connect(config.with_name("hotline.db")) as connection:
        connection.execute("UPDATE audit_log SET via = 'system' WHERE seq = 1")
    connection.close()
    code, said = say(config, "audit", "verify")
    assert (code, "แถว 1" in said) == (1, True)


def test_a_persons_copy_and_erasure_by_command_say_how_who_asks_was_made_sure(config: Path):
    password = config.with_name("password")
    password.write_text(PASSWORD)
    made = say(
        config, "account", "create", "--login", "head", "--role", "administrator", "--name", "ก",
        "--password-file", str(password),
    )  # fmt: skip
    assert made[0] == 0, made[1]
    given = ("--number", "081 999 8877", "--by", "head", "--identity", "id_card", "--why", "ยื่นเอง")
    out = config.with_name("copy.zip")
    code, said = say(config, "subject", "export", *given, "--out", str(out))
    assert code == 0, said
    assert out.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(out) as packed:
        assert "+66819998877" in packed.read("data.json").decode()
        assert "+66819998877" in packed.read("record.html").decode()
    assert say(config, "subject", "export", *given, "--out", str(out))[0] == 2
    code, said = say(config, "subject", "erase", *given, "--yes")
    assert (code, "people: 1" in said) == (0, True)
    rows = [json.loads(line) for line in say(config, "audit", "export")[1].splitlines()]
    done = {row["act"]: json.loads(row["detail"]) for row in rows}
    assert done["privacy.export.done"]["identity"] == "id_card"
    assert done["privacy.erasure.done"]["identity"] == "id_card"
    assert "819998877" not in json.dumps(rows)
    agent = ("--number", "0819998877", "--identity", "id_card", "--why", "x", "--yes")
    accounts(config, "somchai")
    assert say(config, "subject", "erase", "--by", "somchai", *agent)[0] == 2
