"""What is kept of a person, checked: each fault named in Thai and English beside its field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from crm_bridge.errors import Refused
from crm_bridge.people.area_codes import AREA_CODES
from crm_bridge.people.names import plain
from crm_bridge.records.callers import clean, normalise

PROVINCES: Final = frozenset(name for names in AREA_CODES.values() for name in names)
"""Thai names of the 76 provinces and Bangkok."""

LIMITS: Final = {"name": 200, "email": 254, "province": 60, "address": 1000, "notes": 4000}
_FIELD_NAMES: Final = {
    "name": ("ชื่อ", "name"),
    "email": ("อีเมล", "e-mail"),
    "province": ("จังหวัด", "province"),
    "address": ("ที่อยู่", "address"),
    "notes": ("ข้อควรทราบ", "what to know"),
}
_EMAIL: Final = re.compile(r"[^@\s<>\"',;:\\()\[\]]+@[^@\s<>\"',;:\\()\[\]]+\.[^@\s.<>\"',;:\\]+")
LONGEST_NOTE: Final = 4000
LANGUAGES: Final = ("th", "en", "other")


def checked(fields: Mapping[str, str | None]) -> dict[str, str | None]:
    """The fields as they are kept: cleaned, empty ones `None`; `Refused` (422) names each fault."""
    kept: dict[str, str | None] = {}
    faults: dict[str, tuple[str, str]] = {}
    for name, value in fields.items():
        if name == "language":
            kept[name] = value or "th"
            if kept[name] not in LANGUAGES:
                faults[name] = ("ไม่รู้จักภาษานี้", "Not a language known here")
            continue
        limit = LIMITS[name]
        if value is not None and len(value) > limit:
            faults[name] = (f"ยาวเกิน {limit} ตัวอักษร", f"Longer than {limit} characters")
            continue
        clear = lines if name in {"address", "notes"} else plain
        kept[name] = clear(clean(value, limit)) or None if value else None
    if (email := kept.get("email")) and not _EMAIL.fullmatch(email):
        faults["email"] = ("รูปแบบอีเมลไม่ถูกต้อง", "Not an e-mail address")
    if (province := kept.get("province")) and province not in PROVINCES:
        faults["province"] = ("ไม่มีจังหวัดนี้", "There is no such province")
    if faults:
        which_th = ", ".join(_FIELD_NAMES.get(n, ("ภาษา", ""))[0] for n in faults)
        which_en = ", ".join(_FIELD_NAMES.get(n, ("", "language"))[1] for n in faults)
        raise Refused(
            "person-fields", f"กรุณาตรวจสอบ: {which_th}", f"Please check: {which_en}.", 422, faults
        )
    return kept


def lines(text: str) -> str:
    """The text with its lines kept, each cleaned."""
    split = clean(text, 20_000).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(plain(line) for line in split).strip()


def e164_of(number: str) -> str:
    """The number in E.164, from any written form; `Refused` (422) where it is none."""
    e164 = normalise(number).e164
    if e164 is None:
        th, en = "ไม่ใช่หมายเลขโทรศัพท์ที่ใช้ได้", "Not a telephone number that can be dialled"
        raise Refused("number", th + ": กรุณาตรวจสอบ", en + ".", 422, {"number": (th, en)})
    return e164
