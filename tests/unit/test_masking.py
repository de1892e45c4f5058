"""How a caller is written for who need not know him."""

from __future__ import annotations

from crm_bridge.access import masking
from crm_bridge.access.roles import Role


def test_enough_is_left_to_tell_two_apart():
    assert masking.number("+66819998877") == "•••• 8877"
    assert masking.number("1203") == "1203"
    assert masking.number(None) == ""
    assert masking.name(" สมชาย ใจดี") == "ส•••"
    assert masking.name("") == ""
    assert masking.email("somchai@example.com") == "s•••@example.com"


def test_numbers_in_words_are_masked_and_other_digits_are_not():
    said = "โทร 081-999 8877 หรือ +66819998877 เลขที่ 69-000001-0 เวลา 2026-11-23T10:00"
    assert masking.words(said) == (
        "โทร •••• 8877 หรือ •••• 8877 เลขที่ 69-000001-0 เวลา 2026-11-23T10:00"
    )


def test_an_answer_is_masked_by_its_fields():
    given = {
        "items": [{"number": "+66819998877", "caller_name": "สมชาย", "name": "queue", "n": 3}],
        "numbers": ["+66819998877"], "email": "a@b.c", "text": "โทร 0819998877", "gone": None,
    }  # fmt: skip
    assert masking.published(given, "/api/v1/calls") == {
        "items": [{"number": "•••• 8877", "caller_name": "ส•••", "name": "queue", "n": 3}],
        "numbers": ["•••• 8877"], "email": "a•••@b.c", "text": "โทร •••• 8877", "gone": None,
    }  # fmt: skip
    assert masking.published({"name": "สมชาย"}, "/api/v1/people/{person_id}") == {"name": "ส•••"}
    home = {"address": "44/100"}
    assert masking.published(home, "/api/v1/people/{person_id}") == {"address": "4•••"}
    screen = {"address": "https://desk.example/wallboard/screen/x"}
    assert masking.published(screen, "/api/v1/wallboard/screens") == screen


def test_who_serves_callers_sees_them_and_who_checks_does_not():
    seeing = {role for role in Role if not masking.hides(role, "/calls")}
    assert {Role.AUDITOR, Role.ADMINISTRATOR} == set(Role) - seeing
    assert masking.hides(Role.AUDITOR, "/people/{person_id}")
    assert not masking.hides(Role.ADMINISTRATOR, "/people/{person_id}")
