"""Folding, trigrams and likeness: what sounds the same is found, and a slip still finds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_bridge.people.names import (
    asked_grams,
    fold,
    grams,
    indexed_words,
    likeness,
    plain,
    without_title,
    words,
)

THAI = st.text("กขคงจชซดตถทธนบปผพมยรลวศสหอะาิีุูเแโไ", min_size=3, max_size=12)
LETTER = st.sampled_from("กขคงจชซดตถทธนบปผพมยรลวศสหอ")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("น้ำฝน", "น้ําฝน"),  # sara am as one sign and as two
        ("น้ำฝน", "นํ้าฝน"),  # the two in the other order
        ("น้ำฝน", "นำฝน"),  # no tone mark
        ("แม่น้ำ", "เเม่น้ำ"),  # two sara e for one sara ae
        ("จันทร์", "จันทร"),  # no thanthakhat
        ("เพ็ญ", "เพญ"),  # no maitaikhu
        ("สมชาย", "\u200bสม\u202eชาย\ufeff"),  # zero width and bidi marks
        ("พงษ์", "พงศ์"),
        ("ณัฐธิดา", "นัถทิดา"),
        ("กมลวรรณ", "กมลวัน"),
        ("JOSÉ", "jose"),
        ("１２３", "๑๒๓"),
        ("ห้าง  ทอง", "ห้าง ทอง"),
    ],
)
def test_the_same_name_written_otherwise_folds_the_same(one, other):
    assert fold(one) == fold(other) != ""


@pytest.mark.parametrize(
    "written",
    ["นายสมชาย ใจดี", "นาย สมชาย ใจดี", "คุณสมชาย ใจดี", "สมชาย  ใจดี", "ดร.สมชาย ใจดี",
     "Mr. สมชาย ใจดี", "ด.ช.สมชาย ใจดี", "เด็กชายสมชาย ใจดี", "ด.ญ. สมชาย ใจดี", "ม.ล.สมชาย ใจดี"],
)  # fmt: skip
def test_a_title_is_no_part_of_the_name(written):
    assert words(written) == (fold("สมชาย"), fold("ใจดี"))


@pytest.mark.parametrize("name", ["คุณากร", "นายิกา"])
def test_a_name_that_begins_like_a_title_is_left_alone(name):
    assert without_title(fold(name)) == fold(name)


def test_what_is_kept_is_shown_on_one_line_without_marks_that_mislead():
    assert plain("  สม\u202eชาย\r\n\tใจดี\u200b \x00") == "สมชาย ใจดี"


@given(st.text(max_size=60))
def test_folding_twice_changes_nothing_and_any_text_is_taken(text):
    assert fold(fold(text)) == fold(text)
    assert all(indexed_words(text)) or not indexed_words(text)


@given(st.text(max_size=60))
def test_plain_text_has_no_control_and_no_mark_of_direction(text):
    assert not set(plain(text)) & set(
        "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\0\r\n"
    )


@st.composite
def slipped(draw):
    """A word as it is kept, and as it was typed with one slip."""
    word = fold(draw(THAI)).replace(" ", "")
    if len(word) < 3:
        word = "สมชาย"
    at = draw(st.integers(0, len(word) - 1))
    letter = draw(LETTER)
    kind = draw(st.sampled_from(["wrong", "missing", "more", "swapped"]))
    if kind == "wrong":
        typed = word[:at] + letter + word[at + 1 :]
    elif kind == "missing":
        typed = word[:at] + word[at + 1 :]
    elif kind == "more":
        typed = word[:at] + letter + word[at:]
    else:
        typed = word[:at] + word[at : at + 2][::-1] + word[at + 2 :]
    return word, typed


@given(slipped())
def test_one_slip_is_led_to_the_word_and_likes_it(pair):
    word, typed = pair
    assert asked_grams(typed) & grams(word)
    assert likeness(typed, word) > 0


@given(THAI, st.integers(2, 8))
def test_the_beginning_of_a_word_finds_it(name, length):
    word = fold(name).replace(" ", "")
    typed = word[:length]
    if len(typed) >= 2:
        assert likeness(typed, word) > 0.85
        assert asked_grams(typed) & grams(word)


def test_another_name_is_not_like_it():
    assert likeness("สมชาย", "วิภาดา") == 0
    assert likeness("ดา", "มี") == 0
