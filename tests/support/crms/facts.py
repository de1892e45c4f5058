"""Facts for tests: everything known, as little as can be known, and as many calls as wanted."""

from __future__ import annotations

from dataclasses import replace

from crm_bridge.connectors.facts import CallFacts, CaseFacts, ContactFacts, EventFacts, Facts
from crm_bridge.connectors.samples import BARE, FULL

__all__ = ["BARE", "FULL", "HOSTILE", "call", "case", "event", "person"]

HOSTILE = "{{ call.number }}{% for a in 'x' %}<b>\"';--&lt;\x00\x1b[31m"
"""The name of a caller who wants to be a template, a page, a query, a terminal."""


def person(number: str, name: str | None = None, key: str | None = None) -> Facts:
    """A contact with this number; without a name nothing else is known of it."""
    return Facts(
        contact=ContactFacts(
            key=key or f"number:{number}", number=number, numbers=(number,), name=name
        )
    )


def call(call_id: str, number: str | None = "+6620000000", name: str | None = None) -> Facts:
    """The full sample's call under another id, by this number."""
    assert FULL.call.call is not None
    made: CallFacts = replace(
        FULL.call.call,
        key=f"call:{call_id}",
        call_id=call_id,
        number=number,
        presented=number,
        name=name,
        withheld=number is None,
    )
    return Facts(call=made, contact=None if number is None else person(number, name).contact)


def case(ticket: str, title: str = "ราคาสินค้าไม่ตรงป้าย") -> Facts:
    """The full sample's case under another ticket number."""
    assert FULL.case.case is not None
    made: CaseFacts = replace(FULL.case.case, key=f"case:{ticket}", ticket=ticket, title=title)
    return Facts(case=made, contact=FULL.case.contact)


def event(ticket: str, ordinal: int, text: str) -> Facts:
    """An entry of that case's timeline."""
    assert FULL.event.event is not None
    made: EventFacts = replace(FULL.event.event, key=f"event:{ticket}/{ordinal}", text=text)
    return replace(case(ticket), event=made)
