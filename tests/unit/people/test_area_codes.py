"""Area codes against libphonenumber's own data, and against the offices of the ministry."""

from __future__ import annotations

import csv
from pathlib import Path

import phonenumbers
import pytest
from phonenumbers import geocoder

from crm_bridge.people.area_codes import AREA_CODES, provinces_of

YOUNGER = {"หนองบัวลำภู", "บึงกาฬ"}
SHORT = {"กรุงเทพ": "กรุงเทพมหานคร"}


@pytest.mark.parametrize("code", sorted(AREA_CODES))
def test_each_area_has_the_provinces_libphonenumber_names(code):
    e164 = "+66" + code.ljust(8, "2")
    named = geocoder.description_for_number(phonenumbers.parse(e164), "th").split("/")
    want = {SHORT.get(name, name) for name in named}
    assert set(provinces_of(e164)) - YOUNGER == want


def test_the_provinces_are_those_of_the_provincial_offices_and_bangkok():
    path = Path(__file__).parents[3] / "dialplan" / "agencies.csv"
    with path.open(encoding="utf-8") as file:
        offices = {row["province"] for row in csv.DictReader(file) if row["province"]}
    known = {name for names in AREA_CODES.values() for name in names}
    assert known - {"กรุงเทพมหานคร"} == offices
    assert len(known) == 77


@pytest.mark.parametrize("e164", [None, "+66812345678", "+44201234567", "+6660123456", "1203"])
def test_a_number_without_a_place_stands_nowhere(e164):
    assert provinces_of(e164) == ()
