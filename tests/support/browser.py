"""The desk in real Chromium: windows of each role, each held to a clean console.

A window collects what no page of ours may ever do: console errors, script errors, blocked content
(the CSP speaks through the console), dialogs, answers of 500. `Browsers.close` fails the test over
any. The program is Debian's chromium (or `HOTLINE_CHROMIUM`); nothing is downloaded.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import uvicorn
from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Page,
    Response,
    async_playwright,
    expect,
)

from crm_bridge.access import sessions
from crm_bridge.access.account import Account
from crm_bridge.web.policy import COOKIE

SIZE: Final = (1366, 768)
"""The screen of an office computer; the desk is made for it."""

IMAGES: Final = Path(__file__).parents[2] / "docs" / "images"
SCREENSHOTS: Final = os.environ.get("HOTLINE_SCREENSHOTS") == "1"
"""Whether the pictures of docs/ are taken anew; a plain run leaves the tree as it is."""

_REFUSED: Final = re.compile(
    r"Failed to load resource: the server responded with a status of 4\d\d"
)
"""What Chromium itself says of an act that was refused; the page shows it to the person."""

expect.set_options(timeout=15_000)


def chromium() -> str:
    """The browser's program. AssertionError names the mend where there is none."""
    found = os.environ.get("HOTLINE_CHROMIUM") or shutil.which("chromium")
    assert found, "no chromium here: bash docker/system-packages.sh browser"
    return found


@dataclass
class OfficeClock:
    """The machine's clock, moved ahead by a test: a fake of `crm_bridge.clock.SystemClock`.

    Telephones live in real time, so it goes on by itself; days pass when the test says so.
    """

    ahead: int = 0

    def now_us(self) -> int:
        return time.time_ns() // 1000 + self.ahead

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def set(self, at: int) -> None:
        """Goes on to this moment; never back."""
        assert at >= self.now_us()
        self.ahead += at - self.now_us()


class _Server(uvicorn.Server):
    """uvicorn that leaves the signals to pytest."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[str]:
    """The application behind a real socket of loopback; gives its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = _Server(
        uvicorn.Config(
            app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1
        )
    )
    serving = asyncio.create_task(server.serve([listener]), name="web")
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving
        listener.close()


@dataclass
class Window:
    """One person's browser: its page, and every fault it showed."""

    who: str
    base: str
    page: Page
    context: BrowserContext
    faults: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    account: Account | None = None

    def watch(self, page: Page) -> None:
        """Collects the faults of a page of this browser."""
        page.on("console", self._spoken)
        page.on("pageerror", lambda error: self.faults.append(f"script error: {error}"))
        page.on("dialog", self._dialog)
        page.on("response", self._answered)

    def _spoken(self, message: ConsoleMessage) -> None:
        line = f"{message.type}: {message.text}"
        self.log.append(f"{self.page.url} {line}")
        if message.type == "error" and not _REFUSED.match(message.text):
            self.faults.append(f"console {line} ({message.location.get('url', '')})")

    async def _dialog(self, dialog: Dialog) -> None:
        # a page asks before what cannot be undone (`data-confirm`); nothing else opens a dialog
        if dialog.type != "confirm":
            self.faults.append(f"{dialog.type} dialog: {dialog.message}")
        self.log.append(f"{self.page.url} {dialog.type}: {dialog.message}")
        await dialog.accept()

    def _answered(self, response: Response) -> None:
        path = response.url.removeprefix(self.base)
        if response.status >= 500 or (response.status >= 400 and path.startswith("/static/")):
            self.faults.append(f"{response.request.method} {path} was answered {response.status}")

    async def go(self, path: str) -> int:
        """Opens a page and waits until it stands; the status it was answered with."""
        response = await self.page.goto(self.base + path, wait_until="load")
        assert response is not None
        return response.status

    async def sign_in(self, login: str, password: str) -> None:
        """Signs in as a person does."""
        await self.go("/sign-in")
        await self.page.fill("[name=login]", login)
        await self.page.fill("[name=password]", password)
        await self.page.keyboard.press("Enter")
        await self.page.wait_for_url(lambda url: "/sign-in" not in url)

    async def picture(self, name: str) -> None:
        """The screen as docs/images/desk-NAME.png, where pictures are asked for."""
        if SCREENSHOTS:
            await self.look(IMAGES / f"desk-{name}.png")

    async def look(self, file: Path, *, full: bool = False) -> None:
        """The screen as a file, once its fonts are there."""
        await self.page.evaluate("document.fonts.ready")
        file.parent.mkdir(parents=True, exist_ok=True)
        await self.page.screenshot(path=file, full_page=full, animations="disabled", caret="hide")


class Browsers:
    """Chromium with a window for each person; their faults are the test's."""

    def __init__(self, program: Browser, base: str, desk: Any) -> None:
        self._program = program
        self.base = base
        self._desk = desk
        self.windows: list[Window] = []

    async def open(
        self,
        who: Account | None = None,
        *,
        size: tuple[int, int] = SIZE,
        lang: str = "th",
        name: str | None = None,
        permissions: tuple[str, ...] = (),
    ) -> Window:
        """A window of its own (no cookies are shared), signed in where an account is named."""
        context = await self._program.new_context(
            locale="th-TH" if lang == "th" else "en-GB",
            timezone_id="Asia/Bangkok",
            viewport={"width": size[0], "height": size[1]},
            base_url=self.base,
            permissions=list(permissions),
            reduced_motion="reduce",
        )
        context.set_default_timeout(15_000)
        page = await context.new_page()
        window = Window(name or (who.role.value if who else "nobody"), self.base, page, context)
        window.watch(page)
        self.windows.append(window)
        if who is not None:
            await self.seat(window, who)
        if lang != "th":
            await context.add_cookies([{"name": "hotline_lang", "value": lang, "url": self.base}])
        return window

    async def seat(self, window: Window, who: Account) -> None:
        """Signs the window in without its sign-in page (again, when the days have ended it)."""
        async with self._desk.database.writing() as connection:
            _, token = await sessions.begin(connection, self._desk.clock, who)
        await window.context.add_cookies(
            [{"name": COOKIE, "value": token, "url": self.base, "httpOnly": True}]
        )
        window.account = who

    def faults(self) -> list[str]:
        """What the windows showed that no page may."""
        return [f"{window.who}: {fault}" for window in self.windows for fault in window.faults]

    async def keep(self, place: Path) -> None:
        """The screens and consoles as they are, for who looks into a failure."""
        for number, window in enumerate(self.windows):
            stem = f"failed-{number}-{window.who}"
            with contextlib.suppress(Exception):  # a closed page must not hide the first failure
                await window.page.screenshot(path=place / f"{stem}.png", full_page=True)
            text = "\n".join([window.page.url, *window.log, *window.faults])
            (place / f"{stem}.log").write_text(text, "utf-8")

    async def close(self) -> None:
        """Closes every window."""
        for window in self.windows:
            await window.context.close()


@asynccontextmanager
async def browsers(base: str, desk: Any) -> AsyncIterator[Browsers]:
    """A Chromium of its own for one test; `desk` has a `database` and a `clock`."""
    async with async_playwright() as playwright:
        program = await playwright.chromium.launch(
            executable_path=chromium(),
            args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--lang=th"],
        )
        opened = Browsers(program, base, desk)
        try:
            yield opened
        finally:
            await opened.close()
            await program.close()
