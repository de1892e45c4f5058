"""A telephone number as people in Thailand write it, made E.164."""

from __future__ import annotations

import unicodedata

import phonenumbers


def number_form(text: str | None) -> str | None:
    """`081-234 5678`, `๐๘๑…` or `+66…` as E.164; None for nothing, the text where it is none."""
    if text is None or not text.strip():
        return None
    plain = "".join(
        c if (value := unicodedata.decimal(c, None)) is None else str(value) for c in text.strip()
    )
    try:
        parsed = phonenumbers.parse(plain, "TH")
    except phonenumbers.NumberParseException:
        return text
    if not phonenumbers.is_possible_number(parsed):
        return text
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
