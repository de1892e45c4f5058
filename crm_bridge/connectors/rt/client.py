"""REST2 of Request Tracker 5 as this house needs it: its nouns, and its answers looked at closely.

A 2xx of RT says little: an unknown custom field, a wrong status or a filter on a field that cannot
be searched all give one. What comes back is therefore checked here for its form, and by the caller
for its content.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from crm_bridge.clock import micros
from crm_bridge.connectors.http import Answer, JsonHttp
from crm_bridge.connectors.port import Rejected, Unreachable
from crm_bridge.connectors.rt.fields import TICKET, USER
from ivr.calls.call import Micros

PAGE: Final = 100
"""The most records RT gives at a time."""

_TICKET_FIELDS: Final = ",".join(
    ("id", "Status", "Creator", "CustomFields", "Requestor", *(n for n in TICKET if n != "Content"))
)
_USER_FIELDS: Final = ",".join(("id", "Name", "CustomFields", *USER))


@dataclass(frozen=True, slots=True)
class Record:
    """A ticket or a user as RT tells it."""

    id: str
    """Its number; for a user too, who else goes by name."""
    own: Mapping[str, Any]
    custom: Mapping[str, tuple[str, ...]]
    """Custom field that it has → its values."""

    def text(self, name: str) -> str:
        """One of its own fields as text."""
        value = self.own.get(name)
        return "" if value is None else str(value)

    def first(self, name: str) -> str:
        """The first value of a custom field, or nothing."""
        return next((value for value in self.custom.get(name, ()) if value), "")

    @property
    def creator(self) -> str:
        """The login that made it."""
        found = self.own.get("Creator")
        return str(found.get("id", "")) if isinstance(found, dict) else ""

    @property
    def requestors(self) -> dict[str, str]:
        """Numbers and names of the users whose ticket it is (of a search only)."""
        found = self.own.get("Requestor")
        users = [u for u in found or () if isinstance(u, dict) and "id" in u]
        return {str(user["id"]): str(user.get("Name", "")) for user in users}

    @property
    def queue(self) -> str:
        """The name of its queue (of a search only)."""
        found = self.own.get("Queue")
        return str(found.get("Name", "")) if isinstance(found, dict) else ""


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment on a ticket."""

    id: str
    creator: str
    subject: str


@dataclass(frozen=True, slots=True)
class Turn:
    """A ticket's status as it was changed once."""

    number: int
    """Of the transaction: RT counts all that happens."""
    ticket: str
    native: str
    at: Micros
    by: str


class RtClient:
    """What is asked of one RT."""

    def __init__(self, http: JsonHttp, token: str) -> None:
        """`http`: at `…/REST/2.0`, with the token among its headers."""
        self._http = http
        self.host = http.host
        found = re.fullmatch(r"1-(\d+)-[0-9a-fA-F]+", token)
        self._own_id = found[1] if found else None
        self._login = ""

    async def version(self) -> str:
        """RT's version: `5.0.7`."""
        answer = await self._http.ask("GET", "rt", act="ask for its version")
        version = self._object(answer, "ask for its version").get("Version")
        if not isinstance(version, str):
            raise self._odd("ask for its version")
        return version.partition("+")[0]

    async def own(self) -> Record | None:
        """The user of the token; `None` where the token does not tell whose it is."""
        if self._own_id is None:
            return None
        found = await self.user(self._own_id)
        self._login = found.text("Name") if found else ""
        return found

    async def login(self) -> str:
        """The token's login, asked for once; empty where it cannot be known."""
        if not self._login:
            await self.own()
        return self._login

    # --- users ------------------------------------------------------------------------------------

    async def user(self, number_or_name: str) -> Record | None:
        """A user, disabled or not, or `None`."""
        act = "read a user"
        answer = await self._http.ask("GET", f"user/{number_or_name}", act=act, accept={404})
        return None if answer.status == 404 else self._record(answer.body, act)

    async def users(self, field: str, value: str) -> list[Record]:
        """Users in use whose custom field has the value, the last changed first.

        Where RT does not know the field, they are just any users: the caller looks.
        """
        act = "search users"
        answer = await self._http.ask(
            "POST",
            "users",
            act=act,
            query={"fields": _USER_FIELDS, "orderby": "LastUpdated", "order": "DESC"},
            body=[{"field": f"CF.{{{field}}}", "value": value}],
        )
        return [self._record(one, act) for one in self._items(answer, "user", act)]

    async def create_user(self, body: Mapping[str, Any]) -> None:
        """Makes a user; whether it is as it should be reading it must tell."""
        await self._http.ask("POST", "user", act="create a user", body=body, empty=True)

    async def change_user(self, number: str, body: Mapping[str, Any]) -> list[str]:
        """Changes a user; what RT says of it, which is no proof."""
        return await self._change(f"user/{number}", "change a user", body)

    # --- tickets ----------------------------------------------------------------------------------

    async def ticket(self, number: str) -> Record:
        """A ticket, deleted or not; of a merged one that which it is in now. Gone: never was."""
        act = "read a ticket"
        answer = await self._http.ask("GET", f"ticket/{_digits(number)}", act=act, accept={403})
        if answer.status == 403:  # this one alone: the login as such would be a 401
            raise Rejected(
                f"{act}: RT does not show it to us",
                where=self.host,
                mend="it is in another queue: give the token's group the same rights there",
            )
        return self._record(answer.body, act)

    async def tickets(self, key_field: str, key: str, number: str | None = None) -> list[Record]:
        """Tickets with this key, the oldest first, and that of this number whatever its key.

        Deleted and merged ones are not among them.
        """
        act = "search tickets"
        query = f"'CF.{{{key_field}}}' = '{_quoted(key)}'"
        if number is not None:
            query = f"id = {_digits(number)} OR {query}"
        return await self._tickets(query, act)

    async def tickets_by_number(self, numbers: Sequence[str]) -> list[Record]:
        """The tickets of these numbers that are in use, `PAGE` at the most."""
        query = " OR ".join(f"id = {_digits(number)}" for number in numbers)
        return await self._tickets(query, "read tickets")

    async def create_ticket(self, body: Mapping[str, Any]) -> str | None:
        """Makes a ticket and returns its number, if RT said it; a search must tell the rest."""
        answer = await self._http.ask(
            "POST", "ticket", act="create a ticket", body=body, empty=True
        )
        found = re.search(r"/ticket/(\d+)$", answer.headers.get("Location", ""))
        return found[1] if found and answer.status == 201 else None

    async def change_ticket(self, number: str, body: Mapping[str, Any]) -> list[str]:
        """Changes a ticket; what RT says of it, which is no proof."""
        return await self._change(f"ticket/{_digits(number)}", "change a ticket", body)

    async def queue_fields(self, queue: str) -> frozenset[str]:
        """The custom fields that a queue's tickets have; Denied where it may not be seen."""
        act = f"read the queue {queue}"
        answer = await self._http.ask("GET", f"queue/{queue}", act=act)
        found = self._object(answer, act).get("TicketCustomFields")
        if not isinstance(found, list):
            raise self._odd(act)
        return frozenset(str(one.get("name")) for one in found if isinstance(one, dict))

    # --- what was said and done -------------------------------------------------------------------

    async def comments(self, ticket: str, words: str) -> list[Comment]:
        """Comments on a ticket with these words in their subject, the oldest first."""
        act = "search a ticket's comments"
        answer = await self._http.ask(
            "POST",
            f"ticket/{_digits(ticket)}/history",
            act=act,
            query={"fields": "Data,Creator", "orderby": "id", "per_page": PAGE},
            body=[
                {"field": "Type", "value": "Comment"},
                {"field": "Data", "operator": "LIKE", "value": words},
            ],
        )
        return [
            Comment(str(one.get("id", "")), _name(one.get("Creator")), str(one.get("Data", "")))
            for one in self._items(answer, "transaction", act)
        ]

    async def comment(self, ticket: str, subject: str, text: str) -> None:
        """Adds a comment, which the caller of the line never gets to see."""
        await self._http.ask(
            "POST",
            f"ticket/{_digits(ticket)}/comment",
            act="comment on a ticket",
            body={"ContentType": "text/plain", "Subject": subject, "Content": text},
            empty=True,
        )

    async def last_number(self) -> int:
        """The number of the last thing that happened in this RT."""
        act = "ask for its last change"
        answer = await self._http.ask(
            "POST",
            "transactions",
            act=act,
            query={"orderby": "id", "order": "DESC", "per_page": 1},
            body=[{"field": "id", "operator": ">", "value": "0"}],
        )
        return max((_int(one) for one in self._items(answer, "transaction", act)), default=0)

    async def turns(self, after: int) -> list[Turn]:
        """Changes of tickets' statuses after this number, the oldest first, `PAGE` at the most."""
        act = "ask for changed statuses"
        answer = await self._http.ask(
            "POST",
            "transactions",
            act=act,
            query={
                "fields": "NewValue,Created,Creator,ObjectId",
                "orderby": "id",
                "order": "ASC",
                "per_page": PAGE,
            },
            body=[
                {"field": "ObjectType", "value": "RT::Ticket"},
                {"field": "Type", "value": "Status"},
                {"field": "id", "operator": ">", "value": str(after)},
            ],
        )
        try:
            return [
                Turn(
                    _int(one),
                    str(int(one["ObjectId"])),
                    str(one["NewValue"]),
                    micros(str(one["Created"])),
                    _name(one.get("Creator")),
                )
                for one in self._items(answer, "transaction", act)
            ]
        except (KeyError, TypeError, ValueError) as error:
            raise self._odd(act) from error

    async def custom_fields(self, words: str) -> list[tuple[str, str]]:
        """Custom fields in use with these words in their name: (name, what they are on)."""
        act = "search custom fields"
        answer = await self._http.ask(
            "POST",
            "customfields",
            act=act,
            query={"fields": "Name,LookupType", "per_page": PAGE},
            body=[{"field": "Name", "operator": "LIKE", "value": words}],
        )
        return [
            (str(one.get("Name", "")), str(one.get("LookupType", "")))
            for one in self._items(answer, "customfield", act)
        ]

    async def create_custom_field(self, body: Mapping[str, Any]) -> None:
        """Makes a custom field; Denied where the token's user may not."""
        await self._http.ask(
            "POST", "customfield", act="create a custom field", body=body, empty=True
        )

    async def close(self) -> None:
        """Closes its connections."""
        await self._http.close()

    # --- answers ----------------------------------------------------------------------------------

    async def _tickets(self, query: str, act: str) -> list[Record]:
        answer = await self._http.ask(
            "GET",
            "tickets",
            act=act,
            query={
                "query": query,
                "fields": _TICKET_FIELDS,
                "fields[Requestor]": "id,Name",
                "fields[Queue]": "Name",
                "orderby": "id",
                "order": "ASC",
                "per_page": PAGE,
            },
        )
        return [self._record(one, act) for one in self._items(answer, "ticket", act)]

    async def _change(self, path: str, act: str, body: Mapping[str, Any]) -> list[str]:
        answer = await self._http.ask("PUT", path, act=act, body=body)
        if not isinstance(answer.body, list):  # RT answers with a list of sentences, and only so
            raise self._odd(act)
        return [str(one) for one in answer.body]

    def _items(self, answer: Answer, kind: str, act: str) -> list[dict[str, Any]]:
        """The records of a list; Unreachable where it is no list of RT's."""
        items = self._object(answer, act).get("items")
        if not isinstance(items, list):
            raise self._odd(act)
        for one in items:
            if not isinstance(one, dict) or one.get("type") != kind:
                raise self._odd(act)
        return items

    def _record(self, body: object, act: str) -> Record:
        if not isinstance(body, dict) or "id" not in body:
            raise self._odd(act)
        custom: dict[str, tuple[str, ...]] = {}
        for one in body.get("CustomFields") or ():
            if isinstance(one, dict) and isinstance(one.get("values"), list):
                custom[str(one.get("name", ""))] = tuple(str(v) for v in one["values"])
        return Record(str(body["id"]), body, custom)

    def _object(self, answer: Answer, act: str) -> dict[str, Any]:
        if not isinstance(answer.body, dict):
            raise self._odd(act)
        return answer.body

    def _odd(self, act: str) -> Unreachable:
        return Unreachable(
            f"{act}: the answer is not one of Request Tracker's; whether it took effect is unknown",
            where=self.host,
            mend="see whether a proxy stands before it",
        )


def _digits(number: str) -> str:
    """A ticket's number, which goes into paths and searches."""
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        raise Rejected("that is no number of a ticket", mend="see the record's id there")
    return number


def _quoted(text: str) -> str:
    """The text between the quotes of RT's search language."""
    return text.replace("\\", "\\\\").replace("'", "\\'")


def _name(value: object) -> str:
    return str(value.get("id", "")) if isinstance(value, dict) else ""


def _int(one: Mapping[str, Any]) -> int:
    try:
        return int(one["id"])
    except (KeyError, TypeError, ValueError):
        return 0
