"""CEL's rows as the fault run reads them: nothing of the product is used for it."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Row:
    at: int
    """Microseconds since the epoch."""
    event: str
    uniqueid: str
    linkedid: str
    channel: str
    number: str
    context: str
    app: str
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def bridge(self) -> str:
        return str(self.extra.get("bridge_id", ""))


def rows(text: str) -> list[Row]:
    """CEL's rows in the order of the file; a line torn by a crash is left out."""
    found = []
    for line in text.splitlines():
        (row,) = csv.reader([line]) if line else ([],)
        if len(row) != 15 or "." not in row[0]:
            continue
        seconds, _, part = row[0].partition(".")
        extra = json.loads(row[14]) if row[14].startswith("{") and row[14].endswith("}") else {}
        found.append(
            Row(
                int(seconds) * 1_000_000 + int(part.ljust(6, "0")), row[1], row[2], row[3], row[4],
                row[7], row[11], row[12], extra,
            )
        )  # fmt: skip
    return found
