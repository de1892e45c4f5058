"""Everything held of a person as one zip: `data.json` for programs, `record.html` for people."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from html import escape
from typing import Any, Final

from crm_bridge.clock import iso, micros
from ivr.steps.standards import OFFICE_ZONE

Records = list[dict[str, Any]]

_LABELS: Final[dict[str, tuple[str, str]]] = {
    "name": ("ชื่อ", "Name"),
    "surname": ("นามสกุล", "Surname"),
    "email": ("อีเมล", "E-mail"),
    "province": ("จังหวัด", "Province"),
    "address": ("ที่อยู่", "Address"),
    "language": ("ภาษา", "Language"),
    "notes": ("ข้อควรทราบ", "What to know"),
    "dated_notes": ("บันทึก", "Notes"),
    "numbers": ("หมายเลขโทรศัพท์", "Telephone numbers"),
    "e164": ("หมายเลข", "Number"),
    "label": ("ประเภท", "Kind"),
    "text": ("ข้อความ", "Text"),
    "at": ("เมื่อ", "At"),
    "created_at": ("สร้างเมื่อ", "Made"),
    "updated_at": ("แก้ไขเมื่อ", "Changed"),
    "heard_at": ("ติดต่อครั้งก่อนเมื่อ", "Heard before, at"),
    "entered_at": ("โทรเข้าเมื่อ", "Called at"),
    "answered_at": ("รับสายเมื่อ", "Answered at"),
    "ended_at": ("สิ้นสุดเมื่อ", "Ended at"),
    "caller_number": ("หมายเลขผู้โทร", "Caller's number"),
    "caller_number_presented": ("หมายเลขที่ปรากฏ", "Number as presented"),
    "caller_name": ("ชื่อที่ปรากฏ", "Name as presented"),
    "outcome": ("ผล", "Outcome"),
    "service": ("บริการ", "Service"),
    "wrapups": ("บันทึกหลังสาย", "Written after the call"),
    "summary": ("สรุป", "Summary"),
    "subject": ("เรื่อง", "Subject"),
    "follow_up": ("ติดตาม", "Follow-up"),
    "ticket": ("เลข Ticket", "Ticket"),
    "ref": ("เลขอ้างอิง", "Reference"),
    "title": ("ชื่อเรื่อง", "Title"),
    "facts": ("ข้อเท็จจริง", "Facts"),
    "wanted": ("ความประสงค์", "What is wanted"),
    "state": ("สถานะ", "State"),
    "respondent": ("ผู้ถูกร้องเรียน", "Respondent"),
    "place": ("สถานที่", "Place"),
    "product": ("สินค้า/บริการ", "Product"),
    "complainant_name": ("ผู้ร้องเรียน", "Complainant"),
    "complainant_number": ("หมายเลขผู้ร้องเรียน", "Complainant's number"),
    "complainant_email": ("อีเมลผู้ร้องเรียน", "Complainant's e-mail"),
    "timeline": ("ลำดับเหตุการณ์", "Timeline"),
    "files": ("ไฟล์แนบ", "Files"),
    "topic": ("ประเด็นหารือ", "Topic"),
    "starts_at": ("เริ่ม", "Starts"),
    "ends_at": ("สิ้นสุด", "Ends"),
    "recipient": ("ส่งถึง", "Sent to"),
    "body": ("เนื้อหา", "Content"),
    "sent_at": ("ส่งเมื่อ", "Sent"),
    "connector": ("ระบบ CRM", "CRM"),
    "url": ("ที่อยู่ในระบบนั้น", "Address there"),
    "native": ("สถานะในระบบนั้น", "Status there"),
}

_OF_THE_SYSTEM: Final = frozenset(
    {"id", "person_id", "merged_into", "round", "calendar_version", "linkedids", "revision", "node"}
)
"""Left out of the page, not of the data: they say nothing to a person."""
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")

_STYLE: Final = (
    "body{font:16px/1.5 Sarabun,'Noto Sans Thai',sans-serif;max-width:60em;margin:2em auto;"
    "padding:0 1em;color:#14202e}h2{border-bottom:2px solid #14508c;margin-top:2em}"
    "table{border-collapse:collapse;width:100%;margin:.4em 0 1.2em}"
    "th,td{border:1px solid #d5dce4;padding:4px 8px;text-align:left;vertical-align:top}"
    "th{width:14em;background:#f2f5f8;font-weight:600}table table{margin:0}small{color:#52606f}"
)


def archive(
    at_us: int,
    rooms: Sequence[tuple[str, str, str, Records]],
    withheld: Sequence[Mapping[str, str | None]],
) -> bytes:
    """The zip of these rooms (key, Thai name, English name, records) as of this moment.

    `withheld` names what is not given out, and by which law. The same input gives the same bytes.
    """
    data = {
        "made_at": iso(at_us),
        "rooms": {key: _published(records) for key, _, _, records in rooms},
        "withheld": list(withheld),
    }
    text = json.dumps(data, ensure_ascii=False, indent=2, default=str)
    page = _page(at_us, rooms, data["rooms"], withheld)  # type: ignore[arg-type]  # as just built
    packed = io.BytesIO()
    moment = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at_us)).timetuple()[:6]
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in (("data.json", text), ("record.html", page)):
            file.writestr(
                zipfile.ZipInfo(name, moment), content.encode(), compress_type=zipfile.ZIP_DEFLATED
            )
    return packed.getvalue()


def _published(value: Any) -> Any:
    """The same with times as everywhere outside: `*_us` → `*_at` in ISO 8601."""
    if isinstance(value, dict):
        return {
            (f"{key[:-3]}_at" if key != "at_us" else "at") if key.endswith("_us") else key: iso(
                inner
            )
            if key.endswith("_us") and inner is not None
            else _published(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [_published(inner) for inner in value]
    return value


def _page(
    at_us: int,
    rooms: Sequence[tuple[str, str, str, Records]],
    published: Mapping[str, list[Any]],
    withheld: Sequence[Mapping[str, str | None]],
) -> str:
    parts = [
        '<!doctype html><html lang="th"><meta charset="utf-8">',
        "<title>ข้อมูลส่วนบุคคล – สายด่วน 1203</title>",
        f"<style>{_STYLE}</style>",
        "<h1>ข้อมูลส่วนบุคคลที่สายด่วน 1203 กระทรวงพาณิชย์ เก็บรักษาไว้</h1>",
        f"<p>Personal data held by hotline 1203, Ministry of Commerce. {_moment(at_us)}</p>",
        "<p>จัดทำตามพระราชบัญญัติคุ้มครองข้อมูลส่วนบุคคล พ.ศ. 2562 มาตรา 30</p>",
    ]
    for key, th, en, _ in rooms:
        records = published[key]
        parts.append(f"<h2>{escape(th)} <small>{escape(en)} ({len(records)})</small></h2>")
        parts.extend(_table(record) for record in records)
        if not records:
            parts.append("<p>ไม่มีข้อมูล / Nothing held</p>")
    if withheld:
        parts.append("<h2>ข้อมูลที่ไม่อาจเปิดเผย <small>Not given out</small></h2>")
        parts.extend(
            f"<p>{escape(hold['th'] or '')} – {escape(hold['law_th'] or '')}<br>"
            f"<small>{escape(hold['en'] or '')} {escape(hold['law_en'] or '')}</small></p>"
            for hold in withheld
        )
    return "".join(parts) + "</html>"


def _table(record: Mapping[str, Any]) -> str:
    rows = []
    for key, value in record.items():
        if value is None or value in ("", [], {}) or key in _OF_THE_SYSTEM:
            continue
        th, en = _LABELS.get(key, (key, ""))
        label = (
            f"{escape(th)} <small>{escape(en)}</small>" if en else f"<small>{escape(th)}</small>"
        )
        rows.append(f"<tr><th>{label}</th><td>{_cell(value)}</td></tr>")
    return f"<table>{''.join(rows)}</table>"


def _cell(value: Any) -> str:
    if isinstance(value, Mapping):
        return _table(value)
    if isinstance(value, list):
        return "".join(_cell(inner) if isinstance(inner, Mapping | list) else
                       f"{escape(str(inner))}<br>" for inner in value)  # fmt: skip
    if isinstance(value, bool):
        return "ใช่ / yes" if value else "ไม่ / no"
    if isinstance(value, str) and _MOMENT.fullmatch(value):
        return _moment(micros(value))
    return escape(str(value)).replace("\n", "<br>")


def _moment(at_us: int) -> str:
    """`23/11/2569 11:05:06 น.`: the office's wall clock, Buddhist era."""
    when = datetime.fromtimestamp(at_us // 1_000_000, UTC).astimezone(OFFICE_ZONE)
    return f"{when.day}/{when.month}/{when.year + 543} {when:%H:%M:%S} น."
