"""A ticket number survives the telephone: what is misheard is found out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_bridge.cases.ticket_number import LAST, NotATicket, TicketNumber, damm, looks_like, parse

NUMBERS = st.builds(TicketNumber, st.integers(2567, 2599), st.integers(1, LAST))


def test_the_form():
    number = TicketNumber(2569, 123)
    assert str(number) == "69-000123-8"
    assert parse("69-000123-8") == number
    assert damm("572") == 4  # the example of Damm's dissertation


@given(NUMBERS)
def test_what_is_written_is_read_again(number):
    assert parse(str(number)) == number


@given(NUMBERS, st.integers(0, 8), st.integers(1, 9))
def test_every_single_wrong_digit_is_found(number, place, more):
    digits = str(number).replace("-", "")
    wrong = digits[:place] + str((int(digits[place]) + more) % 10) + digits[place + 1 :]
    with pytest.raises(NotATicket, match="a digit is wrong"):
        parse(wrong)


@given(NUMBERS, st.integers(0, 7))
def test_every_swap_of_neighbours_is_found(number, place):
    digits = str(number).replace("-", "")
    if digits[place] == digits[place + 1]:
        return
    swapped = digits[:place] + digits[place + 1] + digits[place] + digits[place + 2 :]
    with pytest.raises(NotATicket, match="two are swapped"):
        parse(swapped)


def test_the_table_itself_is_proof():
    """Damm's property for every state and every pair: no error of these two kinds passes."""
    for prefix in range(10):
        for a in range(10):
            assert damm(f"{prefix}{a}{damm(f'{prefix}{a}')}") == 0
            for b in range(10):
                if a != b:
                    assert damm(f"{prefix}{a}") != damm(f"{prefix}{b}")
                    assert damm(f"{prefix}{a}{b}") != damm(f"{prefix}{b}{a}")


@pytest.mark.parametrize(
    "text",
    [
        "690001238",
        "69 000 123 8",
        " 69-000123-8 ",
        "๖๙-๐๐๐๑๒๓-๘",
        "69‑000123‑8",
        "69–000123–8",
        "69.000.123.8",
        "69-123-8",
        "2569-000123-8",
        "เลขที่ 69-000123-8 ครับ",
        "#69/000123/8",
        "６９－０００１２３－８",
    ],
)
def test_it_is_read_as_people_write_it(text):
    assert parse(text) == TicketNumber(2569, 123)


@pytest.mark.parametrize("text", ["", "69", "สมชาย", "0812345678", "69-0001234-2", "x" * 4000])
def test_what_is_none_says_so_in_both_languages(text):
    with pytest.raises(NotATicket) as caught:
        parse(text)
    assert "9 digits" in caught.value.en
    assert "9 หลัก" in caught.value.th


def test_number_zero_is_none():
    with pytest.raises(NotATicket, match="no such"):
        parse(f"69000000{damm('69000000')}")
    with pytest.raises(ValueError, match="no ticket number"):
        TicketNumber(2569, LAST + 1)


def test_it_is_spoken_digit_by_digit():
    number = TicketNumber(2569, 123)
    assert number.spoken("en") == "six nine, zero zero zero, one two three, eight"
    assert number.spoken() == "หก เก้า  ศูนย์ ศูนย์ ศูนย์  หนึ่ง สอง สาม  แปด"


def test_a_search_tells_a_ticket_from_a_telephone_number():
    assert looks_like("69-000123-8")
    assert not looks_like("081-234-5678")
    assert not looks_like("ตลาด 69-000123-8")
