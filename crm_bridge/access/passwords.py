"""Passwords: argon2id, never kept, never logged."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar
from weakref import WeakKeyDictionary

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from crm_bridge.errors import Refused

SHORTEST: Final = 12
LONGEST: Final = 200

T = TypeVar("T")

AT_ONCE: Final = 4
"""Passwords looked at side by side; each takes 64 MB and a core for a moment."""

_hasher = PasswordHasher()
_few: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()
_NOBODY: Final = _hasher.hash("nobody has this password")


async def hashed(password: str) -> str:
    """The hash to keep; Refused where the password is too short or too long."""
    if not SHORTEST <= len(password) <= LONGEST:
        th = f"รหัสผ่านต้องมี {SHORTEST} ถึง {LONGEST} ตัวอักษร"
        en = f"a password has {SHORTEST} to {LONGEST} characters"
        raise Refused("password-length", th, en, 422, {"password": (th, en)})
    return await _apart(lambda: _hasher.hash(password))


async def matches(kept: str | None, password: str) -> bool:
    """Whether the password is the one kept; takes as long where there is none."""
    if len(password) > LONGEST:
        return False
    return await _apart(lambda: _verify(kept, password))


async def _apart(work: Callable[[], T]) -> T:
    """In a thread, a few at once: a flood of sign-ins must not take the machine from the line."""
    few = _few.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(AT_ONCE))
    async with few:
        return await asyncio.to_thread(work)


def _verify(kept: str | None, password: str) -> bool:
    try:
        _hasher.verify(kept or _NOBODY, password)
    except (VerificationError, InvalidHashError):
        return False
    return kept is not None
