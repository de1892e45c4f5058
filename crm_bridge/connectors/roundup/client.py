"""Roundup's REST interface: records of its classes, found, made once, changed and retired.

A retired record still answers by its id, so that records are looked up by searching alone.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, Final

from crm_bridge.connectors.port import Denied, Gone, Rejected
from crm_bridge.connectors.roundup.session import ADDRESS, Session, TokenUsed, member

_TOKEN_SECONDS: Final = 3600
"""How long a one-time address may be used; Roundup gives no longer."""
_TOKENS: Final = 1000
"""So many are remembered of creations whose outcome is not known."""

_ID: Final = re.compile(r"[1-9][0-9]{0,11}")


@dataclass(frozen=True, slots=True)
class Item:
    """A record: of a link its id and its name, of content its text."""

    id: str
    values: Mapping[str, Any] = field(default_factory=dict)
    etag: str = ""


class RoundupClient:
    """Records of one tracker."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._tokens: dict[tuple[str, str], str] = {}

    @property
    def host(self) -> str:
        """Host and port, for the errors."""
        return self._session.host

    async def close(self) -> None:
        """Closes its connections."""
        await self._session.close()

    async def version(self) -> tuple[int, float | None]:
        """The version of its REST interface, and its clock (seconds since the epoch)."""
        answer = await self._session.ask("GET", "rest/", act="ask for its version")
        found = member(answer.body, "default_version")
        if not isinstance(found, int):
            raise Denied("is no Roundup tracker", where=self.host, mend=ADDRESS)
        try:
            now = parsedate_to_datetime(answer.headers.get("Date", "")).timestamp()
        except (TypeError, ValueError):
            return found, None
        return found, now

    async def find(
        self,
        kind: str,
        filters: Mapping[str, str],
        properties: Collection[str],
        *,
        act: str,
        sort: str = "id",
        most: int = 50,
        page: int = 1,
    ) -> tuple[list[Item], int]:
        """Records that are not retired, and how many there are; `name:` is an exact match."""
        query: dict[str, str | int] = {
            **filters,
            "@fields": ",".join(properties),
            "@verbose": 3,
            "@sort": sort,
            "@page_size": most,
            "@page_index": page,
            "@pretty": "false",
        }
        answer = await self._session.ask("GET", f"rest/data/{kind}", act=act, query=query)
        rows = member(answer.body, "collection")
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise self._session.strange(act)
        total = member(answer.body, "@total_size")
        items = [Item(str(row.get("id", "")), row) for row in rows]
        return items, total if isinstance(total, int) else len(items)

    async def one(self, kind: str, record: str, properties: Collection[str], *, act: str) -> Item:
        """The record of this id; Gone where it never was or is retired."""
        if _ID.fullmatch(record):
            items, _ = await self.find(kind, {"id": record}, properties, act=act)
            found = next((item for item in items if item.id == record), None)
            if found is not None:
                return found
        raise Gone(f"{act}: there is no {kind}{record[:12]}", where=self.host)

    async def to_change(
        self, kind: str, record: str, properties: Collection[str], *, act: str
    ) -> Item:
        """The record with the tag that a change of it must carry; it may be retired."""
        query: dict[str, str | int] = {
            "@fields": ",".join(properties),
            "@verbose": 3,
            "@pretty": "false",
        }
        answer = await self._session.ask("GET", f"rest/data/{kind}/{record}", act=act, query=query)
        values, etag = member(answer.body, "attributes"), member(answer.body, "@etag")
        if not isinstance(values, dict) or not isinstance(etag, str):
            raise self._session.strange(act)
        return Item(record, values, etag)

    async def make(self, kind: str, key: str, values: Mapping[str, Any], *, act: str) -> str:
        """Makes a record through an address that works once, and returns its id.

        Where the outcome is not known, the next call of the same key takes the same address: if
        that was used meanwhile, nothing is made and TokenUsed is raised.
        """
        token = self._tokens.pop((kind, key), None) or await self._token(kind, act)
        self._tokens[kind, key] = token
        if len(self._tokens) > _TOKENS:
            del self._tokens[next(iter(self._tokens))]
        try:
            path = f"rest/data/{kind}/@poe/{token}"
            answer = await self._session.ask("POST", path, act=act, body=values)
        except (Rejected, TokenUsed):
            self._tokens.pop((kind, key), None)
            raise
        made = member(answer.body, "id")
        if not isinstance(made, str | int) or not _ID.fullmatch(str(made)):
            raise self._session.strange(act)
        self._tokens.pop((kind, key), None)
        return str(made)

    async def change(self, kind: str, item: Item, values: Mapping[str, Any], *, act: str) -> None:
        """Writes properties (`None` empties one); Unsettled where another wrote meanwhile."""
        body = {name: "" if value is None else value for name, value in values.items()}
        headers = {"If-Match": item.etag}
        path = f"rest/data/{kind}/{item.id}"
        await self._session.ask(
            "PATCH", path, act=act, body={**body, "@etag": item.etag}, headers=headers
        )

    async def retire(self, kind: str, record: str, *, act: str) -> None:
        """Takes the record out of every search; that it is gone already is no error."""
        if not _ID.fullmatch(record):
            return
        try:
            item = await self.to_change(kind, record, ("id",), act=act)
            path, headers = f"rest/data/{kind}/{record}", {"If-Match": item.etag}
            await self._session.ask("DELETE", path, act=act, headers=headers)
        except Gone:
            return

    async def _token(self, kind: str, act: str) -> str:
        body = {"lifetime": _TOKEN_SECONDS}
        answer = await self._session.ask("POST", f"rest/data/{kind}/@poe", act=act, body=body)
        link = member(answer.body, "link")
        if not isinstance(link, str) or not re.fullmatch(r"[\w-]+", token := link.split("/")[-1]):
            raise self._session.strange(act)
        return token
