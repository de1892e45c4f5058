"""Cursors and ETags: what came from us is taken, anything else is refused and never raises."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from crm_bridge.errors import Refused
from crm_bridge.web import etags, paging

KEY = st.tuples(st.integers(-(2**62), 2**62), st.text(st.characters(categories=("L", "N"))))


@given(KEY)
def test_a_cursor_comes_back_as_it_was(key: tuple[int, str]):
    assert paging.decode(paging.encode(key), int, str) == key


@given(st.text())
def test_any_other_text_is_refused(text: str):
    with contextlib.suppress(Refused):
        found = paging.decode(text, int, str)
        assert found is not None
        assert paging.decode(paging.encode(found), int, str) == found


@pytest.mark.parametrize("key", [[1], [1, 2], ["a", 1], [True, "a"], [2**63, "a"], [1, "a\0"]])
def test_a_cursor_of_another_list_is_refused(key: list[object]):
    with pytest.raises(Refused):
        paging.decode(paging.encode(key), int, str)


def _asking(value: str | None) -> Request:
    headers = [] if value is None else [(b"if-match", value.encode("latin-1"))]
    return Request({"type": "http", "headers": headers})


@pytest.mark.parametrize("value", ['"3"', 'W/"3"', "3"])
def test_an_edit_of_the_version_seen_is_let_through(value: str):
    etags.require(_asking(value), 3)


@pytest.mark.parametrize(
    "value, status",
    [(None, 428), ("*", 428), ('"2"', 412), ('"x"', 428), ('"' + "9" * 40 + '"', 428)],
)
def test_any_other_edit_is_refused(value: str | None, status: int):
    with pytest.raises(Refused) as refused:
        etags.require(_asking(value), 3)
    assert refused.value.status == status
