"""Which files a case takes, judged by name and content together; anything else is refused.

The list is of types that a complainant has and an officer can open without running anything.
A document of Office is a ZIP: it is unpacked to nowhere within bounds, so that a bomb is found
out, and one with macros or a password is refused.
"""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

import filetype

from crm_bridge.errors import Refused
from crm_bridge.plain_text import plain_line

NAME: Final = 150
"""Characters of a file's name."""
MOST_UNPACKED: Final = 60_000_000
"""Bytes a document may hold unpacked."""
MOST_MEMBERS: Final = 3_000
_CHUNK: Final = 1 << 16
_PACKED: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
"""How Office packs (ECMA-376 part 2). Of any other, the library unpacks a chunk whole into memory:
a kilobyte of bzip2 becomes gigabytes before anything can be counted."""

_DOCX: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True, slots=True)
class FileType:
    """A type that is taken; `sniffed` is what its content says by the library `filetype`."""

    type: str
    sniffed: frozenset[str] = frozenset()
    part: str | None = None
    """For a ZIP of Office: the part that makes it this document."""
    text: bool = False


_PDF = FileType("application/pdf", frozenset({"application/pdf"}))
_JPG = FileType("image/jpeg", frozenset({"image/jpeg"}))
ALLOWED: Final[dict[str, FileType]] = {
    "pdf": _PDF,
    "jpg": _JPG,
    "jpeg": _JPG,
    "png": FileType("image/png", frozenset({"image/png"})),
    "docx": FileType(_DOCX, part="word/document.xml"),
    "xlsx": FileType(_XLSX, part="xl/workbook.xml"),
    "mp3": FileType("audio/mpeg", frozenset({"audio/mpeg"})),
    "wav": FileType("audio/x-wav", frozenset({"audio/x-wav", "audio/wav"})),
    "txt": FileType("text/plain", text=True),
    "csv": FileType("text/csv", text=True),
}
"""Extension → type."""

EXTENSIONS: Final = ", ".join(ALLOWED)


@dataclass(frozen=True, slots=True)
class Judged:
    """A file that is taken: the name to show and the type to serve."""

    name: str
    type: str


def file_name(given: str) -> tuple[str, FileType]:
    """The name fit to be shown, and the type it claims; Refused (422) for one that is not taken.

    Folders, control characters and marks that turn the direction of writing are taken out: what is
    shown last is what the file is.
    """
    line = plain_line(given.replace("\\", "/")).rsplit("/", 1)[-1].strip(" .")
    extension = PurePosixPath(line).suffix.lower().lstrip(".")
    stem = line[: -len(extension) - 1].strip(" .") if extension else line
    if extension not in ALLOWED:
        raise _refused(
            "file-type",
            f"แนบได้เฉพาะไฟล์ {EXTENSIONS}",
            f"only these files can be attached: {EXTENSIONS}",
        )
    return f"{(stem or 'file')[: NAME - len(extension) - 1]}.{extension}", ALLOWED[extension]


def judge(given: str, path: Path) -> Judged:
    """Judges the whole file at `path` against its name; Refused (422) with the reason. Blocks."""
    name, claimed = file_name(given)
    with path.open("rb") as file:
        head = file.read(8192)
    if not head:
        raise _refused("file-empty", "ไฟล์ว่างเปล่า", "the file is empty")
    if claimed.text:
        _check_text(path)
    elif claimed.part is not None:
        _check_office(path, claimed.part)
    else:
        found = filetype.guess(head)
        if found is None or found.mime not in claimed.sniffed:
            raise _unlike()
    return Judged(name, claimed.type)


def _check_text(path: Path) -> None:
    """Text is UTF-8, or Thai of one byte (TIS-620, Windows-874), without control bytes."""
    data = path.read_bytes()
    if filetype.guess(data[:8192]) is not None or any(
        byte < 0x20 and byte not in b"\t\n\r\f" for byte in set(data)
    ):
        raise _unlike()
    for encoding in ("utf-8-sig", "cp874"):
        try:
            data.decode(encoding)
        except UnicodeDecodeError:
            continue
        return
    raise _unlike()


def _check_office(path: Path, part: str) -> None:
    """The document has its part, no macros, no password, and unpacks within bounds."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            names = {m.filename for m in members}
            if part not in names or "[Content_Types].xml" not in names:
                raise _unlike()
            if any(name.lower().endswith("vbaproject.bin") for name in names):
                raise _refused(
                    "file-macros", "ไม่รับเอกสารที่มีมาโคร", "documents with macros are not taken"
                )
            if any(m.flag_bits & 1 for m in members):
                raise _refused(
                    "file-locked",
                    "ไม่รับเอกสารที่มีรหัสผ่าน",
                    "documents with a password are not taken",
                )
            if any(m.compress_type not in _PACKED for m in members):
                raise _unlike()
            if len(members) > MOST_MEMBERS or sum(m.file_size for m in members) > MOST_UNPACKED:
                raise _bomb()
            _unpack(archive, members)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError):
        raise _unlike() from None


def _unpack(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo]) -> None:
    """Reads every member to its end, which is what an honest header promised, within bounds."""
    total = 0
    for member in members:
        with archive.open(member) as inside:
            while chunk := inside.read(_CHUNK):
                total += len(chunk)
                if total > MOST_UNPACKED:
                    raise _bomb()


def _bomb() -> Refused:
    return _refused(
        "file-bomb",
        "เอกสารนี้เมื่อคลายแล้วใหญ่ผิดปกติ จึงไม่รับ",
        "this document unpacks to far more than a document holds; it is not taken",
    )


def _unlike() -> Refused:
    return _refused(
        "file-unlike",
        "เนื้อหาของไฟล์ไม่ตรงกับนามสกุล หรือไฟล์เสียหาย",
        "the file's content is not what its name says, or it is damaged",
    )


def _refused(code: str, th: str, en: str) -> Refused:
    return Refused(code, th, en, 422, {"file": (th, en)})
