"""What the doctor finds of Asterisk's books: whether what is not heard can be filled from them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from crm_bridge.commands.file_rights import open_to_all
from crm_bridge.commands.findings import Finding, Grade
from crm_bridge.config import NodeSection

_WITHOUT: Final = {
    "cel_file": "calls that are not heard live stay unknown",
    "queue_log_file": "whom a queue rang stays unknown where it was not heard live",
}
"""Key of [[node]] → what is lost without that book."""
_WRITTEN: Final = {
    "cel_file": "asterisk -rx 'cel show status' (it is written from the first call on)",
    "queue_log_file": "asterisk -rx 'logger show channels' (queue_log = yes of logger.conf)",
}


def of_books(node: NodeSection) -> Iterator[Finding]:
    """A finding for each book; readable as the user the doctor runs as. Nothing is read."""
    yield _of("CEL", "cel_file", node.cel_file, node)
    yield _of("queue_log", "queue_log_file", node.queue_log_file, node)


def owner_of(node: NodeSection) -> int | None:
    """The user who writes the books, which is Asterisk's; None where none can be looked at."""
    for book in (node.cel_file, node.queue_log_file):
        if book is not None:
            try:
                return book.stat().st_uid
            except OSError:
                continue
    return None


def _of(check: str, key: str, book: Path | None, node: NodeSection) -> Finding:
    def found(grade: Grade, told: str, mend: str = "") -> Finding:
        return Finding(node.label, check, grade, told, mend)

    if book is None:
        return found(
            Grade.WARNING, f"is not configured: {_WITHOUT[key]}",
            f"set node.{key}, as `hotline install` prints it",
        )  # fmt: skip
    try:
        if not book.is_file():
            return found(
                Grade.WARNING, f"there is no file {book}: {_WITHOUT[key]}",
                f"correct node.{key}; on the Asterisk host: {_WRITTEN[key]}",
            )  # fmt: skip
        if os.geteuid() == 0 and not open_to_all(book):
            return found(
                Grade.UNKNOWN, f"{book} is there; root reads everything, others may not",
                "run the doctor as the bridge's user, with the groups of its unit",
            )  # fmt: skip
        readable = os.access(book, os.R_OK)
    except PermissionError:
        readable = False
    except OSError as error:
        return found(
            Grade.UNKNOWN, f"{book} cannot be looked at: {error.strerror}", "look at its disk"
        )
    if not readable:
        return found(
            Grade.WARNING, f"{book} cannot be read: {_WITHOUT[key]}",
            "let the bridge's user read it and enter the folders above it (the group of"
            " Asterisk: SupplementaryGroups of its unit); run the doctor as that user",
        )  # fmt: skip
    return found(Grade.OK, f"{book} can be read")
