"""A note of the survey is read as far as it is one."""

from __future__ import annotations

import pytest

from crm_bridge.desk.survey_notes import noted
from ivr.calls.call import Mark

AT = 1_764_000_000_123_456


@pytest.mark.parametrize(
    ("note", "marks"),
    [
        ("", []),
        (f"/survey_begin@{AT}@information/survey_rating@{AT + 1}@5",
         [("survey_begin", AT, "information"), ("survey_rating", AT + 1, "5")]),
        (f"/survey_end@{AT}@left/survey_rating@{AT}", [("survey_end", AT, "left")]),
        (f"/greeting_end@{AT}@x/survey_who@{AT}@x/survey_end@12@left", []),
        ("nonsense", []),
    ],
)  # fmt: skip
def test_a_note(note, marks):
    assert list(noted(note)) == [Mark(name, at, value, None) for name, at, value in marks]
