"""A SQLite file as a failing disk leaves it."""

from __future__ import annotations

from pathlib import Path


def damage(file: Path) -> None:
    """Overwrites the beginning of every page but the first."""
    data = bytearray(file.read_bytes())
    size = int.from_bytes(data[16:18], "big")
    for page in range(1, len(data) // size):
        data[page * size : page * size + 64] = b"\xee" * 64
    file.write_bytes(data)
