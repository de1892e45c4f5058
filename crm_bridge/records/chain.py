"""The audit log's chain: what a row's hash is of, and what is wrong where it is not (no I/O).

`hash` = SHA-256, in lower-case hex, of the row's other columns as canonical JSON (RFC 8785: keys in
order, no spaces, UTF-8). `previous` is the hash of the row before; sixty-four zeros before the
first.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

FIRST: Final = "0" * 64
"""`previous` of the row that has none before it."""
_ANCHOR: Final = re.compile(r"(?:hotline-audit:)?(\d{1,18}):([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the log; `at_us` in microseconds since the epoch, UTC."""

    seq: int
    at_us: int
    kind: str
    by_account: str | None
    via: str
    act: str
    about: str | None
    detail: str
    previous: str
    hash: str

    def sealed(self) -> Row:
        """The row with the hash that belongs to what it says."""
        return replace(self, hash=digest(self))

    def as_json(self) -> dict[str, Any]:
        """The row as it is exported: every column by its name."""
        return {**_content(self), "hash": self.hash}


@dataclass(frozen=True, slots=True)
class Anchor:
    """A row and its hash, as they were noted somewhere else."""

    seq: int
    hash: str

    def __str__(self) -> str:
        return f"hotline-audit:{self.seq}:{self.hash}"

    @staticmethod
    def read(text: str) -> Anchor | None:
        """The anchor that a text says; `None` where it says none."""
        found = _ANCHOR.fullmatch(text.strip())
        return None if found is None else Anchor(int(found[1]), found[2])


@dataclass(frozen=True, slots=True)
class Break:
    """The first row at which the log is not what was written, and what is wrong."""

    seq: int
    th: str
    en: str


def canonical(value: Mapping[str, Any]) -> str:
    """Strings, whole numbers, lists and null as canonical JSON."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(row: Row) -> str:
    """The hash that belongs to what the row says."""
    return hashlib.sha256(canonical(_content(row)).encode()).hexdigest()


def follows(before: Row | Anchor | None, row: Row) -> Break | None:
    """What is wrong with a row that stands after `before` (`None`: it is the first of all)."""
    wanted = 1 if before is None else before.seq + 1
    if row.seq != wanted:
        return Break(
            wanted,
            f"ไม่มีแถว {wanted} (แถวถัดไปที่มีคือ {row.seq}): ถูกลบออก",
            f"row {wanted} is missing (row {row.seq} is the next there is): it was deleted",
        )
    if row.hash != digest(row):
        return Break(
            row.seq,
            f"ข้อความในแถว {row.seq} ไม่ตรงกับค่าแฮชของแถว: ถูกแก้ไข",
            f"what row {row.seq} says does not give its hash: it was changed",
        )
    if row.previous != (FIRST if before is None else before.hash):
        return Break(
            row.seq,
            f"แถว {row.seq} ไม่ต่อจากแถว {wanted - 1}: แถวใดแถวหนึ่งถูกเขียนใหม่หรือแทรกเข้ามา",
            f"row {row.seq} does not follow row {wanted - 1}: one of them was written anew",
        )
    return None


def _content(row: Row) -> dict[str, Any]:
    return {
        "seq": row.seq, "at_us": row.at_us, "kind": row.kind, "by_account": row.by_account,
        "via": row.via, "act": row.act, "about": row.about, "detail": row.detail,
        "previous": row.previous,
    }  # fmt: skip
