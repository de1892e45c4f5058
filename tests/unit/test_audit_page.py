"""What the page of the audit log makes of a row."""

import pytest

from crm_bridge.web.audit.routes import told


@pytest.mark.parametrize(
    ("detail", "line"),
    [
        ('{"count":2,"of":["call:a","call:b"]}', "count: 2 · of: call:a, call:b"),
        ('{"why":"เบอร์เดียวกัน"}', "why: เบอร์เดียวกัน"),
        ("{}", ""),
        ("not what was written", "not what was written"),
        ("[1]", "[1]"),
    ],
)
def test_the_facts_of_a_row_are_one_line(detail: str, line: str) -> None:
    assert told(detail) == line
