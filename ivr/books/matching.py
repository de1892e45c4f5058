"""Two tellings of one list laid over one another: which entries are the same, and what is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from dataclasses import fields
from typing import Any, Final, TypeVar

from ivr.calls.call import Micros

TOLERANCE: Final = 10_000
"""Microseconds by which two tellings of one moment may differ."""

SAME: Final = 1_500_000
"""Entries of two lists that name the same and begin this close (µs) are the same entry."""

_LATE: Final = 30_000_000
"""A busy machine may have stamped an event so much later (µs) than its book has it."""

_SAME_MARK: Final = 250_000

T = TypeVar("T")

Key = Callable[[Any], object]
Start = Callable[[Any], Micros]
Heard = Callable[[Micros], bool]


def moment(record: Micros | None, book: Micros | None) -> Micros | None:
    """The record's moment where it is the same one, else the book's, else whichever there is."""
    if book is None:
        return record
    if record is None or abs(record - book) > TOLERANCE:
        return book
    return record


def match(entry: T, among: Iterable[T], key: Key, start: Start, within: Micros = SAME) -> T | None:
    """The entry of the other list that is the same one; `None` where none is."""
    same = [x for x in among if key(x) == key(entry)]
    best = min(same, key=lambda x: abs(start(x) - start(entry)), default=None)
    return None if best is None or abs(start(best) - start(entry)) > within else best


def paired(ours: Sequence[T], theirs: Sequence[T], key: Key, start: Start) -> list[tuple[T, T]]:
    """Which entry of ours is which of the book's; each stands for one at the most."""
    left = list(ours)
    pairs = []
    for entry in theirs:
        mine = match(entry, left, key, start)
        if mine is not None:
            left = [x for x in left if x is not mine]
            pairs.append((mine, entry))
    return pairs


def merged(ours: Sequence[T], theirs: Sequence[T], key: Key, start: Start, heard: Heard) -> list[T]:
    """The book's entries, with what was heard of the same ones, and those heard that it lacks.

    `heard` tells of a moment whether all was known up to there. An entry whose beginning was heard
    is never taken away: a book may have been rotated apart from the other. Behind that the book
    says which there are.
    """
    left = list(ours)
    pairs: list[tuple[T | None, T]] = []
    for entry in theirs:
        mine = match(entry, left, key, start)
        left = [x for x in left if x is not mine]
        pairs.append((mine, entry))
    new = [entry for mine, entry in pairs if mine is None]
    kept = [x for x in left if heard(start(x)) and match(x, new, key, start, _LATE) is None]
    found = []
    for mine, entry in pairs:
        if mine is None:
            found.append(deepcopy(entry))
        elif kept and _whole(mine, heard):
            found.append(deepcopy(mine))  # a book that lacks one may tell of two as of one
        else:
            found.append(_one(mine, entry, heard))
    return sorted([*found, *deepcopy(kept)], key=start) if kept else found


def _one(mine: T, theirs: T, heard: Heard) -> T:
    made = deepcopy(theirs)
    whole = _whole(mine, heard)
    for field in fields(mine):  # type: ignore[arg-type]  # every entry of a call is a dataclass
        name = field.name
        a, b = getattr(mine, name), getattr(theirs, name)
        if name.endswith("_at"):
            setattr(made, name, moment(a, b))
        elif name != "attempts" and a is not None and (b is None or whole):
            setattr(made, name, a)
    return made


def _whole(entry: Any, heard: Heard) -> bool:
    """Whether all of this entry was heard, from its beginning to its end."""
    times = [getattr(entry, f.name) for f in fields(entry) if f.name.endswith("_at")]
    return all(at is not None and heard(at) for at in times)


def joined(
    ours: Sequence[T], theirs: Sequence[T], key: Key, at: Callable[[T], Micros], kept: Heard
) -> list[T]:
    """The book's entries and those of ours that it lacks and that `kept` allows, in order of time.

    Each entry stands for one of the other list at the most; of two that are the same, ours stays.
    """
    left = list(ours)
    found: list[T] = []
    for entry in theirs:
        mine = match(entry, left, key, at, _SAME_MARK)
        left = [x for x in left if x is not mine]
        found.append(deepcopy(entry if mine is None else mine))
    found += [deepcopy(x) for x in left if kept(at(x))]
    return sorted(found, key=at)
