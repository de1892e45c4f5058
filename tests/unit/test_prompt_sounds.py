"""What becomes of a recording: loudness, peaks, silence at its ends, rates; what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from ivr.prompts import faults, placeholder, sound
from ivr.prompts.faults import BadSound
from tests.support.voice import voice

RATES = [8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000]


def floats(samples):
    return samples.astype(np.float64) / 32767


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("loud", [0.01, 0.1, 0.9])
def test_every_recording_comes_out_equally_loud_and_below_the_ceiling(rate, loud):
    made = sound.prepared(voice(rate, loud=loud, noise=1e-5), rate)
    assert set(made) == ({8_000, 16_000} if rate >= 16_000 else {8_000})
    for to, samples in made.items():
        assert samples.dtype == np.int16
        assert sound.level(floats(samples), to) == pytest.approx(sound.LEVEL, abs=0.7)
        assert np.abs(floats(samples)).max() <= 10 ** ((sound.CEILING + 0.5) / 20)


@pytest.mark.parametrize("around", [0.0, 0.3, 2.0])
@pytest.mark.parametrize("noise", [0.0, 1e-4, 3e-3])
def test_silence_at_both_ends_goes_and_the_words_stay(around, noise):
    made = sound.prepared(voice(48_000, 1.0, around=around, noise=noise), 48_000)
    length = len(made[16_000]) / 16_000
    assert 0.9 <= length <= 1.0 + sound.LEAD + sound.TAIL + 0.06
    words = np.abs(floats(made[16_000]))
    loud = np.flatnonzero(words > 0.1)
    assert loud[0] / 16_000 <= 0.12
    assert (len(words) - loud[-1]) / 16_000 <= 0.17


def test_the_words_are_the_same_words():
    """Beside loudness nothing changes: the middle of it lies upon the original."""
    before = voice(8_000, 0.8, around=0.2)
    after = floats(sound.prepared(before, 8_000)[8_000])
    shift = np.correlate(before, after, "full").argmax() - len(after) + 1
    piece = before[shift : shift + len(after)]
    inner = slice(len(after) // 4, -len(after) // 4)
    assert np.corrcoef(piece[inner], after[inner])[0, 1] > 0.999


def test_a_narrow_one_has_nothing_above_its_band():
    rate = 48_000
    at = np.arange(rate) / rate
    high = 0.3 * np.sin(2 * np.pi * 6_000 * at)  # would fold down to 2 kHz
    made = floats(sound.prepared(voice(rate, 1.0, around=0.0, noise=0.0) + high, rate)[8_000])
    seen = np.abs(np.fft.rfft(made * np.hanning(len(made))))
    near = seen[int(1_990 * len(made) / 8_000) : int(2_010 * len(made) / 8_000)].max()
    assert near < seen.max() / 100


def test_a_single_peak_is_turned_down_and_its_neighbours_far_off_are_not():
    samples = np.full(16_000, 0.1)
    samples[8_000] = 1.0
    limited = sound.limited(samples, 16_000)
    assert limited.max() == pytest.approx(10 ** (sound.CEILING / 20), abs=1e-3)
    assert limited[8_000 - 400] == pytest.approx(0.1) == limited[8_000 + 400]
    assert np.abs(np.diff(limited[:7_990])).max() < 0.01


@pytest.mark.parametrize(
    ("samples", "fault"),
    [
        (np.zeros(8_000), "silent"),
        (np.full(8_000, 0.5) * 1e-4, "silent"),
        (voice(8_000, loud=0.001), "silent"),
        (np.clip(voice(8_000, loud=3.0), -1, 1), "clipped"),
        (np.clip(voice(8_000, loud=-3.0), -1, 1), "clipped"),
        (voice(8_000, 0.05, around=0.0), "too-short"),
        (np.zeros(0), "too-short"),
        (np.zeros(181 * 8_000), "too-long"),
    ],
)
def test_what_no_prompt_can_be_made_of_is_refused_in_both_languages(samples, fault):
    with pytest.raises(BadSound) as refused:
        sound.prepared(samples, 8_000)
    assert refused.value.fault == fault
    assert "{}" not in refused.value.th + refused.value.en
    assert str(refused.value) == refused.value.en


def test_one_knock_at_full_scale_is_no_distortion():
    samples = voice(8_000)
    samples[6_000:6_004] = 1.0
    sound.judge(samples, 8_000)


def test_a_sound_of_the_shortest_word_is_taken():
    made = sound.prepared(voice(48_000, 0.25), 48_000)
    assert 0.2 < len(made[8_000]) / 8_000 < 0.5


def test_every_fault_has_both_languages_and_one_gap():
    for thai, english in faults.WORDS.values():
        assert thai.count("{}") == english.count("{}") == 1


@pytest.mark.parametrize("count", [400, 800, 2_400, 6_133, 40_000])
def test_a_placeholder_is_known_at_any_length_and_pitch(count):
    for place in range(12):
        assert placeholder.is_placeholder(placeholder.tone(count, placeholder.pitch(place)))


def test_nothing_else_is_a_placeholder():
    quiet = (voice(8_000, loud=0.02) * 32767).astype("<i2")
    assert not placeholder.is_placeholder(quiet.tobytes())
    assert not placeholder.is_placeholder(np.zeros(800, "<i2").tobytes())
    assert not placeholder.is_placeholder(b"")
    other = np.frombuffer(placeholder.tone(2_400, 330), "<i2").copy()
    other[1_200] += 5
    assert not placeholder.is_placeholder(other.tobytes())
    assert not placeholder.is_placeholder(placeholder.tone(2_400, 340))
