"""A message as the worker hands it to a gateway."""

from __future__ import annotations

from crm_bridge.outgoing.messages import Message


def sms(**given) -> Message:
    values = {
        "id": "m1",
        "seq": 1,
        "kind": "sms",
        "to": "+66812345678",
        "subject": None,
        "text": "นัดหมายของท่าน",
        "calendar": None,
        "about": ("appointment", "a1"),
        "dedupe": "d",
        "state": "waiting",
        "created": 1_795_000_000_000_000,
        "due": 0,
        "next_try": 0,
        "expires": None,
        "attempts": 0,
        "attempted": None,
        "last_error": None,
        "sent": None,
        "gateway": None,
        "reference": None,
        "version": 1,
    }
    return Message(**{**values, **given})
