"""Supervision as one object: what is allowed, the acts, and the book in which each stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from crm_bridge.clock import Clock
from crm_bridge.config_supervision import SupervisionSection
from crm_bridge.desk.agents import Agents
from crm_bridge.desk.directory import Directory
from crm_bridge.desk.line import Line
from crm_bridge.desk.supervision_acting import Acting
from crm_bridge.desk.supervision_book import Book
from crm_bridge.desk.supervision_calls import AtCalls
from crm_bridge.desk.supervision_officers import ToOfficers
from crm_bridge.live.hub import Hub
from crm_bridge.records.database import Database


@dataclass(frozen=True, slots=True)
class Supervision:
    """What pages act through; one for the whole bridge."""

    acting: Acting
    book: Book
    calls: AtCalls
    officers: ToOfficers

    @classmethod
    def of(
        cls,
        database: Database,
        line: Line,
        agents: Agents,
        directory: Directory,
        hub: Hub,
        clock: Clock,
        rules: SupervisionSection,
    ) -> Self:
        """Without what went on before (`book.load`), and with nobody to mark calls yet."""
        book = Book(database, line, clock)
        acting = Acting(book, agents, clock, rules)
        return cls(
            acting,
            book,
            AtCalls(acting, line, directory, clock),
            ToOfficers(acting, database, agents, hub, clock),
        )
