"""Who is told of what happens to a case: by the bell of the desk, agencies by e-mail too."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.cases import bell
from crm_bridge.cases.case import Case
from crm_bridge.clock import Clock
from crm_bridge.errors import Refused
from crm_bridge.outgoing import messages


async def ring(
    connection: AsyncConnection, clock: Clock, case: Case, to: Iterable[bell.Recipient],
    kind: str, th: str, en: str,
) -> None:  # fmt: skip
    """Rings the bell of these accounts once for this version of the case."""
    await bell.notify(
        connection, clock, to, kind=kind, ticket=case.ticket, th=th, en=en,
        dedupe=f"case:{case.id}:{kind}:{case.version}",
    )  # fmt: skip


async def tell_agencies(
    connection: AsyncConnection, clock: Clock, case: Case, agencies: Iterable[str],
    kind: str, th: str, en: str, dedupe: str,
) -> None:  # fmt: skip
    """Rings the agencies' officers, and writes to those whose address is known.

    The e-mail names ticket and matter of business only, nobody's person.
    """
    to = await bell.officers(connection, agencies)
    key = f"case:{case.id}:{dedupe}"
    await bell.notify(
        connection, clock, to, kind=kind, ticket=case.ticket, th=th, en=en, dedupe=key
    )
    await write(connection, clock, case, to, th, en, key)


async def write(
    connection: AsyncConnection, clock: Clock, case: Case, to: Iterable[bell.Recipient],
    th: str, en: str, dedupe: str,
) -> None:  # fmt: skip
    """An e-mail to each whose address is known; an address that is none is passed over."""
    for recipient in to:
        if not recipient.email:
            continue
        try:
            messages.check_address(recipient.email)
        except Refused:
            continue  # the administrator's slip must not stop the Director's act
        await messages.enqueue(
            connection, clock, kind="email", to=recipient.email, subject=f"[1203] {th}",
            text=f"{th}\n{en}\n\nสายด่วน 1203 กระทรวงพาณิชย์",
            about=("case", case.id), dedupe=f"{dedupe}:{recipient.id}",
        )  # fmt: skip


async def centre(connection: AsyncConnection, case: Case) -> list[bell.Recipient]:
    """The owner of the case and the Director."""
    return [*await bell.one(connection, case.owner), *await bell.directors(connection)]
