"""A recording as the line plays it: silence trimmed, loudness set, peaks limited; pure.

Loudness is the active speech level: the mean power of those 20 ms in which somebody speaks, in dB
below full scale. EBU R128 measures blocks of 400 ms, and หนึ่ง is shorter. LEVEL is what Asterisk's
own English set measures (median of 452 sounds −17.9 dB, peaks −3.6 dB), so that a caller hears no
step between ours and theirs. Samples are float, 1.0 is full scale, one channel.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import soxr
from numpy.typing import NDArray

from ivr.prompts.faults import BadSound

Samples = NDArray[np.float64]

NARROW: Final = 8000
WIDE: Final = 16000
"""Samples a second: what a telephone hears (NAME.wav), what a browser can (NAME.wav16)."""
LEVEL: Final = -18.0
CEILING: Final = -2.0
"""No sample is louder, in dB of full scale: room for what resampling and codecs add."""
LEAD: Final = 0.05
TAIL: Final = 0.10
"""Seconds of what was there that stay before and after the words."""
SHORTEST: Final = 0.08
LONGEST: Final = 180.0
SILENT: Final = -50.0
"""The loudest 20 ms of a recording with words in it are above that."""

_SPEAKING: Final = 25.0
"""Somebody speaks in those 20 ms that are at most so much below the loudest."""
_FULL: Final = 0.985
_CLIPS: Final = 5
"""Fewer places that touch full scale may be a click."""


def prepared(samples: Samples, rate: int) -> dict[int, NDArray[np.int16]]:
    """What the line plays of a recording, by samples a second: NARROW, and WIDE where it has it.

    Raises BadSound where it is silent, clipped, too short or too long.
    """
    judge(samples, rate)
    top = WIDE if rate >= WIDE else NARROW
    loud = trimmed(_resampled(samples - samples.mean(), rate, top), top)
    if len(loud) < SHORTEST * top:
        raise BadSound("too-short", f"{len(loud) / top:.2f}")
    loud = limited(loud * 10 ** ((LEVEL - level(loud, top)) / 20), top)
    done = {top: _whole(loud)}
    if top == WIDE:
        done[NARROW] = _whole(_resampled(loud, WIDE, NARROW))
    return done


def judge(samples: Samples, rate: int) -> None:
    """Raises BadSound where nobody could make a prompt of it."""
    seconds = len(samples) / rate
    if seconds < SHORTEST:
        raise BadSound("too-short", f"{seconds:.2f}")
    if seconds > LONGEST:
        raise BadSound("too-long", f"{seconds:.0f}")
    if (loudest := float(_frames(samples, rate).max())) < SILENT:
        raise BadSound("silent", f"{loudest:.0f}")
    if (places := clipped(samples)) >= _CLIPS:
        raise BadSound("clipped", str(places))


def level(samples: Samples, rate: int) -> float:
    """The active speech level, in dB of full scale; of silence −120."""
    frames = _frames(samples, rate)
    speaking = frames[frames >= frames.max() - _SPEAKING]
    return float(10 * np.log10((10 ** (speaking / 10)).mean()))


def clipped(samples: Samples) -> int:
    """How many places stay at full scale for three samples or more."""
    full = np.abs(samples) >= _FULL
    three = full[:-2] & full[1:-1] & full[2:]
    return int((three[1:] & ~three[:-1]).sum() + three[:1].sum())


def trimmed(samples: Samples, rate: int) -> Samples:
    """Without the silence at both ends; noise that is always there counts as silence."""
    frames = _frames(samples, rate)
    loudest = frames.max()
    floor = float(np.percentile(frames, 10))
    bar = min(max(loudest - 35.0, floor + 8.0), loudest - 15.0)
    words = np.flatnonzero(frames >= bar)
    size = _size(rate)
    first = max(0, int(words[0]) * size - int(LEAD * rate))
    last = min(len(samples), (int(words[-1]) + 1) * size + int(TAIL * rate))
    kept = samples[first:last].copy()
    edge = np.linspace(0.0, 1.0, min(len(kept) // 2, rate // 200))
    kept[: len(edge)] *= edge
    kept[len(kept) - len(edge) :] *= edge[::-1]
    return kept


def limited(samples: Samples, rate: int) -> Samples:
    """No peak above CEILING: what would be is turned down with 5 ms on both sides, not cut off."""
    ceiling = 10 ** (CEILING / 20)
    wanted = np.minimum(1.0, ceiling / np.maximum(np.abs(samples), 1e-9))
    if wanted.min() == 1.0:
        return samples
    half = rate // 200
    around = np.lib.stride_tricks.sliding_window_view(
        np.pad(wanted, 2 * half, constant_values=1.0), 2 * half + 1
    ).min(axis=1)
    # the mean of minima over the same width is nowhere above what is wanted in its middle
    gain = np.convolve(around, np.ones(2 * half + 1) / (2 * half + 1), mode="valid")
    return samples * np.minimum(gain, 1.0)


def _size(rate: int) -> int:
    return rate // 50


def _frames(samples: Samples, rate: int) -> Samples:
    """The power of every 20 ms, in dB of full scale, not below −120."""
    size = _size(rate)
    count = max(1, len(samples) // size)
    whole = np.zeros(count * size)
    whole[: min(len(samples), len(whole))] = samples[: len(whole)]
    power = (whole.reshape(count, size) ** 2).mean(axis=1)
    result: Samples = 10 * np.log10(np.maximum(power, 1e-12))
    return result


def _resampled(samples: Samples, rate: int, to: int) -> Samples:
    if rate == to:
        return samples
    result: Samples = soxr.resample(samples, rate, to, quality="VHQ")
    return result


def _whole(samples: Samples) -> NDArray[np.int16]:
    return (np.clip(samples, -1.0, 1.0) * 32767).round().astype(np.int16)
