"""Passwords that are hashed in no time: the product's way takes 64 MB and a core for a moment."""

from __future__ import annotations

from typing import Final

from argon2 import PasswordHasher

from crm_bridge.access import passwords

SHIPPED: Final = passwords._hasher
"""The product's own, which a test looks at."""


def hash_quickly() -> None:
    """From here on, in this process; hundreds of tests sign in."""
    quick = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    passwords._hasher = quick
    passwords._NOBODY = quick.hash("nobody has this password")
