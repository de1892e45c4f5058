"""Files are taken by name and content together; what is hostile is refused with the reason."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import pytest

from crm_bridge.cases import file_types
from crm_bridge.cases.attachments import Store
from crm_bridge.cases.file_types import ALLOWED, file_name, judge
from crm_bridge.errors import Refused

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 64
JPG = b"\xff\xd8\xff\xe0\0\x10JFIF\0" + b"\0" * 64
PDF = b"%PDF-1.7\n" + b"x" * 64
MP3 = b"ID3\x03\0\0\0\0\0\0" + b"\0" * 64
WAV = b"RIFF" + struct.pack("<I", 36) + b"WAVEfmt " + b"\0" * 32
EXE = b"MZ\x90\0" + b"\0" * 64


def office(part: str, *, extra: dict[str, bytes] | None = None) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr(part, "<x/>")
        for name, data in (extra or {}).items():
            archive.writestr(name, data)
    return held.getvalue()


DOCX = office("word/document.xml")
XLSX = office("xl/workbook.xml")


def written(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "file"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("หลักฐาน.pdf", PDF),
        ("a.jpg", JPG),
        ("a.JPEG", JPG),
        ("a.png", PNG),
        ("คำร้อง.docx", DOCX),
        ("a.xlsx", XLSX),
        ("a.mp3", MP3),
        ("a.wav", WAV),
        ("a.txt", "ขายเกินราคา\r\n".encode()),
        ("a.txt", "ขายเกินราคา".encode("cp874")),
        ("a.csv", "=CMD(),ราคา\n1,2\n".encode()),
    ],
)
def test_what_is_taken(tmp_path, name, data):
    judged = judge(name, written(tmp_path, data))
    assert judged.type == ALLOWED[name.rsplit(".", 1)[1].lower()].type


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("a.exe", EXE, "file-type"),
        ("a", PDF, "file-type"),
        ("a.svg", b"<svg onload=alert(1)>", "file-type"),
        ("a.html", b"<script>", "file-type"),
        ("a.docm", DOCX, "file-type"),
        ("a.zip", DOCX, "file-type"),
        ("a.pdf", EXE, "file-unlike"),
        ("a.pdf", PNG, "file-unlike"),
        ("a.png", JPG, "file-unlike"),
        ("a.jpg", b"<html>", "file-unlike"),
        ("a.txt", PNG, "file-unlike"),
        ("a.txt", b"MZ\x90\0\x01", "file-unlike"),
        ("a.csv", "\u0000".encode("utf-16"), "file-unlike"),
        ("a.docx", XLSX, "file-unlike"),
        ("a.docx", b"PK\x03\x04 broken", "file-unlike"),
        ("a.docx", PDF, "file-unlike"),
        ("a.xlsx", XLSX[:-30], "file-unlike"),
        ("a.pdf", b"", "file-empty"),
        ("a.docx", office("word/document.xml", extra={"word/vbaProject.bin": b"x"}), "file-macros"),
    ],
)
def test_what_is_refused(tmp_path, name, data, code):
    with pytest.raises(Refused) as caught:
        judge(name, written(tmp_path, data))
    assert caught.value.code == code
    assert caught.value.status == 422
    assert caught.value.th != caught.value.en


def test_a_bomb_is_refused_by_what_it_says_it_holds(tmp_path):
    bomb = office("word/document.xml", extra={"word/x.xml": b"\0" * (file_types.MOST_UNPACKED + 1)})
    assert len(bomb) < 200_000
    with pytest.raises(Refused) as caught:
        judge("a.docx", written(tmp_path, bomb))
    assert caught.value.code == "file-bomb"


def test_a_bomb_that_lies_about_its_size_is_found_out(tmp_path, monkeypatch):
    """Headers that promise little: what is really unpacked is counted, not believed."""
    monkeypatch.setattr(file_types, "MOST_UNPACKED", 1_000_000)
    big = bytearray(office("word/document.xml", extra={"word/x.xml": b"\0" * 3_000_000}))
    real = struct.pack("<I", 3_000_000)
    assert big.count(real) == 2
    lying = bytes(big).replace(real, struct.pack("<I", 900_000))
    with pytest.raises(Refused) as caught:
        judge("a.docx", written(tmp_path, lying))
    assert caught.value.code in {"file-bomb", "file-unlike"}


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_would_unpack_in_memory_is_not_unpacked(tmp_path, monkeypatch, method):
    held = io.BytesIO(DOCX)
    with zipfile.ZipFile(held, "a") as archive:
        archive.writestr("word/media/a.bin", b"\0" * 1_000_000, compress_type=method)

    def opened(*_args: object, **_more: object) -> None:
        raise AssertionError("a member was unpacked")

    monkeypatch.setattr(zipfile.ZipFile, "open", opened)
    with pytest.raises(Refused) as caught:
        judge("a.docx", written(tmp_path, held.getvalue()))
    assert caught.value.code == "file-unlike"


def test_many_members_are_refused(tmp_path):
    many = {f"word/{n}": b"" for n in range(file_types.MOST_MEMBERS + 1)}
    with pytest.raises(Refused) as caught:
        judge("a.docx", written(tmp_path, office("word/document.xml", extra=many)))
    assert caught.value.code == "file-bomb"


def test_a_document_with_a_password_is_refused(tmp_path):
    data = bytearray(DOCX)
    at = data.index(b"PK\x01\x02")
    data[at + 8] |= 1
    with pytest.raises(Refused) as caught:
        judge("a.docx", written(tmp_path, bytes(data)))
    assert caught.value.code == "file-locked"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\Users\\x\\สำเนา.pdf", "สำเนา.pdf"),
        ("a\r\nSet-Cookie: x.pdf", "a Set-Cookie: x.pdf"),
        ("a\x00b.pdf", "ab.pdf"),
        ("x" * 400 + ".pdf", "x" * 146 + ".pdf"),
        ("  a .pdf", "a.pdf"),
        ("ใบเสร็จ\u202efdp.pdf", "ใบเสร็จfdp.pdf"),
    ],
)
def test_a_name_is_made_fit(given, shown):
    assert file_name(given)[0] == shown


def test_a_name_that_only_looks_like_a_document_is_what_it_ends_with():
    with pytest.raises(Refused, match="only these files"):
        file_name("ใบเสร็จ\u202efdp.exe")


async def chunks(*parts):
    for part in parts:
        yield part


async def test_a_file_is_kept_whole_under_a_name_of_our_own(tmp_path):
    store = Store(tmp_path / "data", 1000)
    arrived = await store.take("หลักฐาน.pdf", chunks(PDF[:10], PDF[10:]))
    assert store.path(arrived.stored).read_bytes() == PDF
    assert (arrived.name, arrived.type, arrived.size) == (
        "หลักฐาน.pdf",
        "application/pdf",
        len(PDF),
    )
    assert "pdf" not in store.path(arrived.stored).name
    assert list((tmp_path / "data" / "incoming").iterdir()) == []
    await store.discard(arrived)
    assert not store.path(arrived.stored).exists()


@pytest.mark.parametrize(
    ("name", "parts", "status"),
    [("a.pdf", [PDF, b"x" * 1000], 413), ("a.pdf", [EXE], 422), ("a.exe", [EXE], 422)],
)
async def test_a_file_that_is_not_taken_leaves_nothing(tmp_path, name, parts, status):
    store = Store(tmp_path / "data", 1000)
    with pytest.raises(Refused) as caught:
        await store.take(name, chunks(*parts))
    assert caught.value.status == status
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


async def test_what_never_finished_arriving_is_swept(tmp_path):
    store = Store(tmp_path, 1000)
    (tmp_path / "incoming").mkdir()
    (tmp_path / "incoming" / "left").write_bytes(b"half")
    assert store.sweep() == 0  # it may be arriving now
    assert store.sweep(older_than=0) == 1
    assert list((tmp_path / "incoming").iterdir()) == []
