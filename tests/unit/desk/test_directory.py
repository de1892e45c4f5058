"""Finding whom to hand a caller to, and refusing everybody else."""

from __future__ import annotations

import pytest

from crm_bridge.clock import micros
from crm_bridge.commands.lab_config import read_agencies
from crm_bridge.config import AgencySection, Config, QueueSection
from crm_bridge.desk.control import national
from crm_bridge.desk.directory import Directory, Kind, is_open
from crm_bridge.desk.line import Line
from crm_bridge.errors import Refused

NOW = micros("2026-11-23T03:00:00Z")


@pytest.fixture(scope="module")
def directory() -> Directory:
    agency = {
        a.id: AgencySection(
            name_th=a.name_th, name_en=a.name_en, numbers=[a.number], province=a.province,
            kind=a.kind,  # type: ignore[arg-type]  # the file's own words
        )
        for a in read_agencies()
    }  # fmt: skip
    config = Config(
        agency=agency, queue={"complaint": QueueSection(service="complaint", number="6001")}
    )
    return Directory(config, Line(config.directory()))


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("ขอนแก่น", "pco-khon-kaen"),
        ("พาณิชย์ขอนแกน", "pco-khon-kaen"),
        ("สำนักงานพาณิชย์จังหวัดขอนแก่น", "pco-khon-kaen"),
        ("ขอนแกน", "pco-khon-kaen"),
        ("ขอแก่น", "pco-khon-kaen"),
        ("khonkaen", "pco-khon-kaen"),
        ("khon kean", "pco-khon-kaen"),
        ("KRABI", "pco-krabi"),
        ("การค้าภายใน", "dit"),
        ("internal trade", "dit"),
        ("intelectual", "dip"),
        ("ทรัพย์สิน", "dip"),
        ("ทรัพสินทางปัญญา", "dip"),
        ("dbd", "dbd"),
        ("2003", "dip"),
        ("๒๐๐๓", "dip"),
        ("ร้องเรียน", "complaint"),
        ("นครศรีธรรมราช", "pco-nakhon-si-thammarat"),
    ],
)
def test_the_first_hit_is_the_one_that_is_meant(
    directory: Directory, text: str, first: str
) -> None:
    found = directory.search(text, now=NOW)
    assert found, text
    assert found[0].entry.id == first


def test_nonsense_finds_nobody_and_nothing_asked_shows_all(directory: Directory) -> None:
    assert directory.search("zzqqxx", now=NOW) == []
    assert directory.search("9", now=NOW) == []
    assert [f.entry.id for f in directory.search("", now=NOW, limit=2)] == ["dit", "dbd"]
    assert {f.entry.kind for f in directory.search("", now=NOW, kinds=[Kind.QUEUE])} == {"queue"}


def test_a_number_that_is_in_it_and_others(directory: Directory) -> None:
    assert directory.check(" 2001 ", "1001") == "2001"
    for number in ("0812345678", "2001#", "", "20", "2001 2002", "1001&2001"):
        with pytest.raises(Refused):
            directory.check(number, "1001")


@pytest.mark.parametrize(
    ("at", "open_now"),
    [
        ("2026-11-23T01:29:59Z", False),
        ("2026-11-23T01:30:00Z", True),
        ("2026-11-23T09:29:59Z", True),
        ("2026-11-23T09:30:00Z", False),
        ("2026-11-22T03:00:00Z", False),
    ],
)
def test_office_hours_in_bangkok(at: str, open_now: bool) -> None:
    assert is_open("08:30-16:30", micros(at)) is open_now
    assert is_open("", micros(at)) is None


@pytest.mark.parametrize(
    ("number", "dialled"),
    [
        ("0812345678", "0812345678"),
        ("+66812345678", "0812345678"),
        ("+66 (0)2-507-4444", "025074444"),
        ("02 507 4444", "025074444"),
    ],
)
def test_numbers_that_can_be_called_back(number: str, dialled: str) -> None:
    assert national(number) == dialled


@pytest.mark.parametrize(
    "number", ["", "191", "1203", "1900123456", "+14155550100", "00668123456", "0812345678,w9",
               "08123456789", "0812345678&PJSIP/1", "๐๘๑๒๓๔๕๖๗๘"],
)  # fmt: skip
def test_numbers_that_cannot(number: str) -> None:
    with pytest.raises(Refused, match="Thai telephone numbers"):
        national(number)
