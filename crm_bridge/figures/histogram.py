"""Spans of time as a histogram: merged and taken back exactly, percentiles good to 1 %.

A bucket holds the spans above its lower end, up to and with its upper end. Ends are every
millisecond up to a second, from there every number of three significant digits (1.01 s … 9.99 s,
10.0 s, 10.1 s …): a bucket is at most 1 % wide, and how many spans keep within a limit of three
digits (5 s, 20 s, 300 s, 90 min) is exact, whatever the limit is set to afterwards.

A histogram is a plain dict, bucket → count, without zeros; a count may be below zero only in a
difference of two.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import ceil
from typing import Final

Histogram = dict[int, int]

_MILLI: Final = 1000
_FINEST: Final = 1000
"""Up to so many milliseconds a bucket is one."""
_DECADE: Final = 900
"""Buckets from one power of ten to the next."""
_BITS: Final = 7
_MORE: Final = 0x80


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


def within(histogram: Mapping[int, int], micros: int) -> int:
    """How many spans are no longer than this; exact where it is the end of a bucket."""
    limit = bucket(micros)
    return sum(count for number, count in histogram.items() if number <= limit)


def percentile(histogram: Mapping[int, int], share: float) -> int | None:
    """The shortest span, in microseconds, that this share (0 to 1) of all does not exceed.

    At most 1 % (of a span under a tenth of a second, 1 ms) too long, never too short; None of none.
    """
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
    """The histogram as bytes; equal ones give equal bytes. Counts below zero are a ValueError."""
    found = bytearray()
    before = 0
    for number in sorted(histogram):
        count = histogram[number]
        if count < 0:
            raise ValueError("a histogram has a count below zero")
        if count:
            for value in (number - before, count):
                rest = value
                while rest >= _MORE:
                    found.append(rest & (_MORE - 1) | _MORE)
                    rest >>= _BITS
                found.append(rest)
            before = number
    return bytes(found)


def decode(data: bytes) -> Histogram:
    """The histogram of which these are the bytes; ValueError where they are cut short."""
    found: Histogram = {}
    values: list[int] = []
    value = shift = 0
    for byte in data:
        value |= (byte & (_MORE - 1)) << shift
        if byte & _MORE:
            shift += _BITS
            continue
        values.append(value)
        value = shift = 0
    if shift or len(values) % 2:
        raise ValueError("a histogram is cut short")
    number = 0
    for step, count in zip(values[::2], values[1::2], strict=True):
        number += step
        found[number] = count
    return found
