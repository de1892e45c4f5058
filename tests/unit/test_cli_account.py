"""hotline account: the first administrator on a fresh database, passwords never in argv."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from crm_bridge.access import passwords
from crm_bridge.commands import exits
from tests.support.cli import Hotline, hotline

__all__ = ["hotline"]

PASSWORD = "ม้วนเดียวจบ-ทดสอบ-1203"
FIRST = ("account", "create", "--login", "Somsri", "--role", "administrator")


def column(hotline: Hotline, name: str, login: str = "somsri") -> object:
    with sqlite3.connect(hotline.database) as connection:
        query = f"SELECT {name} FROM accounts WHERE login = ?"
        found = connection.execute(query, (login,)).fetchone()
    connection.close()
    return found[0]


async def test_the_first_administrator_is_made_on_a_fresh_database(
    hotline: Hotline, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text(PASSWORD + "\n", encoding="utf-8")
    said = await in_thread(hotline, *FIRST, "--name", "สมศรี ใจดี", "--password-file", secret)
    assert (said.code, said.out) == (0, "somsri: administrator, made\n")
    kept = column(hotline, "password_hash")
    assert isinstance(kept, str)
    assert kept.startswith("$argon2id$")
    assert await passwords.matches(kept, PASSWORD)
    assert column(hotline, "must_change") == 0


async def in_thread(hotline: Hotline, *words: str | Path, **environment: str):
    import asyncio

    return await asyncio.to_thread(hotline, *words, **environment)


def test_the_password_may_come_from_the_environment(hotline: Hotline) -> None:
    assert hotline(*FIRST, HOTLINE_PASSWORD=PASSWORD).code == 0
    assert column(hotline, "name_th") == "Somsri"


def test_without_a_terminal_it_says_how_to_give_the_password(hotline: Hotline) -> None:
    said = hotline(*FIRST)
    assert said.code == exits.USAGE
    assert "--password-file" in said.err
    assert not hotline.database.exists()


def test_no_option_takes_a_password(hotline: Hotline) -> None:
    for command in ("create", "password"):
        assert "--password " not in hotline("account", command, "--help").out


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--login", "a b", "--role", "agent"), "a login has 2 to 64"),
        (("--login", "nok", "--role", "agency_officer"), "needs an agency"),
        (("--login", "nok", "--role", "agency_officer", "--agency", "nowhere"), "dit"),
    ],
)
def test_what_cannot_be_made_is_one_line(
    hotline: Hotline, more: tuple[str, ...], told: str
) -> None:
    said = hotline("account", "create", *more, HOTLINE_PASSWORD=PASSWORD)
    assert said.code == exits.USAGE
    assert said.err.count("\n") == 1
    assert told in said.err


def test_a_login_is_taken_once_and_a_short_password_refused(hotline: Hotline) -> None:
    assert "12 to 200" in hotline(*FIRST, HOTLINE_PASSWORD="short").err
    hotline(*FIRST, HOTLINE_PASSWORD=PASSWORD)
    said = hotline(*FIRST, HOTLINE_PASSWORD=PASSWORD)
    assert (said.code, said.err) == (exits.USAGE, "hotline: this login is taken\n")


def test_a_one_time_password_is_drawn_and_must_be_changed(hotline: Hotline) -> None:
    hotline(*FIRST, HOTLINE_PASSWORD=PASSWORD)
    before = column(hotline, "password_hash")
    said = hotline("account", "password", "SOMSRI", "--once")
    assert said.code == 0
    assert len(said.out.strip()) == 19
    assert column(hotline, "must_change") == 1
    assert column(hotline, "password_hash") != before
    assert hotline("account", "password", "somsri", HOTLINE_PASSWORD=PASSWORD).code == 0
    assert column(hotline, "must_change") == 0


def test_unlock_close_and_list(hotline: Hotline) -> None:
    hotline(*FIRST, "--name", "สมศรี", HOTLINE_PASSWORD=PASSWORD)
    nok = ("account", "create", "--login", "nok", "--role", "agency_officer", "--agency", "dit")
    assert hotline(*nok, HOTLINE_PASSWORD=PASSWORD).code == 0
    with sqlite3.connect(hotline.database) as connection:
        connection.execute("UPDATE accounts SET locked_until_us = ? WHERE login = 'nok'", (2**62,))
    connection.close()
    assert "locked" in hotline("account", "list", "--lang", "en").out
    assert hotline("account", "unlock", "nok").code == 0
    assert "locked" not in hotline("account", "list", "--lang", "en").out
    assert hotline("account", "close", "nok").out == "nok: closed\n"
    shown = hotline("account", "list").out
    assert "ปิดแล้ว" in shown
    assert "สมศรี" in shown
    last = hotline("account", "close", "somsri")
    assert last.code == exits.USAGE
    assert "last administrator" in last.err
    assert hotline("account", "unlock", "nobody").code == exits.USAGE


def test_a_list_without_accounts_says_how_to_make_one(hotline: Hotline) -> None:
    hotline("migrate")
    assert "hotline account create" in hotline("account", "list").out
