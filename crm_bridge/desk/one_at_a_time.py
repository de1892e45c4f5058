"""One act of a person at a time: the same again joins the one under way, another is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from crm_bridge.errors import Refused

T = TypeVar("T")


class OneAtATime(Generic[T]):
    """What is under way, by who asked for it."""

    def __init__(self) -> None:
        self._under_way: dict[str, tuple[str, asyncio.Task[T]]] = {}

    async def __call__(self, who: str, act: str, work: Callable[[], Awaitable[T]]) -> T:
        """Does it, or waits for the same act that is under way; Refused where it is another."""
        running = self._under_way.get(who)
        if running is not None:
            if running[0] != act:
                raise Refused(
                    "act-under-way",
                    "คำสั่งก่อนหน้ากำลังดำเนินการ กรุณารอสักครู่",
                    "another act on this call is under way; wait for it",
                )
            return await asyncio.shield(running[1])

        async def run() -> T:
            try:
                return await work()
            finally:
                del self._under_way[who]

        task = asyncio.create_task(run(), name=f"act of {who}")
        self._under_way[who] = (act, task)
        # a browser that goes away does not take back what it asked for
        return await asyncio.shield(task)
