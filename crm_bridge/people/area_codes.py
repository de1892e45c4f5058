"""Where a Thai fixed-line number stands: area code → province or provinces.

Source: the National Telecommunications Commission's numbering plan of Thailand as announced to the
ITU (communication of 2 June 2006, E.164 country code 66), whose areas are also libphonenumber's
geocoding data, with which a test compares this table. Two provinces are younger than their area or
left out there: Nong Bua Lam Phu (1993) and Bueng Kan (2011) are both of 042. A mobile or VoIP
number stands nowhere.
"""

from __future__ import annotations

from typing import Final

_BANGKOK: Final = ("กรุงเทพมหานคร", "นนทบุรี", "ปทุมธานี", "สมุทรปราการ")
_EAST: Final = ("ฉะเชิงเทรา", "ชลบุรี", "ระยอง")
_UPPER_NORTH: Final = ("เชียงราย", "เชียงใหม่", "แม่ฮ่องสอน", "ลำพูน")

AREA_CODES: Final[dict[str, tuple[str, ...]]] = {
    "2": _BANGKOK,
    "32": ("ประจวบคีรีขันธ์", "เพชรบุรี", "ราชบุรี"),
    "33": _EAST,
    "34": ("กาญจนบุรี", "นครปฐม", "สมุทรสงคราม", "สมุทรสาคร"),
    "35": ("พระนครศรีอยุธยา", "สุพรรณบุรี", "อ่างทอง"),
    "36": ("ลพบุรี", "สระบุรี", "สิงห์บุรี"),
    "37": ("นครนายก", "ปราจีนบุรี", "สระแก้ว"),
    "38": _EAST,
    "39": ("จันทบุรี", "ตราด"),
    "42": (
        "นครพนม",
        "บึงกาฬ",
        "มุกดาหาร",
        "เลย",
        "สกลนคร",
        "หนองคาย",
        "หนองบัวลำภู",
        "อุดรธานี",
    ),
    "43": ("กาฬสินธุ์", "ขอนแก่น", "มหาสารคาม", "ร้อยเอ็ด"),
    "44": ("ชัยภูมิ", "นครราชสีมา", "บุรีรัมย์", "สุรินทร์"),
    "45": ("ยโสธร", "ศรีสะเกษ", "อำนาจเจริญ", "อุบลราชธานี"),
    "52": _UPPER_NORTH,
    "53": _UPPER_NORTH,
    "54": ("น่าน", "พะเยา", "แพร่", "ลำปาง"),
    "55": ("กำแพงเพชร", "ตาก", "พิษณุโลก", "สุโขทัย", "อุตรดิตถ์"),
    "56": ("ชัยนาท", "นครสวรรค์", "พิจิตร", "เพชรบูรณ์", "อุทัยธานี"),
    "73": ("นราธิวาส", "ปัตตานี", "ยะลา"),
    "74": ("พัทลุง", "สงขลา", "สตูล"),
    "75": ("กระบี่", "ตรัง", "นครศรีธรรมราช"),
    "76": ("พังงา", "ภูเก็ต"),
    "77": ("ชุมพร", "ระนอง", "สุราษฎร์ธานี"),
}
"""National area code without its 0 → Thai names of the provinces, as agencies.csv writes them."""

_FIXED_LENGTH: Final = 8
"""Digits of a fixed-line number after +66; a mobile one has nine."""


def provinces_of(e164: str | None) -> tuple[str, ...]:
    """Thai names of the provinces a fixed-line number may stand in; empty where nothing is told."""
    if e164 is None or not e164.startswith("+66") or len(e164) != 3 + _FIXED_LENGTH:
        return ()
    national = e164[3:]
    return AREA_CODES.get(national[:1]) or AREA_CODES.get(national[:2], ())
