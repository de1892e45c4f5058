"""An act of the desk as a message, and back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ivr.ami.message import declaration, event_name
from ivr.events import types as ev
from ivr.events.decode import decode


def test_an_act_is_read_back_as_it_was_declared():
    raw = declaration("pbx1-1795400000.7", "enquire_begin", 1_795_400_000_000_001, "dit", "1001")
    assert decode(raw) == ev.Declared(
        1_795_400_000_000_001, False, "pbx1-1795400000.7", "enquire_begin", "dit", "1001"
    )


def test_an_act_without_a_value_has_an_empty_one():
    event = decode(declaration("pbx1-1.1", "logged", 5_000_000, "", "1001"))
    assert isinstance(event, ev.Declared)
    assert event.value == ""


@given(text=st.text(max_size=40), at=st.integers(0, 4_000_000_000_000_000), by=st.text(max_size=9))
def test_no_text_reaches_out_of_its_header(text, at, by):
    raw = declaration("pbx1-1.1", "logged", at, f"{text}\r\nCallID: other", by)
    assert raw.count(b"\r\n") == 5
    assert event_name(raw) == "HotlineDeclared"
    event = decode(raw)
    assert isinstance(event, ev.Declared)
    assert (event.at, event.call_id, event.name) == (at, "pbx1-1.1", "logged")
