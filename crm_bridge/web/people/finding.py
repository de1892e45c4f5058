"""The ticket number in what is searched for."""

from __future__ import annotations

from crm_bridge.cases.ticket_number import NotATicket, parse


def parse_ticket(text: str) -> str | None:
    """The written form of the ticket number a text holds; `None` where it holds none."""
    try:
        return str(parse(text))
    except NotATicket:
        return None
