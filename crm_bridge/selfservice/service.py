"""Self-service as the bridge runs it: the address Asterisk connects to, and who answers there."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog

from crm_bridge.clock import Clock
from crm_bridge.config_selfservice import SelfServiceSection
from crm_bridge.records.database import Database
from crm_bridge.selfservice.case_status import CaseStatus
from crm_bridge.selfservice.door import Door
from crm_bridge.selfservice.guide_text import GuideText
from crm_bridge.selfservice.office import Office
from ivr.prompts import keeping
from ivr.selfservice import closed, place, status
from ivr.selfservice import door as at_queues
from ivr.selfservice import text as by_text
from ivr.selfservice.server import Server

_log = structlog.get_logger(__name__)

AGAIN: Final = 5.0
"""Seconds after which an address that is taken is tried again."""


class SelfService:
    """Serves callers until its task is cancelled; then callers in it go on to an officer."""

    def __init__(
        self,
        section: SelfServiceSection,
        database: Database,
        clock: Clock,
        places: Sequence[keeping.Place] = (),
        office: Office | None = None,
        door: Door | None = None,
        text: GuideText | None = None,
        *,
        places_kept: bool = False,
    ) -> None:
        """Without a `door` callers stand in queues as they come; `places_kept`: there they may keep
        their places and be called back.
        """
        self._section = section
        self.cases = CaseStatus(database, clock)
        self.office = office or Office(database, clock, None)
        self.door = door
        sessions = {
            closed.NAME: closed.HoursService(self.office).session,
            status.NAME: status.StatusService(self.cases).session,
            keeping.NAME: keeping.Keeper(places).session,
            by_text.NAME: by_text.TextService(
                text or GuideText(database, clock, section.guide_address)
            ).session,
        }
        if door is not None:
            sessions[at_queues.NAME] = at_queues.DoorService(door).session
        if places_kept:
            sessions[place.NAME] = place.PlaceService(self.office).session
        self.server = Server(sessions, peers=section.peers)

    async def run(self) -> None:
        """Listens and answers; an address that is taken costs the line nothing but this."""
        host, port = self._section.host, self._section.port
        tasks = {
            asyncio.create_task(self.cases.run(), name="self-service reads"),
            asyncio.create_task(self.office.run(), name="office hours"),
        }
        if self.door is not None:
            tasks.add(asyncio.create_task(self.door.run(), name="queues' figures"))
        try:
            while True:
                try:
                    await self.server.start(host, port)
                    break
                except OSError as error:
                    _log.error(
                        "self-service cannot listen; callers who ask for it get an officer",
                        where=f"{host}:{port}", why=error.strerror,
                        mend="free that port, or set selfservice.port and the site's `selfservice`",
                    )  # fmt: skip
                    await asyncio.sleep(AGAIN)
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            done.pop().result()  # none ends by itself
        finally:
            for task in tasks:
                task.cancel()
            await self.server.stop()
            await asyncio.wait(tasks)
