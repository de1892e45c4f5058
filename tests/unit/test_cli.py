"""The command line's promises: exit codes, one clear line for a bad start, help that teaches."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from crm_bridge.commands import exits
from tests.support.cli import Hotline, hotline

__all__ = ["hotline"]

COMMANDS = (
    "run", "watch", "calls", "show", "doctor", "capture", "replay", "migrate", "install", "demo",
    "lab prepare", "lab up", "lab call", "lab status", "lab down",
    "backup make", "backup check", "restore",
    "account create", "account password", "account list", "account unlock", "account close",
)  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_teaches_with_an_example(hotline: Hotline, command: str) -> None:
    said = hotline(*command.split(), "--help")
    assert said.code == 0
    assert "Example:" in said.out
    assert "hotline" in said.out.split("Example:")[1]


@pytest.mark.parametrize(
    "command, section",
    [
        ("connector setup", "[connector.NAME]"),
        ("connector check", "[connector.NAME]"),
        ("account create", "[agency.ID]"),
    ],
)
def test_help_names_the_section_it_speaks_of(hotline: Hotline, command: str, section: str) -> None:
    """What stands in brackets would be taken for a colour."""
    assert section in hotline(*command.split(), "--help").out


def test_help_tells_every_exit_code(hotline: Hotline) -> None:
    out = " ".join(hotline("--help").out.split())
    for code, what in exits.TABLE:
        assert f"{code} {what}" in out


@pytest.mark.parametrize(
    "content, key",
    [
        ("[line]\nnumber = ['1203']\n", "line.number"),
        ("[web]\nport = 70000\n", "web.port"),
        ("[queue.x]\nservice = 'nonsense'\n", "queue.x.service"),
        ("[[node]]\nami_host = 'pbx'\n", "ami_secret"),
        ("[web\n", "not TOML"),
    ],
)
@pytest.mark.parametrize("command", ["run", "calls", "migrate", "doctor", "watch"])
def test_a_config_mistake_is_one_line_and_names_the_key(
    hotline: Hotline, tmp_path: Path, command: str, content: str, key: str
) -> None:
    hotline.config = tmp_path / "bad.toml"
    hotline.config.write_text(content)
    said = hotline(command)
    assert said.code == exits.USAGE
    assert said.out == ""
    assert said.err.startswith("hotline: ")
    assert said.err.count("\n") == 1
    assert key in said.err
    assert "Traceback" not in said.err


def test_a_missing_config_says_what_to_do(hotline: Hotline, tmp_path: Path) -> None:
    said = hotline("calls", "--config", tmp_path / "none.toml")
    assert said.code == exits.USAGE
    assert "give --config" in said.err


def test_a_bridge_without_an_asterisk_is_a_config_mistake(hotline: Hotline, tmp_path: Path) -> None:
    hotline.config = tmp_path / "empty.toml"
    hotline.config.write_text("")
    said = hotline("run")
    assert said.code == exits.USAGE
    assert "[[node]]" in said.err


def test_a_taken_port_names_its_key(hotline: Hotline) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        said = hotline("run", HOTLINE_WEB__PORT=port)
    assert said.code == exits.USAGE
    assert "web.port" in said.err


def test_a_database_that_cannot_be_opened_is_code_4(hotline: Hotline, tmp_path: Path) -> None:
    for command in ("calls", "migrate", "run"):
        said = hotline(command, HOTLINE_DATABASE__URL=f"sqlite:///{tmp_path}/no/such/file.db")
        assert said.code == exits.STORAGE, command
        assert "its folder" in said.err
        assert "aiosqlite" not in said.err


def test_migrate_makes_the_tables_once(hotline: Hotline) -> None:
    first = hotline("migrate")
    assert first.code == 0
    assert "brought from nothing" in first.out
    again = hotline("migrate")
    assert again.code == 0
    assert "up to date" in again.out


def test_a_newer_database_is_refused_by_all(hotline: Hotline) -> None:
    hotline("migrate")
    with sqlite3.connect(hotline.database) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    for command in ("run", "migrate", "calls", "watch"):
        said = hotline(command)
        assert said.code == exits.STORAGE, command
        assert "newer" in said.err


def test_tables_that_are_missing_ask_for_migrate(hotline: Hotline) -> None:
    said = hotline("calls")
    assert said.code == exits.STORAGE
    assert "hotline migrate" in said.err


@pytest.mark.parametrize("words", [["calls", "--since", "yesterday"], ["calls", "--nonsense"]])
def test_a_wrong_option_is_code_2(hotline: Hotline, words: list[str]) -> None:
    hotline("migrate")
    assert hotline(*words).code == exits.USAGE


def test_a_capture_that_would_be_overwritten_is_kept(hotline: Hotline, tmp_path: Path) -> None:
    file = tmp_path / "old.capture"
    file.write_text("mine")
    said = hotline("capture", file, "--seconds", "1")
    assert said.code == exits.USAGE
    assert "--overwrite" in said.err
    assert file.read_text() == "mine"


def test_capture_names_the_nodes_there_are(hotline: Hotline, tmp_path: Path) -> None:
    said = hotline("capture", tmp_path / "new.capture", "--node", "pbx9")
    assert said.code == exits.USAGE
    assert "there are: lab" in said.err


def test_capture_where_nobody_answers_is_code_3(hotline: Hotline, tmp_path: Path) -> None:
    file = tmp_path / "new.capture"
    said = hotline("capture", file, HOTLINE_NODE__AMI_PORT="1")
    assert said.code == exits.UNREACHED
    assert not file.exists()


def test_install_lays_down_a_site_and_prints_no_secret(hotline: Hotline, tmp_path: Path) -> None:
    site = tmp_path / "site.toml"
    site.write_text(
        f'systemname = "pbx7"\nroot = "{tmp_path}/root"\n[[agents]]\nid = "1001"\nname = "อรุณี"\n'
    )
    to = tmp_path / "root" / "etc" / "asterisk"
    said = hotline("install", "--to", to, "--site", site)
    assert said.code == 0, said.err
    assert "pbx7" in (to / "asterisk.conf").read_text()
    secret = (to / "manager-hotline.conf").read_text().split("secret = ")[1].split()[0]
    assert secret not in said.out + said.err


def test_install_names_a_value_that_no_site_has(hotline: Hotline, tmp_path: Path) -> None:
    site = tmp_path / "site.toml"
    site.write_text("sytemname = 'x'\n")
    said = hotline("install", "--to", tmp_path / "etc", "--site", site)
    assert said.code == exits.USAGE
    assert "sytemname" in said.err
    assert not (tmp_path / "etc").exists()


def test_lab_lists_its_scenarios_and_refuses_others(hotline: Hotline) -> None:
    assert "blind_refer" in hotline("lab", "call", "--list").out
    said = hotline("lab", "call", "nonsense")
    assert said.code == exits.USAGE
    assert "--list" in said.err


def test_no_lab_is_no_error(hotline: Hotline, tmp_path: Path) -> None:
    said = hotline("lab", "status", "--dir", tmp_path)
    assert said.code == 0
    assert "lab up" in said.out
