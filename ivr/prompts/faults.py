"""What can be wrong with a recording, in words."""

from __future__ import annotations

from typing import Final

WORDS: Final[dict[str, tuple[str, str]]] = {
    "silent": (
        "ไม่มีเสียงพูด (ดังที่สุด {} dB) ตรวจสอบไมโครโฟนแล้วบันทึกใหม่",
        "nothing is heard (loudest {} dB): look at the microphone and record it again",
    ),
    "clipped": (
        "เสียงแตก {} แห่ง ลดระดับเสียงบันทึกแล้วบันทึกใหม่",
        "distorted in {} places: turn the recording level down and record it again",
    ),
    "too-short": (
        "สั้นเกินไป ({} วินาที) บันทึกใหม่ให้ครบข้อความ",
        "too short ({} s): record the whole text",
    ),
    "too-long": (
        "ยาวเกินไป ({} วินาที) ตัดให้สั้นกว่า 3 นาที",
        "too long ({} s): cut it below three minutes",
    ),
    "unreadable": (
        "อ่านไฟล์เสียงไม่ได้ ({}) ใช้ไฟล์ WAV, FLAC หรือ MP3",
        "no sound can be read from it ({}): give WAV, FLAC or MP3",
    ),
    "rate": (
        "{} ไม่ใช่รูปแบบที่ Asterisk เล่นได้ นำเข้าใหม่ด้วย hotline prompts import",
        "{} is not what Asterisk plays under this name: bring it in by hotline prompts import",
    ),
}


class BadSound(Exception):
    """A recording that cannot be a prompt; `fault` is a key of WORDS."""

    def __init__(self, fault: str, detail: str) -> None:
        super().__init__(WORDS[fault][1].format(detail))
        self.fault = fault
        self.th, self.en = (words.format(detail) for words in WORDS[fault])
