"""The doctor looks at the books, the age of the backups, and what Asterisk can read."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from crm_bridge.commands import book_findings, file_rights
from crm_bridge.commands.backup_findings import of_backups
from crm_bridge.commands.book_findings import of_books
from crm_bridge.commands.file_rights import may_read
from crm_bridge.commands.prompt_findings import of_prompts
from crm_bridge.config import BackupSection, NodeSection
from tests.support.desk_clock import HeldClock
from tests.support.scenario import config_of

NOW = datetime(2026, 11, 30, 2, 0, tzinfo=UTC)
ASTERISK = 5060


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of which everybody may enter those above it."""
    whole = file_rights._way
    monkeypatch.setattr(
        file_rights, "_way", lambda path: [p for p in whole(path) if tmp_path in p.parents]
    )
    return tmp_path


def books(node: NodeSection) -> dict[str, tuple[str, str, str]]:
    return {f.check: (str(f.grade), f.told, f.mend) for f in of_books(node)}


def test_books_that_are_not_configured_are_a_warning_with_the_mend():
    found = books(NodeSection(name="pbx1", ami_secret="x"))
    assert {grade for grade, _, _ in found.values()} == {"warning"}
    assert "stay unknown" in found["CEL"][1]
    assert "node.cel_file" in found["CEL"][2]
    assert "node.queue_log_file" in found["queue_log"][2]


def test_books_that_are_missing_and_that_are_there(place):
    (place / "queue_log").write_text("")
    (place / "queue_log").chmod(0o644)
    found = books(
        NodeSection(
            name="pbx1", ami_secret="x", cel_file=place / "none.csv",
            queue_log_file=place / "queue_log",
        )
    )  # fmt: skip
    assert found["CEL"][0] == "warning"
    assert "there is no file" in found["CEL"][1]
    assert "cel show status" in found["CEL"][2]
    assert found["queue_log"][0] == "ok"


def test_a_book_that_the_bridge_cannot_read_is_a_warning(place, monkeypatch):
    book = place / "cel.csv"
    book.write_text("")
    node = NodeSection(name="pbx1", ami_secret="x", cel_file=book)
    monkeypatch.setattr(os, "geteuid", lambda: 1203)
    monkeypatch.setattr(os, "access", lambda *_: False)
    grade, told, mend = books(node)["CEL"]
    assert (grade, "cannot be read" in told) == ("warning", True)
    assert "SupplementaryGroups" in mend

    def closed(_: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "is_file", closed)  # a folder above it may not be entered
    assert books(node)["CEL"][0] == "warning"


def test_root_does_not_speak_for_the_bridge(place, monkeypatch):
    book = place / "cel.csv"
    book.write_text("")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    node = NodeSection(name="pbx1", ami_secret="x", cel_file=book)
    book.chmod(0o640)
    assert books(node)["CEL"][0] == "unknown"
    book.chmod(0o644)
    assert books(node)["CEL"][0] == "ok"


def backups(folder: Path | None) -> tuple[str, str, str]:
    config = config_of("ours").model_copy(update={"backup": BackupSection(folder=folder)})
    found = of_backups(config, HeldClock(round(NOW.timestamp() * 1_000_000)))
    return str(found.grade), found.told, found.mend


def test_the_age_of_the_newest_backup_is_told(tmp_path):
    assert backups(None)[0] == "unknown"
    assert "backup.folder" in backups(None)[2]
    assert backups(tmp_path / "none")[0] == "warning"
    (tmp_path / "hotline-20261130T010000Z.part").touch()
    (tmp_path / "notes.txt").touch()
    grade, told, mend = backups(tmp_path)
    assert (grade, "no backup" in told, "hotline backup make" in mend) == ("warning", True, True)
    for hours, expected in ((72, "warning"), (37, "warning"), (6, "ok")):
        name = (NOW - timedelta(hours=hours)).strftime("hotline-%Y%m%dT%H%M%SZ.backup")
        (tmp_path / name).touch()
        grade, told, mend = backups(tmp_path)
        assert grade == expected
        assert name in told
        assert f"{hours} h" in told
    assert mend == ""


def test_a_folder_of_backups_that_may_not_be_read_is_unknown(tmp_path, monkeypatch):
    def closed(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", closed)
    assert backups(tmp_path)[0] == "unknown"


def prompts(place: Path) -> dict[str, tuple[str, str, str]]:
    node = NodeSection(name="pbx1", ami_secret="x", sounds=place, cel_file=place / "cel.csv")
    return {f.check: (str(f.grade), f.told, f.mend) for f in of_prompts(node)}


def test_prompts_that_asterisk_cannot_read_are_named(place, monkeypatch):
    monkeypatch.setattr("crm_bridge.commands.prompt_findings.owner_of", lambda _: ASTERISK)
    user = SimpleNamespace(pw_name="asterisk", pw_gid=ASTERISK)
    monkeypatch.setattr(file_rights.pwd, "getpwuid", lambda _: user)
    monkeypatch.setattr(os, "getgrouplist", lambda *_: [ASTERISK])
    sound = place / "th/custom/hotline/welcome.wav"
    sound.parent.mkdir(parents=True)
    sound.write_bytes(b"")
    sound.chmod(0o644)
    assert prompts(place)["prompts can be read"][0] == "ok"
    sound.chmod(0o600)
    grade, told, mend = prompts(place)["prompts can be read"]
    assert (grade, str(sound) in told) == ("warning", True)
    assert "chmod -R a+rX" in mend
    sound.chmod(0o644)
    sound.parent.chmod(0o700)
    assert prompts(place)["prompts can be read"][0] == "warning"


def test_where_asterisks_user_is_not_known_it_is_said(place):
    sound = place / "th/custom/hotline/welcome.wav"
    sound.parent.mkdir(parents=True)
    sound.write_bytes(b"")
    sound.chmod(0o640)
    found = prompts(place)  # no book to see who writes it
    assert found["prompts can be read"][0] == "unknown"
    sound.chmod(0o644)
    assert prompts(place)["prompts can be read"][0] == "ok"


def test_sounds_that_may_not_be_entered_end_no_doctor(place, monkeypatch):
    def closed(_: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(place))

    monkeypatch.setattr(Path, "is_dir", closed)
    grade, told, _ = prompts(place)["prompts"]
    assert (grade, str(place) in told) == ("unknown", True)


def test_rights_are_of_the_owner_the_group_or_everybody(place, monkeypatch):
    file = place / "one"
    file.touch()
    owner = file.stat().st_uid
    assert may_read(file, 0)
    other, group = owner + 4711, file.stat().st_gid
    user = SimpleNamespace(pw_name="other", pw_gid=other)
    monkeypatch.setattr(file_rights.pwd, "getpwuid", lambda _: user)
    monkeypatch.setattr(os, "getgrouplist", lambda *_: [group])
    file.chmod(0o640)
    assert may_read(file, other) is True
    file.chmod(0o600)
    assert may_read(file, other) is False
    file.chmod(0o604)
    assert may_read(file, other) is False  # the group's bits are its own, not everybody's
    monkeypatch.setattr(os, "getgrouplist", lambda *_: [])
    assert may_read(file, other) is True

    def nobody(_: int) -> None:
        raise KeyError

    monkeypatch.setattr(file_rights.pwd, "getpwuid", nobody)
    file.chmod(0o600)
    assert may_read(file, other) is None


def test_the_books_tell_who_asterisk_is(place):
    node = NodeSection(
        name="pbx1", ami_secret="x", cel_file=place / "none", queue_log_file=place / "queue_log"
    )
    assert book_findings.owner_of(node) is None
    (place / "queue_log").touch()
    assert book_findings.owner_of(node) == os.geteuid()
