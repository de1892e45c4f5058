"""Every page of every role: no serious accessibility fault, all within the keyboard's reach."""

from __future__ import annotations

import pytest

from crm_bridge.access.roles import Role
from tests.support.browser import Browsers
from tests.support.desk_house import House
from tests.support.walk import Walk

pytestmark = pytest.mark.timeout(400)
"""A supervisor has some forty pages, each judged by axe and walked by the Tab key."""

_JUDGED: set[str] = set()
"""What pages are made of is judged once, whoever sees them."""


async def test_the_sign_in_page_is_accessible(house: House, office_windows: Browsers):
    walk = Walk(_JUDGED)
    await walk.all(await office_windows.open(), begin=("/sign-in",))
    assert not walk.faults, "\n".join(walk.faults)


@pytest.mark.parametrize("role", list(Role))
async def test_every_page_is_accessible_and_works_by_keyboard(
    house: House, office_windows: Browsers, role: Role
):
    walk = Walk(_JUDGED)
    opened = await walk.all(await office_windows.open(house.office.of(role)))
    assert "/account" in opened, walk.faults
    assert not walk.faults, "\n".join(walk.faults)
