"""Numbers, dates and times of day as sounds: what is said, word by word."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as some

from ivr.lab.install import dialplan_directory
from ivr.lab.prompts import read_prompts
from ivr.selfservice import saying


def bare(sounds):
    """The sounds without their directory, in one line."""
    assert all(sound.startswith("digits/") for sound in sounds)
    return " ".join(sound.removeprefix("digits/") for sound in sounds)


def words(sounds, language):
    """What a caller hears, written: the texts of the sounds in a row."""
    texts = {
        prompt.id: prompt.thai if language == "th" else prompt.english
        for prompt in read_prompts(dialplan_directory())
    }
    return ("" if language == "th" else " ").join(texts[sound] for sound in sounds)


NUMBERS = [
    (0, "0", "0"),
    (1, "1", "1"),
    (2, "2", "2"),
    (10, "10", "10"),
    (11, "11", "11"),
    (12, "12", "12"),
    (19, "19", "19"),
    (20, "20", "20"),
    (21, "21", "20 1"),
    (22, "20 2", "20 2"),
    (30, "30", "30"),
    (31, "31", "30 1"),
    (91, "91", "90 1"),
    (99, "90 9", "90 9"),
    (100, "1 roi", "1 hundred"),
    (101, "1 roi et", "1 hundred 1"),
    (102, "1 roi 2", "1 hundred 2"),
    (110, "1 roi 10", "1 hundred 10"),
    (111, "1 roi 11", "1 hundred 11"),
    (121, "1 roi 21", "1 hundred 20 1"),
    (200, "2 roi", "2 hundred"),
    (201, "2 roi et", "2 hundred 1"),
    (1_000, "1 pan", "1 thousand"),
    (1_001, "1 pan et", "1 thousand 1"),
    (1_010, "1 pan 10", "1 thousand 10"),
    (1_203, "1 pan 2 roi 3", "1 thousand 2 hundred 3"),
    (2_569, "2 pan 5 roi 60 9", "2 thousand 5 hundred 60 9"),
    (10_000, "1 muan", "10 thousand"),
    (10_001, "1 muan et", "10 thousand 1"),
    (20_021, "2 muan 21", "20 thousand 20 1"),
    (100_000, "1 san", "1 hundred thousand"),
    (123_456, "1 san 2 muan 3 pan 4 roi 50 6", "1 hundred 20 3 thousand 4 hundred 50 6"),
    (1_000_000, "1 larn", "1 million"),
    (1_000_001, "1 larn et", "1 million 1"),
    (11_000_000, "11 larn", "11 million"),
    (21_000_001, "21 larn et", "20 1 million 1"),
    (101_000_011, "1 roi et larn 11", "1 hundred 1 million 11"),
    (1_500_000_000, "1 pan 5 roi larn", "1 billion 5 hundred million"),
    (10**12, "1 larn larn", "1 thousand billion"),
    (10**12 + 1, "1 larn larn et", "1 thousand billion 1"),
    (-5, "lop 5", "minus 5"),
]


@pytest.mark.parametrize(("n", "thai", "english"), NUMBERS, ids=[str(n) for n, *_ in NUMBERS])
def test_a_number(n, thai, english):
    assert bare(saying.number(n, "th")) == thai
    assert bare(saying.number(n, "en")) == english


def test_a_number_in_words():
    assert words(saying.number(21_000_101, "th"), "th") == "ยี่สิบเอ็ดล้านหนึ่งร้อยเอ็ด"
    assert words(saying.number(123_456, "th"), "th") == "หนึ่งแสนสองหมื่นสามพันสี่ร้อยห้าสิบหก"
    assert words(saying.number(1_203, "en"), "en") == "one thousand two hundred three"


@pytest.mark.parametrize(
    ("day", "thai", "english"),
    [
        ((2026, 1, 5), "wan tee 5 duan mon-0 posor 2 pan 5 roi 60 9",
         "mon-0 h-5 2 thousand 20 6"),
        ((2026, 12, 31), "wan tee 31 duan mon-11 posor 2 pan 5 roi 60 9",
         "mon-11 30 h-1 2 thousand 20 6"),
        ((2028, 2, 29), "wan tee 20 9 duan mon-1 posor 2 pan 5 roi 71",
         "mon-1 20 h-9 2 thousand 20 8"),
        ((2058, 11, 11), "wan tee 11 duan mon-10 posor 2 pan 6 roi et",
         "mon-10 h-11 2 thousand 50 8"),
        ((2000, 6, 20), "wan tee 20 duan mon-5 posor 2 pan 5 roi 40 3", "mon-5 h-20 2 thousand"),
        ((1999, 7, 1), "wan tee 1 duan mon-6 posor 2 pan 5 roi 40 2", "mon-6 h-1 19 90 9"),
        ((1905, 3, 21), "wan tee 21 duan mon-2 posor 2 pan 4 roi 40 8", "mon-2 20 h-1 19 oh 5"),
        ((1900, 4, 30), "wan tee 30 duan mon-3 posor 2 pan 4 roi 40 3", "mon-3 h-30 19 hundred"),
    ],
)  # fmt: skip
def test_a_date(day, thai, english):
    assert bare(saying.date(dt.date(*day), "th")) == thai
    assert bare(saying.date(dt.date(*day), "en")) == english


@pytest.mark.parametrize(
    ("day", "name", "thai", "english"),
    [(4, 0, "วันอาทิตย์", "Sunday"), (5, 1, "วันจันทร์", "Monday"), (10, 6, "วันเสาร์", "Saturday")],
)
def test_a_weekday(day, name, thai, english):
    date = dt.date(2026, 1, day)
    assert bare(saying.date(date, "th", weekday=True)).startswith(f"day-{name} tee {day} duan")
    assert bare(saying.date(date, "en", weekday=True)).startswith(f"day-{name} mon-0")
    assert words(saying.date(date, "th", weekday=True)[:2], "th") == f"{thai}ที่"
    assert words(saying.date(date, "en", weekday=True)[:1], "en") == english


def test_a_date_in_words():
    day = dt.date(2026, 1, 5)
    assert words(saying.date(day, "th"), "th") == "วันที่ห้าเดือนมกราคมพุทธศักราชสองพันห้าร้อยหกสิบเก้า"
    assert words(saying.date(day, "en"), "en") == "January fifth two thousand twenty six"


@pytest.mark.parametrize(
    ("hour", "minute", "thai", "english"),
    [
        (0, 0, "0 naliga", "12 oclock a-m"),
        (0, 1, "0 naliga 1 natee", "12 oh 1 a-m"),
        (8, 30, "8 naliga 30 natee", "8 30 a-m"),
        (11, 59, "11 naliga 50 9 natee", "11 50 9 a-m"),
        (12, 0, "12 naliga", "12 oclock p-m"),
        (16, 30, "16 naliga 30 natee", "4 30 p-m"),
        (21, 21, "21 naliga 21 natee", "9 20 1 p-m"),
        (23, 5, "20 3 naliga 5 natee", "11 oh 5 p-m"),
    ],
)
def test_a_time_of_day(hour, minute, thai, english):
    assert bare(saying.clock(hour, minute, "th")) == thai
    assert bare(saying.clock(hour, minute, "en")) == english


def test_office_hours_in_words():
    assert words(saying.clock(8, 30, "th"), "th") == "แปดนาฬิกาสามสิบนาที"
    assert words(saying.clock(16, 30, "en"), "en") == "four thirty p.m."


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1203", "1 2 0 3"),
        ("69-000123-4", "6 9 0 0 0 1 2 3 4"),
        ("๖๙ ๐๐๑", "6 9 0 0 1"),
        ("*1#", "star 1 pound"),
        ("", ""),
    ],
)
def test_digit_by_digit(text, said):
    assert bare(saying.digits(text)) == said


@pytest.mark.parametrize("text", ["12a", "²", "1\n2", "+66"])
def test_what_is_no_digit_is_refused_without_repeating_it(text):
    with pytest.raises(ValueError, match="no digit") as refused:
        saying.digits(text)
    assert text not in str(refused.value)


@pytest.mark.parametrize(
    "ask",
    [
        lambda: saying.number(1, "fr"),
        lambda: saying.date(dt.date(2026, 1, 1), "TH"),
        lambda: saying.clock(1, 1, ""),
        lambda: saying.clock(24, 0, "th"),
        lambda: saying.clock(8, 60, "en"),
        lambda: saying.vocabulary("lo"),
    ],
)
def test_what_cannot_be_said_is_refused(ask):
    with pytest.raises(ValueError):  # noqa: PT011  # some are datetime's own
        ask()


def test_all_that_can_be_said_has_a_prompt():
    listed = {prompt.id for prompt in read_prompts(dialplan_directory())}
    for language in saying.LANGUAGES:
        assert saying.vocabulary(language) <= listed


@given(
    n=some.integers(),
    day=some.dates(),
    time=some.times(),
    text=some.text("0123456789๐๑๒๓๔๕๖๗๘๙*# -"),
    language=some.sampled_from(saying.LANGUAGES),
)
def test_nothing_is_said_beside_the_vocabulary(n, day, time, text, language):
    said = {
        *saying.number(n, language),
        *saying.date(day, language),
        *saying.date(day, language, weekday=True),
        *saying.clock(time.hour, time.minute, language),
        *saying.digits(text),
    }
    assert said <= saying.vocabulary(language)


def test_the_vocabulary_has_nothing_that_is_never_said():
    days = [dt.date(2024, 1, 1) + dt.timedelta(n) for n in range(366)] + [dt.date(1905, 1, 1)]
    for language in saying.LANGUAGES:
        said = {*saying.digits("*#")}
        for n in (*range(200), 10**3, 10**4, 10**5, 10**6, 10**9, -1):
            said |= {*saying.number(n, language)}
        for day in days:
            said |= {*saying.date(day, language), *saying.date(day, language, weekday=True)}
        for hour in range(24):
            for minute in range(60):
                said |= {*saying.clock(hour, minute, language)}
        assert said == saying.vocabulary(language)


def _value(sounds):
    """The number that Thai sounds say, worked out from the sounds alone."""
    powers = {"roi": 100, "pan": 1_000, "muan": 10_000, "san": 100_000}
    total = part = last = 0
    for sound in sounds:
        name = sound.removeprefix("digits/")
        if name == "larn":
            total, part, last = (total + part + last) * 10**6, 0, 0
        elif name in powers:
            part, last = part + last * powers[name], 0
        else:
            last += 1 if name == "et" else int(name)
    return total + part + last


@given(some.integers(min_value=0, max_value=10**15))
def test_thai_sounds_say_that_number_and_no_other(n):
    assert _value(saying.number(n, "th")) == n
