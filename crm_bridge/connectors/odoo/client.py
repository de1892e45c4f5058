"""Odoo's JSON-RPC: a method of a model becomes its result or an error of the port.

Odoo answers 200 to nearly everything and names a Python exception where it failed:

| Odoo's exception | error |
|---|---|
| AccessDenied, no user for the key, an unknown database | Denied |
| AccessError | Denied where the model is not allowed, Rejected where this one record is not |
| MissingError | Gone |
| a serialisation failure, a deadlock, a duplicate key | Unsettled |
| its database down or busy, an expired session, an unknown server error | Unreachable |
| ValidationError, UserError, ValueError and the like, what PostgreSQL says of a value | Rejected |

A method that returns nothing has neither `result` nor `error` in its answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

from crm_bridge.connectors.http import JsonHttp, hidden
from crm_bridge.connectors.port import (
    Busy,
    ConnectorError,
    Denied,
    Gone,
    Rejected,
    Unreachable,
    Unsettled,
)

ENGLISH: Final = "en_US"
"""The one language that every Odoo knows, installed or not: the source of all its terms."""

_CONTEXT: Final[Mapping[str, Any]] = {
    "lang": ENGLISH,
    "tz": "UTC",  # `load` reads moments in it
    "active_test": False,  # what was archived is found again, not made anew
    "mail_create_nosubscribe": True,  # our user shall not follow everything it writes
}

_CONCURRENT: Final = (
    "SerializationFailure",
    "DeadlockDetected",
    "LockNotAvailable",
    "TransactionRollbackError",
    "TransactionRollback",
    "UniqueViolation",
)
_VALUE: Final = frozenset(
    {"ValidationError", "UserError", "Warning", "RedirectWarning", "ValueError", "TypeError",
     "KeyError", "AttributeError", "AssertionError", "CheckViolation", "NotNullViolation",
     "ForeignKeyViolation", "InvalidTextRepresentation", "StringDataRightTruncation", "DataError",
     "IntegrityError", "NumericValueOutOfRange", "InvalidDatetimeFormat", "DatetimeFieldOverflow",
     "except_orm", "ParseError", "UnicodeEncodeError"}
)  # fmt: skip
_RIGHTS: Final = "give the user the rights that docs/connectors/odoo.md names"
_KEY: Final = "make a new API key for the user and check username and database in hotline.toml"


@dataclass(frozen=True, slots=True)
class Version:
    """Which Odoo answers: `text` as it says (`14.0`), `major` as a number."""

    text: str
    major: int


class OdooClient:
    """One database of one Odoo, as one user."""

    def __init__(self, http: JsonHttp, *, database: str, username: str, key: str) -> None:
        """`key`: an API key of the user (its password works as well where Odoo allows it)."""
        self._http = http
        self._database = database
        self._username = username
        self._key = key
        self._uid: int | None = None
        self._version: Version | None = None
        self._numbers = count(1)

    @property
    def host(self) -> str:
        """Host and port, for the errors."""
        return self._http.host

    async def close(self) -> None:
        """Closes its connections."""
        await self._http.close()

    async def version(self, *, anew: bool = False) -> Version:
        """Which Odoo this is; asked once unless `anew`. It needs no login."""
        if self._version is None or anew:
            said = await self._ask("common", "version", [], act="ask for its version")
            text = str(said.get("server_version", "")) if isinstance(said, dict) else ""
            info = said.get("server_version_info") if isinstance(said, dict) else None
            # online services say ["saas~17", 2, …]
            first = str(info[0]) if isinstance(info, list) and info else text.partition(".")[0]
            digits = "".join(c for c in first if c.isdigit())
            if not digits:
                raise Denied(
                    "is no Odoo", where=self.host, mend="check the address in hotline.toml"
                )
            self._version = Version(text or digits, int(digits))
        return self._version

    async def uid(self, *, anew: bool = False) -> int:
        """The number of our user; Denied where login, key or database is wrong."""
        if self._uid is None or anew:
            params = [self._database, self._username, self._key, {}]
            found = await self._ask("common", "authenticate", params, act="log in")
            if not isinstance(found, int) or isinstance(found, bool):
                raise Denied("log in: the user or its key is refused", where=self.host, mend=_KEY)
            self._uid = found
        return self._uid

    async def call(
        self,
        model: str,
        method: str,
        *args: Any,
        act: str,
        context: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> Any:
        """What a method of a model returns; `act` says for the error's text what it is for."""
        try:
            return await self._execute(model, method, args, kwargs, context or {}, act)
        except _NoRight as error:
            raise await self._explained(model, _OPERATIONS.get(method), act) from error

    async def load(self, model: str, external: str, cells: Mapping[str, str], *, act: str) -> int:
        """The id of the record of this external id, made or written as Odoo's import does it.

        No two records can have one external id: of several at once one is made, and the others are
        Unsettled. `cells`: column → text.
        """
        columns, row = ["id", *cells], [external, *cells.values()]
        made = await self.call(model, "load", columns, [row], act=act)
        found = made if isinstance(made, dict) else {}
        ids = found.get("ids")
        if isinstance(ids, list) and len(ids) == 1 and isinstance(ids[0], int):
            return ids[0]
        messages = [one for one in found.get("messages") or [] if isinstance(one, dict)]
        first = next((one for one in messages if one.get("type") == "error"), {})
        text = str(first.get("message") or "")
        if any(words in text for words in ("could not serialize", "duplicate key", "deadlock")):
            raise Unsettled(f"{act}: another wrote it meanwhile", where=self.host)
        if "AccessError" in text:
            raise await self._explained(model, "create", act)
        column = str(first.get("field") or "")
        what = hidden(text, _texts(row)) or "it was not taken"
        raise Rejected(
            f"{act}: {f'field {column}: ' if column else ''}{what}",
            where=self.host,
            mend="correct the mapping or the record",
        )

    async def _execute(
        self,
        model: str,
        method: str,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        context: Mapping[str, Any],
        act: str,
    ) -> Any:
        uid = await self.uid()
        named = {**kwargs, "context": {**_CONTEXT, **context}}
        params = [self._database, uid, self._key, model, method, list(args), named]
        return await self._ask("object", "execute_kw", params, act=act, sent=(args, kwargs))

    async def _explained(self, model: str, operation: str | None, act: str) -> ConnectorError:
        """Whether it is the right on the model that is missing, or only that on the one record."""
        allowed: Any = False
        if operation is not None:
            try:
                allowed = await self._execute(
                    model, "check_access_rights", (operation,), {"raise_exception": False}, {}, act
                )
            except ConnectorError as other:
                if not isinstance(other, Rejected | _NoRight):
                    return other
        if allowed is True:
            return Rejected(
                f"{act}: a rule of Odoo keeps this record of {model} from our user",
                where=self.host,
                mend="let the user see all records of the model (“All Documents”), all companies",
            )
        what = f"{act}: the user may not {operation or 'do this'} on {model}"
        return Denied(what, where=self.host, mend=_RIGHTS)

    async def _ask(
        self, service: str, method: str, params: Sequence[Any], *, act: str, sent: object = ()
    ) -> Any:
        body = {
            "jsonrpc": "2.0",
            "method": "call",
            "id": next(self._numbers),
            "params": {"service": service, "method": method, "args": list(params)},
        }
        answer = await self._http.ask("POST", "jsonrpc", act=act, body=body)
        said = answer.body if isinstance(answer.body, dict) else {}
        failed = said.get("error")
        if failed is not None:
            raise self._refusal(failed, act, sent)
        if said.get("id") != body["id"]:
            raise Unreachable(
                f"{act}: no JSON-RPC answer", where=self.host, mend="check the address"
            )
        return said.get("result")

    def _refusal(self, failed: object, act: str, sent: object) -> ConnectorError:
        """The port's error for Odoo's; nothing of its traceback, which holds what was sent."""
        error: dict[str, Any] = failed if isinstance(failed, dict) else {}
        inner = error.get("data")
        data: dict[str, Any] = inner if isinstance(inner, dict) else {}
        name = str(data.get("name") or "")
        kind = name.rpartition(".")[2]
        words = str(data.get("message") or error.get("message") or "")
        if kind == "AccessDenied":
            self._uid = None
            return Denied(f"{act}: the user or its key is refused", where=self.host, mend=_KEY)
        if kind == "AccessError":
            return _NoRight(act, where=self.host)
        if kind == "MissingError":
            return Gone(
                f"{act}: it is not there any more", where=self.host, mend="it was deleted there"
            )
        if kind in _CONCURRENT or "could not serialize" in words:
            return Unsettled(f"{act}: another wrote it meanwhile", where=self.host)
        if kind == "OperationalError" and words.strip().endswith("does not exist"):
            return Denied(f"{act}: it has no such database", where=self.host, mend=_KEY)
        if kind == "NotFound":
            return Denied(
                f"{act}: it has no JSON-RPC there", where=self.host, mend="check the address"
            )
        if kind in {"TooManyRequests", "ServiceUnavailable"}:
            return Busy(f"{act}: {kind}", where=self.host)
        if kind in _VALUE:
            said = hidden(words.partition("\n")[0], _texts(sent))
            return Rejected(
                f"{act}: {kind}" + (f" ({said})" if said else ""),
                where=self.host,
                mend="correct the mapping or the record",
            )
        if "SessionExpired" in kind:
            self._uid = None
        what = f"{act}: {kind or 'an error without a name'}; whether it took effect is unknown"
        return Unreachable(what, where=self.host, mend="see Odoo's log")


class _NoRight(Denied):
    """An AccessError that is not looked into yet."""


_OPERATIONS: Final = {
    "search": "read", "search_read": "read", "search_count": "read", "read": "read",
    "create": "create", "load": "create", "write": "write", "unlink": "unlink",
    "message_post": "write", "fields_get": "read", "name_search": "read",
}  # fmt: skip


def _texts(part: object) -> list[str]:
    """Every text and number in what was sent."""
    if isinstance(part, Mapping):
        return [text for one in part.values() for text in _texts(one)]
    if isinstance(part, list | tuple):
        return [text for one in part for text in _texts(one)]
    if isinstance(part, str | int | float) and not isinstance(part, bool):
        return [str(part)]
    return []
