"""A paper in each of its forms: read back by another library, the same to the byte, and tame."""

from __future__ import annotations

import asyncio
import csv
import io
import re
import zipfile
from dataclasses import replace
from datetime import date, timedelta

import openpyxl
import pypdf
import pytest

from crm_bridge.errors import Refused
from crm_bridge.papers import pdf_paper
from crm_bridge.papers.csv_paper import csv_zip, one_csv
from crm_bridge.papers.lettering import lifted
from crm_bridge.papers.paper import Paper
from crm_bridge.papers.press import MOST_ROWS, MOST_WAITING, Press, PrintingFailed
from crm_bridge.papers.xlsx_paper import xlsx
from crm_bridge.reports.period import month_of
from crm_bridge.reports.sheets import WITHHELD, Cell, Column, Kind, Sheet

from_iso = openpyxl.utils.datetime.from_ISO8601
SECOND = 1_000_000
MADE = 1_793_500_000_000_000
COLUMNS = (
    Column("step", ("ขั้นตอน", "Step"), Kind.TEXT),
    Column("calls", ("สาย", "Calls"), Kind.COUNT, "offered"),
    Column("share", ("ทันกำหนด", "Within"), Kind.SHARE, "compliance"),
    Column("span", ("มัธยฐาน", "p50"), Kind.SPAN),
    Column("number", ("จำนวนเฉลี่ย", "Mean"), Kind.NUMBER),
    Column("day", ("วัน", "Day"), Kind.DAY),
    Column("moment", ("เวลา", "Moment"), Kind.MOMENT),
)
THAI = "เจ้าหน้าที่ศูนย์บริการฯ ให้คำปรึกษา น้ำ ป๊ะ ญี่ปุ่น กตัญญู"
CHART = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 100"><rect width="9" height="9"/>'
    '<g transform="translate(10 20)"><text x="40" y="30" text-anchor="middle">ที่ปรึกษา</text></g>'
    "</svg>"
)


def paper(*rows, lang="th", **given) -> Paper:
    some = (
        ((THAI, "The officer advises"), 1234, 0.9567, 3_725 * SECOND, 2.5, date(2026, 10, 3), MADE),
        ("=1+1", None, None, None, None, None, None),
        ("-", WITHHELD, Cell(0.5, bad=True), 90_000 * SECOND, -1, "2026-10-04", MADE),
    )
    made = Paper(
        "overview", ("ผลการให้บริการ", "How it went"), lang, month_of(date(2026, 10, 1)),
        (Sheet("steps", ("ขั้นตอน", "Steps"), COLUMNS, rows or some, (("หมายเหตุ", "a note"),)),),
        MADE, ("สมศรี", "Somsri"), source="ab" * 32, not_observed=0.25,
    )  # fmt: skip
    return replace(made, **given)


def rows_of(data: bytes) -> list[list[str]]:
    assert data.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def test_csv_is_for_programs_and_acts_in_no_spreadsheet():
    head, first, second, third = rows_of(one_csv(paper(), "steps"))
    assert head[2:4] == ["ทันกำหนด (สัดส่วน 0–1)", "มัธยฐาน (วินาที)"]
    assert first == [
        THAI, "1234", "0.956700", "3725", "2.5", "2026-10-03", "2026-11-01T09:26:40+07:00",
    ]  # fmt: skip
    assert second == ["'=1+1", "", "", "", "", "", ""]
    assert third[:5] == ["'-", "*", "0.500000", "90000", "-1"]
    for act in ("=cmd()", "+1", "@SUM(A1)", "\tx", "\r=1", "＝1"):
        (_, row) = rows_of(one_csv(paper((act, *[None] * 6)), "steps"))
        assert row[0] == f"'{act}"
    with pytest.raises(Refused):
        one_csv(paper(), "../steps")


def test_the_zip_says_what_it_is():
    packed = zipfile.ZipFile(io.BytesIO(csv_zip(paper())))
    assert packed.namelist() == ["about.csv", "steps.csv", "definitions.csv", "notes.csv"]
    about = dict(rows_of(packed.read("about.csv")))
    assert about["ช่วงเวลา"] == "1 ต.ค. 2569 – 31 ต.ค. 2569"
    assert about["ค่าตรวจสอบแหล่งข้อมูล"] == "SHA-256 " + "ab" * 32
    assert about["ไม่มีหลักฐานโดยตรง"] == "25.0 %"
    assert about["จัดทำโดย"] == "สมศรี"
    defined = rows_of(packed.read("definitions.csv"))
    assert [row[0] for row in defined[1:]] == ["compliance", "offered"]
    assert defined[1][-1] == "1"


def test_xlsx_holds_values_of_their_own_kinds():
    book = openpyxl.load_workbook(io.BytesIO(xlsx(paper())))
    assert book.sheetnames == ["เกี่ยวกับรายงาน", "ขั้นตอน", "definitions"]
    sheet = book["ขั้นตอน"]
    assert [c.value for c in sheet[2]] == [
        THAI, 1234, 0.9567, timedelta(seconds=3725), 2.5, from_iso("2026-10-03T00:00:00"),
        from_iso("2026-11-01T09:26:40"),
    ]  # fmt: skip
    assert [c.number_format for c in sheet[2]][1:4] == ["#,##0", "0.0%", "[h]:mm:ss"]
    assert "107041E" in sheet["F2"].number_format
    assert (sheet["A3"].value, sheet["A3"].data_type) == ("=1+1", "s")
    assert [c.value for c in sheet[3]][1:] == [None] * 6
    assert sheet["B4"].value == "*"
    assert sheet["D4"].value == timedelta(hours=25)
    assert (sheet["C4"].value, sheet["C4"].font.bold) == (0.5, True)
    assert sheet.freeze_panes == "B2"
    assert sheet["A2"].font.name == "TH Sarabun New"
    assert any("SHA-256" in str(c.value) for row in book.worksheets[0] for c in row)
    assert book["definitions"]["D2"].value == 1


def test_names_of_sheets_are_fit_and_different():
    long = ("ผลการให้บริการ/ตามเวลา: มาตรฐาน [ทุกขั้นตอน]", "x")
    twice = tuple(Sheet(f"s{n}", long, COLUMNS, ()) for n in range(3))
    names = openpyxl.load_workbook(io.BytesIO(xlsx(paper(sheets=twice)))).sheetnames
    assert len({n.lower() for n in names}) == 5
    assert all(len(n) <= 31 for n in names)


@pytest.fixture(scope="module")
def printed() -> pypdf.PdfReader:
    made = paper(charts={"steps": CHART}, summary=(("สรุปเดือนนี้", "in short"),))
    return pypdf.PdfReader(io.BytesIO(pdf_paper.pdf(made)))


def test_pdf_holds_every_letter_and_says_what_it_is(printed: pypdf.PdfReader):
    text = " ".join(page.extract_text() for page in printed.pages)
    whole = " ".join(text.split())
    for said in (
        "ผลการให้บริการ", "1 ต.ค. 2569 – 31 ต.ค. 2569", "สรุปเดือนนี้", "1,234", "95.7 %", "1:02:05",
        "50.0 % !", "หมายเหตุ", "SHA-256", "--last 2026-10-31", "หน้า 1 / ", "ฉบับที่ 1",
        "เอกสารภายใน", "1 พ.ย. 2569 09:26",
    ):  # fmt: skip
        assert said in whole, said
    # sara am is printed as its two halves, the tone mark between them; no letter may be lost
    halves = re.sub("([่้๊๋]?)ำ", "\u0e4d\\1า", THAI)
    assert halves.replace(" ", "") in whole.replace(" ", "")
    assert "ab" * 32 in whole.replace(" ", "")
    assert printed.metadata is not None
    assert printed.metadata.title == "ผลการให้บริการ"


def test_pdf_has_our_fonts_in_it_and_shapes_thai(printed: pypdf.PdfReader):
    fonts = {
        str(font.get_object()["/BaseFont"])
        for page in printed.pages
        for font in page["/Resources"]["/Font"].values()
    }
    assert fonts
    assert all("Sarabun" in name for name in fonts), fonts
    content = printed.pages[0].get_contents()
    assert content is not None
    assert b" Ts" in content.get_data()  # marks are raised to their place above a vowel


def test_a_paper_asks_for_nothing_but_our_fonts(caplog: pytest.LogCaptureFixture):
    hostile = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><image href="{}"/></svg>'
    asked = [hostile.format(u) for u in ("http://127.0.0.1:1/x", "file:///etc/passwd")]
    page = pdf_paper.html(
        paper(
            charts=dict(zip(("steps", "more"), asked, strict=True)),
            title=("<img src=x onerror=y>", "x"),
        )
    )
    assert "<image" not in page
    assert "&lt;img src=x" in page
    assert "http://127.0.0.1" not in page


def test_letters_of_a_chart_stand_where_they_stood():
    picture = lifted(CHART)
    (letters,) = picture.letters
    assert (letters.text, letters.shift, picture.ratio) == ("ที่ปรึกษา", "-50%", 0.5)
    assert letters.left == pytest.approx(50 / 200)
    assert letters.top == pytest.approx((50 - 0.918 * 12) / 100)
    assert letters.colour == "#14202e"
    white = lifted(CHART.replace("<text", '<text fill="#fff"')).letters[0]
    hostile = lifted(CHART.replace("<text", '<text fill="red;x:url(http://x)"')).letters[0]
    assert (white.colour, hostile.colour) == ("#fff", "#14202e")
    assert "<text" not in picture.svg
    for wrong in ("<svg", '<svg xmlns="http://www.w3.org/2000/svg"/>'):
        with pytest.raises(ValueError, match="SVG"):
            lifted(wrong)


async def test_the_press_prints_the_same_bytes_twice():
    press = Press()
    for form in ("pdf", "xlsx", "csv"):
        first, second = [await press.print(paper(lang="en"), form) for _ in range(2)]
        assert first == second


async def test_the_press_has_bounds():
    long = paper(*[("x", *[None] * 6)] * (MOST_ROWS["pdf"] + 1))
    with pytest.raises(Refused) as refused:
        await Press().print(long, "pdf")
    assert refused.value.code == "report-too-long"
    with pytest.raises(PrintingFailed, match="not done"):
        await Press(within=0.01).print(paper(), "pdf")
    press = Press()
    running = [asyncio.create_task(press.print(paper(), "xlsx")) for _ in range(MOST_WAITING + 1)]
    done = await asyncio.gather(*running, return_exceptions=True)
    assert [type(d) for d in done] == [*[bytes] * MOST_WAITING, Refused]


async def test_what_fails_in_the_press_is_said():
    with pytest.raises(PrintingFailed, match="viewBox"):
        await Press().print(paper(charts={"steps": "<svg/>"}), "pdf")
