"""What the wall reads from the database beside the line: one reading at a time, not too often."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import structlog

from crm_bridge.errors import StorageError

_log = structlog.get_logger(__name__)

T = TypeVar("T")


class Reading(Generic[T]):
    """The newest `value`, `None` before the first; where reading fails, that of before stands."""

    def __init__(
        self,
        what: str,
        read: Callable[[], Awaitable[T]],
        told: Callable[[], None],
        *,
        every: float,
        anyway: float,
    ) -> None:
        """`every`: seconds between two readings where something has changed; `anyway`: where not.

        `told` is called after each, also after one that failed.
        """
        self.read = read
        self._what = what
        self._told = told
        self._every = every
        self._anyway = anyway
        self._task: asyncio.Task[None] | None = None
        self.forget()

    def stop(self) -> None:
        """Ends the reading that is under way."""
        if self._task is not None:
            self._task.cancel()
        self._task = None

    def forget(self) -> None:
        """As if nothing had been read."""
        self.stop()
        self._at = float("-inf")
        self.value: T | None = None
        self.failed = False
        self.due = False
        """Something has changed since it was read."""

    def look(self) -> None:
        """Begins a reading where one is due and none is under way."""
        now = asyncio.get_running_loop().time()
        since = now - self._at
        due = since >= self._anyway or (self.due and since >= self._every)
        if due and (self._task is None or self._task.done()):
            self._at = now
            self._task = asyncio.create_task(self._take(), name=self._what)

    async def _take(self) -> None:
        self.due = False
        try:
            self.value = await self.read()
            self.failed = False
        except StorageError as error:
            self.failed = True
            _log.warning("not read for the wall", of=self._what, what=error.what, where=error.where)
        except Exception:
            # a bug of a figure is no reason to lose sight of who waits
            self.failed = True
            _log.exception("not read for the wall", of=self._what)
        self._told()
