"""Signatures of the Standard Webhooks specification 1.0, made and checked.

`webhook-signature` is `v1,BASE64` of HMAC-SHA256 over `ID.TIMESTAMP.BODY`; one signature for each
secret, separated by spaces, so that a secret can be changed while both are good. The timestamp is
of this attempt. A secret is 24 to 64 random bytes, written `whsec_BASE64`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets as random
from collections.abc import Mapping, Sequence
from typing import Final

from crm_bridge.errors import ConfigMistake
from ivr.calls.call import Micros

PREFIX: Final = "whsec_"
TOLERANCE: Final = 300
"""Seconds by which a timestamp may differ from our clock."""

_SECOND: Final = 1_000_000
SHORTEST, LONGEST = 24, 64
"""Bytes of a secret."""

_MEND: Final = "make one with: echo whsec_$(openssl rand -base64 32)"
_MOST: Final = 8
"""Signatures of one request that are looked at."""


def secrets_of(text: str, where: str = "token") -> tuple[bytes, ...]:
    """The secrets of a setting, the one to sign with first; ConfigMistake if one is none."""
    words = text.split()
    if not words:
        raise ConfigMistake("holds no secret", where=where, mend=_MEND)
    return tuple(_secret(word, where) for word in words)


def new_secret() -> str:
    """A secret as both sides are given it."""
    return PREFIX + base64.b64encode(random.token_bytes(32)).decode()


def sign(secrets: Sequence[bytes], message_id: str, moment: Micros, body: bytes) -> dict[str, str]:
    """The three headers of a request that is sent at this moment."""
    seconds = str(moment // _SECOND)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": seconds,
        "webhook-signature": " ".join(
            "v1," + _signature(secret, message_id, seconds, body) for secret in secrets
        ),
    }


def verified(
    secrets: Sequence[bytes], headers: Mapping[str, str], moment: Micros, body: bytes
) -> bool:
    """Whether one of the secrets signed this request within `TOLERANCE` of this moment.

    Every comparison takes the same time however much of a signature is right.
    """
    message_id = headers.get("webhook-id", "")
    seconds = headers.get("webhook-timestamp", "")
    given = headers.get("webhook-signature", "").split()[:_MOST]
    if not message_id or not (seconds.isascii() and seconds.isdigit() and len(seconds) < 12):
        return False
    fresh = abs(int(seconds) - moment / _SECOND) <= TOLERANCE
    right = False
    for secret in secrets:
        expected = ("v1," + _signature(secret, message_id, seconds, body)).encode()
        for one in given:
            right |= hmac.compare_digest(expected, one.encode("utf-8", "replace"))
    return right and fresh


def _signature(secret: bytes, message_id: str, seconds: str, body: bytes) -> str:
    content = f"{message_id}.{seconds}.".encode() + body
    return base64.b64encode(hmac.new(secret, content, hashlib.sha256).digest()).decode()


def _secret(word: str, where: str) -> bytes:
    try:
        raw = base64.b64decode(word.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ConfigMistake(
            "a secret of a webhook is written in base64", where=where, mend=_MEND
        ) from None
    if not SHORTEST <= len(raw) <= LONGEST:
        raise ConfigMistake(
            f"a secret of a webhook has {SHORTEST} to {LONGEST} bytes, this one {len(raw)}",
            where=where,
            mend=_MEND,
        )
    return raw
