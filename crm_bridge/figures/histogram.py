"""Spans of time as a histogram: merged and taken back exactly, percentiles good to 1 %.

A bucket holds the spans above its lower end, up to and with its upper end. Ends are every
millisecond up to a second, from there every number of three significant digits (1.01 s … 9.99 s,
10.0 s, 10.1 s …): a bucket is at most 1 % wide, and how many spans keep within a limit of three
digits (5 s, 20 s, 300 s, 90 min) is exact, whatever the limit is set to afterwards.

While calls are counted a histogram is a plain dict, bucket → count, without zeros; a count may be
below zero only in a difference of two. On disk it is bytes: six for each bucket in order, its
number in two and its count in four, the lowest byte first. Bytes of several histograms one behind
the other are those of their sum, with buckets named more than once: `Packed` reads them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import ceil
from struct import Struct
from typing import Final

import numpy as np
from numpy.typing import NDArray

Histogram = dict[int, int]

_MILLI: Final = 1000
_FINEST: Final = 1000
"""Up to so many milliseconds a bucket is one."""
_DECADE: Final = 900
"""Buckets from one power of ten to the next."""
_ENTRY: Final = Struct("<HI")
_WIDTH: Final = _ENTRY.size
_ENTRIES: Final = np.dtype([("number", "<u2"), ("count", "<u4")])
_MOST: Final = 0xFFFF_FFFF
_FEW: Final = 12
"""Up to so many buckets are changed one by one sooner than by numpy."""


class Packed(Mapping[int, int]):
    """Histograms as they are stored, added up when they are first looked at."""

    __slots__ = ("_arrays", "_data", "_less", "_reached")

    def __init__(self, data: bytes = b"", less: bytes = b"") -> None:
        """`data`: bytes of `encode`, of one histogram or of several one behind the other.

        `less`: of what is to be taken away from them, of which they hold all.
        """
        self._data = data
        self._less = less
        self._arrays: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None
        self._reached: NDArray[np.int64] | None = None

    @property
    def arrays(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Numbers of buckets in order, and their counts; ValueError where bytes are cut short."""
        if self._arrays is None:
            entries = _entries(self._data)
            sums = np.bincount(entries["number"], weights=entries["count"])
            if self._less:
                away = _entries(self._less)
                sums -= np.bincount(
                    away["number"], weights=away["count"], minlength=len(sums)
                )  # fmt: skip
            numbers = np.flatnonzero(sums)
            self._arrays = numbers.astype(np.int64), sums[numbers].astype(np.int64)
        return self._arrays

    @property
    def reached(self) -> NDArray[np.int64]:
        """How many spans are in each bucket and those before it."""
        if self._reached is None:
            self._reached = self.arrays[1].cumsum()
        return self._reached

    def plus(self, more: Mapping[int, int], sign: int = 1) -> Packed:
        """With the counts of another histogram added, or with `sign` -1 taken away."""
        if isinstance(more, Packed) and sign == 1:
            return Packed(self._data + more._data, self._less + more._less)
        return Packed(changed(encode(self), {n: sign * count for n, count in more.items()}))

    def __getitem__(self, number: int) -> int:
        numbers, counts = self.arrays
        place = int(np.searchsorted(numbers, number))
        if place == len(numbers) or numbers[place] != number:
            raise KeyError(number)
        return int(counts[place])

    def __iter__(self) -> Iterator[int]:
        return iter(self.arrays[0].tolist())

    def __len__(self) -> int:
        return len(self.arrays[0])

    def __bool__(self) -> bool:
        return bool(len(self)) if self._less else bool(self._data)


def bucket(micros: int) -> int:
    """The bucket of a span in microseconds; what is below zero counts as zero."""
    ends = -(-max(0, micros) // _MILLI)
    if ends <= _FINEST:
        return ends
    decade = -1
    while ends > _FINEST:
        ends = -(-ends // 10)
        decade += 1
    return _FINEST + _DECADE * decade + ends - _FINEST // 10


def upper(number: int) -> int:
    """The upper end of a bucket in microseconds: the longest span that it holds."""
    if number <= _FINEST:
        return number * _MILLI
    decade, place = divmod(number - _FINEST - 1, _DECADE)
    return (place + 1 + _FINEST // 10) * int(10 ** (decade + 1)) * _MILLI


def merge(into: Histogram, more: Mapping[int, int], sign: int = 1) -> None:
    """Adds (with `sign` -1: takes back) the counts of another histogram."""
    for number, count in more.items():
        held = into.get(number, 0) + sign * count
        if held:
            into[number] = held
        else:
            into.pop(number, None)


def total(histograms: Iterable[Mapping[int, int]]) -> Histogram:
    """All of them together."""
    found: Histogram = {}
    for one in histograms:
        for number, count in one.items():
            found[number] = found.get(number, 0) + count
    return found


def plain(histogram: Mapping[int, int]) -> Histogram:
    """The histogram as a dict, for whoever goes through all its buckets."""
    if isinstance(histogram, Packed):
        numbers, counts = histogram.arrays
        return dict(zip(numbers.tolist(), counts.tolist(), strict=True))
    return dict(histogram)


def within(histogram: Mapping[int, int], micros: int) -> int:
    """How many spans are no longer than this; exact where it is the end of a bucket."""
    limit = bucket(micros)
    if isinstance(histogram, Packed):
        numbers, counts = histogram.arrays
        return int(counts[: np.searchsorted(numbers, limit, "right")].sum())
    return sum(count for number, count in histogram.items() if number <= limit)


def percentile(histogram: Mapping[int, int], share: float) -> int | None:
    """The shortest span, in microseconds, that this share (0 to 1) of all does not exceed.

    At most 1 % (of a span under a tenth of a second, 1 ms) too long, never too short; None of none.
    """
    if isinstance(histogram, Packed):
        numbers, reached = histogram.arrays[0], histogram.reached
        if not len(numbers):
            return None
        rank = max(1, ceil(share * int(reached[-1])))
        return upper(int(numbers[reached.searchsorted(rank)]))
    count = sum(histogram.values())
    if count <= 0:
        return None
    rank, seen = max(1, ceil(share * count)), 0
    for number in sorted(histogram):
        seen += histogram[number]
        if seen >= rank:
            return upper(number)
    raise AssertionError("the last bucket brings the counts to their sum")


def encode(histogram: Mapping[int, int]) -> bytes:
    """The histogram as bytes; equal ones give equal bytes.

    ValueError where a count is below zero, or more than the bytes hold.
    """
    found = bytearray()
    for number in sorted(histogram):
        if count := histogram[number]:
            _check(count)
            found += _ENTRY.pack(number, count)
    return bytes(found)


def decode(data: bytes) -> Histogram:
    """The histogram of which these are the bytes; ValueError where they are damaged."""
    entries = _sound(data)
    return dict(zip(entries["number"].tolist(), entries["count"].tolist(), strict=True))


def changed(data: bytes, difference: Mapping[int, int]) -> bytes:
    """Stored bytes with a difference applied, as `encode` gives them.

    ValueError where the bytes are damaged or a count would fall below zero.
    """
    if not data:
        return encode(difference)
    if len(difference) > _FEW:
        return _rewritten(data, difference)
    if len(data) % _WIDTH:
        raise ValueError("a histogram is cut short")
    found = bytearray(data)
    for number, count in difference.items():
        low, high = 0, len(found) // _WIDTH
        while low < high:
            middle = (low + high) // 2
            at = _WIDTH * middle
            if found[at] | found[at + 1] << 8 < number:
                low = middle + 1
            else:
                high = middle
        at = _WIDTH * low
        if at < len(found) and (entry := _ENTRY.unpack_from(found, at))[0] == number:
            count += entry[1]  # noqa: PLW2901  what is there then
            if count:
                _check(count)
                _ENTRY.pack_into(found, at, number, count)
            else:
                del found[at : at + _WIDTH]
        elif count:
            _check(count)
            found[at:at] = _ENTRY.pack(number, count)
    return bytes(found)


def _rewritten(data: bytes, difference: Mapping[int, int]) -> bytes:
    stored = _sound(data)
    numbers = np.fromiter(difference.keys(), np.int64, len(difference))
    counts = np.fromiter(difference.values(), np.int64, len(difference))
    sums = np.zeros(max(int(stored["number"][-1]), int(numbers.max())) + 1, np.int64)
    sums[stored["number"]] = stored["count"]
    sums[numbers] += counts  # keys of a mapping: none is named twice
    if sums.min() < 0 or sums.max() > _MOST:
        raise ValueError("a histogram has a count below zero, or too high")
    kept = np.flatnonzero(sums)
    entries = np.empty(len(kept), _ENTRIES)
    entries["number"], entries["count"] = kept, sums[kept]
    return entries.tobytes()


def _entries(data: bytes) -> NDArray[np.void]:
    if len(data) % _WIDTH:
        raise ValueError("a histogram is cut short")
    return np.frombuffer(data, _ENTRIES)


def _sound(data: bytes) -> NDArray[np.void]:
    """The entries of one histogram, which are in order and none of nothing."""
    entries = _entries(data)
    numbers = entries["number"]
    if np.any(numbers[1:] <= numbers[:-1]) or not np.all(entries["count"]):
        raise ValueError("a histogram is damaged: its buckets are not in order")
    return entries


def _check(count: int) -> None:
    if count < 0:
        raise ValueError("a histogram has a count below zero")
    if count > _MOST:
        raise ValueError("a histogram has a count that is too high")
