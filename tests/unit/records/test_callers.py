"""Numbers as lines present them."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_bridge.records.callers import LONGEST_PRESENTED, clean, normalise


@pytest.mark.parametrize(
    ("presented", "e164", "kind"),
    [
        ("0812345678", "+66812345678", "mobile"),
        ("081-234-5678", "+66812345678", "mobile"),
        ("(081) 234 5678", "+66812345678", "mobile"),
        ("๐๘๑๒๓๔๕๖๗๘", "+66812345678", "mobile"),
        ("+66812345678", "+66812345678", "mobile"),
        ("+660812345678", "+66812345678", "mobile"),
        ("66812345678", "+66812345678", "mobile"),
        ("812345678", "+66812345678", "mobile"),
        ("0066812345678", "+66812345678", "mobile"),
        ("00660812345678", "+66812345678", "mobile"),
        ("00166812345678", "+66812345678", "mobile"),
        ("sip:+66812345678@trunk.example", "+66812345678", "mobile"),
        ("tel:0812345678", "+66812345678", "mobile"),
        ("02-547-5000", "+6625475000", "fixed"),
        ("02-547-5000-5", "+6625475000", "fixed"),
        ("+66-2-547-5000-5", "+6625475000", "fixed"),
        ("025475000;ext=5", "+6625475000", "fixed"),
        ("025475000 ext. 5", "+6625475000", "fixed"),
        ("025475000x5", "+6625475000", "fixed"),
        ("025475000#5", "+6625475000", "fixed"),
        ("025475000 ต่อ 5", "+6625475000", "fixed"),
        ("053112650", "+6653112650", "fixed"),
        ("+12125551234", "+12125551234", "foreign"),
        ("0012125551234", "+12125551234", "foreign"),
        ("00112125551234", "+12125551234", "foreign"),
        ("1203", None, "short"),
        ("1111", None, "short"),
        ("1569", None, "short"),
        ("191", None, "short"),
        ("1001", None, "short"),
        ("0000000000", None, "invalid"),
        ("1-800-FLOWERS", None, "invalid"),
        ("+", None, "invalid"),
        ("1" * 70, None, "invalid"),
        ("'; DROP TABLE calls", None, "invalid"),
    ],
)
def test_a_number_is_read_as_the_line_means_it(presented, e164, kind):
    found = normalise(presented)
    assert (found.e164, found.kind, found.withheld) == (e164, kind, False)
    assert found.presented == presented


@pytest.mark.parametrize(
    ("presented", "kind"),
    [
        (None, "unknown"),
        ("", "unknown"),
        ("   ", "unknown"),
        ("<unknown>", "unknown"),
        ("Unavailable", "unknown"),
        ("anonymous", "withheld"),
        ("Anonymous", "withheld"),
        ("sip:anonymous@anonymous.invalid", "withheld"),
        ("restricted", "withheld"),
        ('"Private"', "withheld"),
    ],
)
def test_a_hidden_number_is_withheld(presented, kind):
    found = normalise(presented)
    assert (found.e164, found.kind, found.withheld) == (None, kind, True)


def test_the_region_is_free():
    assert normalise("020 7946 0000", "GB").e164 == "+442079460000"


@given(st.text(max_size=300))
def test_any_text_is_taken(presented):
    found = normalise(presented)
    assert found.presented is not None
    assert len(found.presented) <= LONGEST_PRESENTED
    found.presented.encode()
    assert "\0" not in found.presented
    if found.e164 is not None:
        assert phonenumbers.is_valid_number(phonenumbers.parse(found.e164))
        assert normalise(found.e164).e164 == found.e164


@given(st.from_regex(r"\+?[0-9 ()/.\-]{1,45}(;ext=[0-9]+)?", fullmatch=True))
def test_any_digits_are_taken(presented):
    found = normalise(presented)
    assert found.e164 is None or found.e164.startswith("+")


@given(st.text(alphabet=st.characters(), max_size=50), st.integers(0, 60))
def test_clean_text_can_be_stored(text, longest):
    kept = clean(text, longest)
    kept.encode()
    assert "\0" not in kept
    assert len(kept) <= longest
