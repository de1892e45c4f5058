"""A stand-in for a voice: loud and quiet syllables of a buzzing throat, with silence around."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile


def voice(
    rate: int, seconds: float = 1.0, *, loud: float = 0.25, around: float = 0.5, noise: float = 1e-4
) -> np.ndarray:
    """`seconds` of syllables at 4 Hz with `around` seconds of near silence on both sides."""
    at = np.arange(int(rate * seconds)) / rate
    throat = sum(np.sin(2 * np.pi * 120 * n * at) / n for n in range(1, 25))
    syllables = np.abs(np.sin(2 * np.pi * 2 * at)) ** 0.5
    words = loud * syllables * throat / np.abs(throat).max()
    quiet = np.zeros(int(rate * around))
    whole = np.concatenate([quiet, words, quiet])
    return whole + noise * np.random.default_rng(1203).standard_normal(len(whole))


def write(path: Path, samples: np.ndarray, rate: int, **form: str) -> Path:
    """A file of that sound, its format by its ending."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(str(path), samples, rate, **form)
    return path
