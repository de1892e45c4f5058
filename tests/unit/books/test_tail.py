"""A book followed over rotation, truncation and compression: every row once, none lost."""

from __future__ import annotations

import gzip
import os
import shutil
from pathlib import Path

import pytest

from ivr.books.queue_log import QueueLogReader
from ivr.books.tail import Place, Tail


def line(n: int) -> str:
    return f"{1795460000 + n}|{1795460000 + n}.{n}|information|NONE|ENTERQUEUE||0812345678|1\n"


class Book:
    """A queue_log that is written and moved about, and a reader that comes back to it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.place: Place | None = None
        self.seen: list[int] = []
        self.lost = False
        self.n = 0

    def write(self, count: int, torn: str = "") -> None:
        with self.path.open("a") as stream:
            for _ in range(count):
                stream.write(line(self.n))
                self.n += 1
            stream.write(torn)

    def read(self) -> list[int]:
        tail = Tail(self.path, QueueLogReader, self.place)
        rows = [row for piece in tail.rows() for row in piece]
        self.place = Place.of_text(tail.place_of(tail.at).as_text())
        self.lost = tail.lost
        new = [int(row.call.rpartition(".")[2]) for row in rows]
        self.seen += new
        return new


@pytest.fixture
def book(tmp_path):
    found = Book(tmp_path / "queue_log")
    found.write(5)
    assert found.read() == [0, 1, 2, 3, 4]
    return found


def test_what_was_read_is_not_read_again(book):
    assert book.read() == []
    book.write(2)
    assert book.read() == [5, 6]


def test_a_torn_last_line_is_read_when_it_is_whole(book):
    book.write(1, torn=line(6)[:20])
    assert book.read() == [5]
    with book.path.open("a") as stream:
        stream.write(line(6)[20:])
    assert book.read() == [6]


@pytest.mark.parametrize("suffix", [".1", ".0", "-20261130", ".1.gz"])
def test_rotation(book, suffix):
    book.write(3)
    moved = book.path.with_name(book.path.name + suffix)
    if suffix.endswith(".gz"):
        moved.write_bytes(gzip.compress(book.path.read_bytes()))
        book.path.unlink()
    else:
        book.path.rename(moved)
    book.write(2)
    assert book.read() == [5, 6, 7, 8, 9]
    assert not book.lost
    book.write(1)
    assert book.read() == [10]


def test_several_rotations_between_two_readings(book):
    book.write(2)
    for n in (1, 2, 3):
        moved = book.path.with_name(f"queue_log-{n}")
        book.path.rename(moved)
        os.utime(moved, (n, n))
        book.write(2)
    assert book.read() == [5, 6, 7, 8, 9, 10, 11, 12]


def test_copied_and_truncated(book):
    book.write(3)
    shutil.copy(book.path, book.path.with_name("queue_log.1"))
    os.truncate(book.path, 0)
    assert book.read() == [5, 6, 7]
    book.write(20)
    assert book.read() == list(range(8, 28))


def test_truncated_and_grown_beyond_the_place_is_seen(book):
    shutil.copy(book.path, book.path.with_name("queue_log.1"))
    os.truncate(book.path, 0)
    book.write(30)
    assert book.read() == list(range(5, 35))


def test_an_older_part_that_is_gone_is_said(book):
    book.path.unlink()
    book.n = 50
    book.write(2)
    assert book.read() == [50, 51]
    assert book.lost


def test_a_place_that_is_none_begins_anew():
    assert Place.of_text("nonsense") is None
    assert Place.of_text("{}") is None
    assert Place.of_text("[1]") is None


def test_without_a_place_it_begins_with_the_oldest_part_where_that_is_asked_for(book, tmp_path):
    for n in (2, 1):
        part = tmp_path / f"queue_log.{n}"
        book.path.rename(part)
        os.utime(part, (10 - n, 10 - n))
        book.write(3)
    rows = [r for piece in Tail(book.path, QueueLogReader, rotated=True).rows() for r in piece]
    assert [int(row.call.rpartition(".")[2]) for row in rows] == list(range(11))
    rows = [r for piece in Tail(book.path, QueueLogReader).rows() for r in piece]
    assert [int(row.call.rpartition(".")[2]) for row in rows] == [8, 9, 10]
