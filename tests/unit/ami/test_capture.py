from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ivr.ami.capture import CaptureHeader, CaptureWriter, Chunk, Cut, read_capture
from ivr.ami.errors import CaptureError

START = 1763900000.25
NAMES = ["a.capture", "a.capture.gz"]
ENTRIES: list[Chunk | Cut] = [
    Chunk(0.0, b"Asterisk Call Manager/9.0.0\r\n"),
    Chunk(0.5, "Event: X\r\nName: สมชาย\r\n\r\n".encode()),
    Cut(1.25),
    Chunk(2.000001, bytes(range(256))),
]


def write(path: Path, entries: list[Chunk | Cut] = ENTRIES) -> Path:
    with CaptureWriter(path, node="pbx1", asterisk="22.1.0", started_at=START) as writer:
        for entry in entries:
            if isinstance(entry, Cut):
                writer.cut(entry.t)
            else:
                writer.chunk(entry.t, entry.data)
    return path


def assert_placed(error: CaptureError, size: int) -> None:
    assert 0 <= error.byte <= size
    assert f"at byte {error.byte}" in str(error)
    assert str(error.path) in str(error)


@pytest.mark.parametrize("name", NAMES)
def test_round_trip(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name)
    assert (path.read_bytes()[:2] == b"\x1f\x8b") == name.endswith(".gz")
    header, entries = read_capture(path)
    assert header == CaptureHeader("pbx1", "22.1.0", START)
    assert list(entries) == ENTRIES


def test_the_form_is_the_contracts(tmp_path: Path) -> None:
    lines = [json.loads(line) for line in write(tmp_path / "a.capture").read_text().splitlines()]
    assert lines[0] == {
        "hotline_capture": 1,
        "node": "pbx1",
        "asterisk": "22.1.0",
        "started_at": "2025-11-23T12:13:20.250000+00:00",
    }
    assert lines[1] == {"t": 0.0, "b": base64.b64encode(ENTRIES[0].data).decode()}  # type: ignore[union-attr]
    assert lines[3] == {"t": 1.25, "cut": True}


@pytest.mark.parametrize("started", [START, "2025-11-23T12:13:20.250Z", "2025-11-23T12:13:20.25"])
def test_a_start_as_number_or_text(tmp_path: Path, started: object) -> None:
    path = tmp_path / "a"
    path.write_text(json.dumps({"hotline_capture": 1, "node": "n", "started_at": started}))
    header, entries = read_capture(path)
    assert header == CaptureHeader("n", None, START)
    assert list(entries) == []


@pytest.mark.parametrize("name", NAMES)
def test_what_was_flushed_survives_a_crash(tmp_path: Path, name: str) -> None:
    writer = CaptureWriter(tmp_path / name, node="n", started_at=START, flush_seconds=1)
    writer.chunk(0.1, b"early")
    writer.chunk(1.2, b"flushed by time")
    copy = tmp_path / "crashed"
    copy.write_bytes((tmp_path / name).read_bytes())
    writer.close()
    _, entries = read_capture(copy, allow_truncated=True)
    assert list(entries) == [Chunk(0.1, b"early"), Chunk(1.2, b"flushed by time")]


def test_members_one_after_another_are_one_file(tmp_path: Path) -> None:
    lines = write(tmp_path / "a.capture").read_bytes().splitlines(keepends=True)
    path = tmp_path / "b"
    path.write_bytes(b"".join(gzip.compress(line) for line in lines))
    assert list(read_capture(path)[1]) == ENTRIES


@pytest.mark.parametrize("name", NAMES)
def test_cut_off_anywhere(tmp_path: Path, name: str) -> None:
    whole = write(tmp_path / name).read_bytes()
    path = tmp_path / "cut"
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        complete = not name.endswith(".gz") and whole[size : size + 1] == b"\n"
        got: list[Chunk | Cut] = []
        try:
            _, entries = read_capture(path)
            for entry in entries:
                got.append(entry)
        except CaptureError as damage:
            assert_placed(damage, size)
        else:
            # A plain file that ends with a whole line cannot be told from a finished one.
            assert complete or (not name.endswith(".gz") and whole[size - 1 : size] == b"\n"), size
        assert got == ENTRIES[: len(got)]
        try:
            _, entries = read_capture(path, allow_truncated=True)
            assert list(entries) == got
        except CaptureError:
            assert got == []  # not even the header is there


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.sampled_from(NAMES), st.integers(0, 10_000), st.integers(1, 255))
def test_damage_at_any_byte(tmp_path: Path, name: str, at: int, flip: int) -> None:
    whole = bytearray(write(tmp_path / name).read_bytes())
    at %= len(whole)
    whole[at] ^= flip
    path = tmp_path / "damaged"
    path.write_bytes(whole)
    try:
        header, entries = read_capture(path)
        got = list(entries)
    except CaptureError as damage:
        assert_placed(damage, len(whole))
    else:
        if name.endswith(".gz"):  # a checksum tells; only gzip's header has fields to spare
            assert at < 10 + len("a.capture") + 1
            assert (header, got) == (CaptureHeader("pbx1", "22.1.0", START), ENTRIES)


def damaged(tmp_path: Path, line: bytes) -> CaptureError:
    path = tmp_path / "x"
    path.write_bytes(b'{"hotline_capture": 1, "node": "n", "started_at": 0}\n' + line + b"\n")
    with pytest.raises(CaptureError) as caught:
        list(read_capture(path)[1])
    assert caught.value.line == 2
    return caught.value


def test_damage_is_named_by_byte_and_line(tmp_path: Path) -> None:
    first = 53
    assert damaged(tmp_path, b'{"t": 1, !').byte == first + 9
    assert "base64" in str(damaged(tmp_path, b'{"t": 1, "b": "$$$$"}'))
    assert damaged(tmp_path, b'{"t": 1, "b": "\xff"}').byte == first + 15
    assert '"t"' in str(damaged(tmp_path, b'{"b": ""}'))
    assert '"t"' in str(damaged(tmp_path, b'{"t": NaN, "b": ""}'))
    assert '"t"' in str(damaged(tmp_path, b'{"t": true, "b": ""}'))
    assert "neither" in str(damaged(tmp_path, b'{"t": 1}'))
    assert "not an entry" in str(damaged(tmp_path, b"[1]"))
    assert "allow_truncated" in str(damaged(tmp_path, b"[1]"))


def test_damage_in_gzip_names_both_places(tmp_path: Path) -> None:
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(b'{"hotline_capture": 1, "node": "n", "started_at": 0}\n[1]\n'))
    with pytest.raises(CaptureError) as caught:
        list(read_capture(path)[1])
    assert caught.value.decompressed_byte == 53
    assert "unpacked" in str(caught.value)


@pytest.mark.parametrize(
    "head",
    [b"", b"\n", b"[1]\n", b'{"hotline_capture": 2}\n', b'{"hotline_capture": 1}\n', b"PNG\r\n"],
)
def test_what_is_no_capture(tmp_path: Path, head: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(head)
    with pytest.raises(CaptureError):
        read_capture(path)


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_capture(tmp_path / "nothing")


def test_a_large_read_is_split(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gz", [Chunk(0, bytes(3_000_000))])
    data = b"".join(e.data for e in read_capture(path)[1] if isinstance(e, Chunk))
    assert data == bytes(3_000_000)
