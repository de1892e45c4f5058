"""What a hostile caller, complainant or file brings; pages show it as text or refuse it."""

from __future__ import annotations

import io
import zipfile
from typing import Final

from playwright.async_api import Page

MARK: Final = "hotlineHit"
"""What a script among these would set on `window`."""

TEXTS: Final = (
    f"<script>window.{MARK}=1</script>",
    f'"><img src=x onerror=window.{MARK}=1>',
    f"'-window.{MARK}=1-'",
    f"</textarea><svg onload=window.{MARK}=1>",
    f"javascript:window.{MARK}=1",
    "=cmd|' /C calc'!A0",
    "{{ 7 * 7 }}{% raw %}${7*7}",
    "นายสมชาย \u202eevil.exe\u202c ใจดี",
    "a\u200b\u200f\ufeffb",
    "ก" + "ู้" * 40 + "น้ำ" * 30,
)
"""Scripts, a formula, templates, marks that turn the direction, piled-up Thai vowels."""

HIT: Final = f"() => window.{MARK} ?? null"


async def assert_nothing_ran(page: Page) -> None:
    """No script of these ran on the page, and none stands in it."""
    assert await page.evaluate(HIT) is None
    bodies = await page.evaluate(
        "[...document.querySelectorAll('script')].map((s) => s.textContent.trim()).join('')"
    )
    assert bodies == ""
    inline = await page.evaluate(
        "[...document.querySelectorAll('*')].flatMap((e) => [...e.attributes])"
        ".filter((a) => a.name.startsWith('on') || /^\\s*javascript:/i.test(a.value)"
        " && ['href', 'src', 'action'].includes(a.name)).map((a) => a.value)"
    )
    assert inline == []


def bomb() -> bytes:
    """A docx of some kilobytes that unpacks to 200 MB."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        with archive.open("word/document.xml", "w") as part:
            for _ in range(200):
                part.write(b"\0" * 1_000_000)
    return packed.getvalue()


PNG: Final = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f64540"
    "0000000049454e44ae426082"
)
"""A picture of one pixel."""
