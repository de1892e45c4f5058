"""Notes in the chatter of a record: each once, as text, within the office."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

from crm_bridge.connectors.odoo.client import OdooClient
from crm_bridge.connectors.odoo.fields import paragraphs, stamp
from crm_bridge.connectors.port import Denied, Note, Rejected, Unsettled

_MESSAGES: Final = "mail.message"
_ESCAPED_SINCE: Final = 17
"""The first Odoo that escapes a message's text itself unless told that it is HTML."""


class Notes:
    """The notes of one model's records."""

    def __init__(self, client: OdooClient, model: str) -> None:
        self._client = client
        self._model = model

    async def add(self, record: int, note: Note) -> int:
        """Posts the note where it is not there yet, and returns its id."""
        act = "add a note"
        mark = note_mark(self._model, record, note.key)
        if there := await self._marked(record, mark):
            return there[0]
        version = await self._client.version()
        html: dict[str, Any] = {"body_is_html": True} if version.major >= _ESCAPED_SINCE else {}
        try:
            await self._client.call(
                self._model,
                "message_post",
                [record],
                body=paragraphs(note.text),
                message_type="comment",
                subtype_xmlid="mail.mt_note",  # within the office: nobody gets it as mail
                message_id=mark,
                date=stamp(datetime.fromtimestamp(note.at / 1_000_000, UTC)),
                act=act,
                **html,
            )
        except Rejected as error:
            if await self._has_address():
                raise
            raise Denied(  # no note of anything is taken until that is mended
                f"{act}: our user has no e-mail address",
                where=self._client.host,
                mend="give the user an e-mail address (its Preferences); nobody gets mail from it",
            ) from error
        there = await self._marked(record, mark)
        if not there:
            raise Unsettled(f"{act}: it is not there when read back", where=self._client.host)
        for double in there[1:]:  # of a request given up as too slow that came through late
            await self.remove(double)
        return there[0]

    async def remove(self, note: int) -> None:
        """Deletes a note, where our user may; that it is gone already is no error."""
        with suppress(Denied, Rejected):
            await self._client.call(_MESSAGES, "unlink", [note], act="remove a note")

    async def _has_address(self) -> bool:
        """Whether our user has an e-mail address, without which Odoo takes no note of it."""
        number, act = await self._client.uid(), "look for our user's address"
        try:
            rows = await self._client.call("res.users", "read", [number], ["email"], act=act)
        except (Denied, Rejected):
            return True  # that is another matter
        return not rows or bool(rows[0]["email"])

    async def _marked(self, record: int, mark: str) -> list[int]:
        domain = [["model", "=", self._model], ["res_id", "=", record], ["message_id", "=", mark]]
        found = await self._client.call(
            _MESSAGES, "search", domain, act="look for a note", order="id"
        )
        return [int(one) for one in found]


def note_mark(model: str, record: int, key: str) -> str:
    """The Message-Id by which a note is found again: indexed, and shown to nobody."""
    digest = hashlib.sha256(f"{model} {record} {key}".encode()).hexdigest()
    return f"<hotline1203.{digest[:40]}@note>"
