"""What a supervisor does at an officer's call, in words; the keys are those of the marks."""

from __future__ import annotations

from typing import Final

WAYS: Final[dict[str, tuple[str, str]]] = {
    "listen": ("ฟังสาย", "listens"),
    "whisper": ("แนะนำเจ้าหน้าที่ในสาย", "whispers to the officer"),
    "barge": ("ร่วมสนทนาในสาย", "speaks with both"),
    "unknown": ("เข้าฟังสายด้วยวิธีอื่น", "is at the call by other means"),
}
"""Way → Thai, English."""


def way_words(way: str) -> tuple[str, str]:
    """Thai and English; a way nobody knows is told as such."""
    return WAYS.get(way, WAYS["unknown"])
