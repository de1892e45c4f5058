"""What is sealed comes back to the byte, or not at all; and another key can be put in force."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from crm_bridge.recordings.keyring import Keyring, SealedKey, SealFault
from crm_bridge.recordings.sealing import MAGIC, PIECE
from crm_bridge.recordings.vault import Vault

OLD, NEW = {"k1": bytes(range(32))}, {"k2": bytes(range(1, 33))}
ID, OTHER = "0" * 32, "1" * 32
SEALED_PIECE = PIECE + 16


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(tmp_path / "data", Keyring(OLD, "k1"))


def put(vault: Vault, content: bytes, recording_id: str = ID) -> SealedKey:
    source = vault.folder.parent.parent / "open.wav"
    source.write_bytes(content)
    return vault.put(source, recording_id)


def read(vault: Vault, key: SealedKey, recording_id: str = ID) -> bytes:
    return b"".join(vault.read(recording_id, key))


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 3 * PIECE + 7])
def test_it_comes_back_to_the_byte_and_is_nowhere_in_the_open(vault, size):
    content = os.urandom(size)
    key = put(vault, content)
    assert read(vault, key) == content
    on_disk = vault.path(ID).read_bytes()
    assert content[:64] not in on_disk or size < 8
    assert vault.path(ID).stat().st_mode & 0o777 == 0o600
    assert repr(key).count("sealed") == 0


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-1],
        lambda data: data[: len(MAGIC) + SEALED_PIECE],  # a whole piece, and no more
        lambda data: data[: len(MAGIC)],
        lambda data: data + b"x",
        lambda data: data[: len(MAGIC)] + data[len(MAGIC) + SEALED_PIECE :],
        lambda data: (
            data[: len(MAGIC)]
            + data[len(MAGIC) + SEALED_PIECE : len(MAGIC) + 2 * SEALED_PIECE]
            + data[len(MAGIC) : len(MAGIC) + SEALED_PIECE]
            + data[len(MAGIC) + 2 * SEALED_PIECE :]
        ),
        lambda data: b"hotline2" + data[len(MAGIC) :],
        lambda data: data[:100] + bytes([data[100] ^ 1]) + data[101:],
        lambda _: b"",
    ],
)
def test_damage_is_seen(vault, damage):
    key = put(vault, os.urandom(3 * PIECE))
    vault.path(ID).write_bytes(damage(vault.path(ID).read_bytes()))
    with pytest.raises(SealFault):
        read(vault, key)


def test_a_key_opens_its_own_recording_and_no_other(vault, tmp_path):
    key, other = put(vault, b"one"), put(vault, b"two", OTHER)
    with pytest.raises(SealFault, match="another one than it was"):
        read(vault, other)
    with pytest.raises(SealFault, match="'k1' is not in"):
        read(Vault(tmp_path / "data", Keyring(NEW, "k2")), key)
    with pytest.raises(SealFault, match="another one than it was"):
        read(Vault(tmp_path / "data", Keyring({"k1": bytes(32)}, "k1")), key)
    vault.drop(ID)
    vault.drop(ID)
    with pytest.raises(SealFault, match="gone from its place"):
        read(vault, key)


def test_another_key_is_put_in_force_without_touching_a_file(vault, tmp_path):
    key = put(vault, b"a voice")
    before = vault.path(ID).stat().st_mtime_ns
    both = Keyring(OLD | NEW, "k2")
    resealed = both.reseal(ID, key)
    assert (key.key_id, resealed.key_id) == ("k1", "k2")
    alone = Vault(tmp_path / "data", Keyring(NEW, "k2"))
    assert read(alone, resealed) == b"a voice"
    assert vault.path(ID).stat().st_mtime_ns == before


def test_a_disk_that_is_full_leaves_nothing_behind(vault, monkeypatch):
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        put(vault, b"a voice")
    assert [path for path in vault.folder.rglob("*") if path.is_file()] == []


def test_its_place_in_the_folder_is_on_disk_too(vault, monkeypatch):
    """Else a crash takes the sealed file away, and the open one is deleted by then."""
    synced = []
    fsync = os.fsync

    def noted(number: int) -> None:
        synced.append(Path(f"/proc/self/fd/{number}").readlink())
        fsync(number)

    monkeypatch.setattr(os, "fsync", noted)
    put(vault, b"a voice")
    place = vault.path(ID)
    assert synced[0] == place.with_suffix(".part")
    assert set(synced[1:]) == {place.parent, vault.folder, vault.folder.parent}


def test_a_folder_that_is_not_on_disk_leaves_nothing_behind(vault, monkeypatch):
    fsync = os.fsync

    def fails(number: int) -> None:
        if Path(f"/proc/self/fd/{number}").readlink().is_dir():
            raise OSError(5, "Input/output error")
        fsync(number)

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(OSError, match="Input/output"):
        put(vault, b"a voice")
    assert [path for path in vault.folder.rglob("*") if path.is_file()] == []


def test_what_was_never_finished_is_swept_and_the_rest_is_told(vault):
    put(vault, b"one")
    vault.path(OTHER).parent.mkdir(parents=True)
    vault.path(OTHER).with_suffix(".part").write_bytes(b"half")
    assert list(vault.lying(3600)) == []
    assert list(vault.lying(-1)) == [ID]
    assert not vault.path(OTHER).with_suffix(".part").exists()


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "g" * 32, "0" * 31, "0" * 33])
def test_nothing_but_an_id_is_a_path(vault, name):
    with pytest.raises(ValueError, match="no id"):
        vault.path(name)
