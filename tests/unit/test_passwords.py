"""How passwords are kept."""

from __future__ import annotations

from crm_bridge.access import passwords
from tests.support.passwords import SHIPPED


def test_the_product_hashes_as_slowly_as_argon2_advises() -> None:
    kept = SHIPPED.hash("a password of the office")
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert SHIPPED is not passwords._hasher


async def test_a_password_matches_itself_and_nobody_has_none() -> None:
    kept = await passwords.hashed("a password of the office")
    assert await passwords.matches(kept, "a password of the office")
    assert not await passwords.matches(kept, "another one of the office")
    assert not await passwords.matches(None, "a password of the office")
    assert not await passwords.matches("not a hash", "a password of the office")
