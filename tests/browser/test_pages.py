"""Every page of every role: no serious accessibility fault, all within the keyboard's reach."""

from __future__ import annotations

from crm_bridge.access.roles import Role
from tests.support.browser import Browsers
from tests.support.desk_house import House
from tests.support.walk import Walk


async def test_every_page_of_every_role_is_accessible_and_works_by_keyboard(
    house: House, office_windows: Browsers
):
    walk = Walk()
    nobody = await office_windows.open()
    await walk.all(nobody, begin=("/sign-in",))
    for role in Role:
        window = await office_windows.open(house.office.of(role))
        opened = await walk.all(window)
        assert "/account" in opened, walk.faults
    assert not walk.faults, "\n".join(walk.faults)
