"""What a person does at the desk in a journey: sits down, works with keys, waits for the screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from playwright.async_api import Locator, Page, expect

from crm_bridge.access.account import Account
from ivr.lab.sipua import Phone
from tests.support.browser import Browsers, Window
from tests.support.desk_house import LiveHouse


@dataclass
class Seat:
    """An agent at a telephone, the desk before him."""

    window: Window
    phone: Phone
    extension: str

    @property
    def page(self) -> Page:
        return self.window.page

    @property
    def call(self) -> Locator:
        """The call in front."""
        return self.page.locator("#calls .call:not(.small-call)")

    @property
    def state(self) -> Locator:
        return self.page.locator("#seat .badge")

    async def at_stage(self, words: str) -> None:
        """Waits until the call in front stands so."""
        await expect(self.call.locator(".call-head .badge").first).to_have_text(words)

    def panel(self, name: str) -> Locator:
        """The open work of the call in front."""
        return self.page.locator(f".work:not([hidden]) [data-panel={name}]")

    async def open(self, key: str, name: str) -> Locator:
        """Opens a work of the call by its key; its form."""
        await self.page.keyboard.press(key)
        form = self.panel(name).locator("form").first
        await expect(form).to_be_visible()
        return form


async def sit(
    house: LiveHouse, windows: Browsers, account: Account, extension: int, **how: Any
) -> Seat:
    """An agent signs in at an extension, by keyboard, and is ready."""
    phone = await house.stage.officer(extension)
    window = await windows.open(account, **how)
    await window.go("/desk")
    page = window.page
    await page.locator("#seat [name=extension]").focus()
    await page.keyboard.type(str(extension))
    await page.keyboard.press("Enter")
    seat = Seat(window, phone, str(extension))
    await expect(seat.state).to_contain_text("พร้อมรับสาย")
    return seat


async def choose(form: Locator, name: str, value: str) -> None:
    """Chooses of a list with the arrow keys."""
    field = form.locator(f"[name={name}]")
    await field.focus()
    values = await field.evaluate("(e) => [...e.options].map((o) => o.value)")
    now = await field.evaluate("(e) => e.selectedIndex")
    steps = values.index(value) - now
    for _ in range(abs(steps)):
        await field.press("ArrowDown" if steps > 0 else "ArrowUp")
    await expect(field).to_have_value(value)
