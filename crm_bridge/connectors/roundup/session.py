"""A session with a Roundup tracker: a request becomes its answer's data or an error of the port.

Roundup says in words what is wrong, with few statuses:

| it says | error |
|---|---|
| 404 no such issue 7 | Gone |
| 404 no such class, no such address; 400 of the headers against forged requests | Denied |
| 400 of a property that we ourselves need | Denied |
| 400 An error occurred (its database is locked, a bug of its own) | Unreachable |
| 400 of a one-time address that was used before | TokenUsed |
| other 400, 405, 409: a value, a detector's veto | Rejected |
| 429 after four wrong passwords | Denied, for so long |

Checking a password takes Roundup a fifth of a second of each request, so that the client logs in
once and goes on as a session, as a browser does; where there is no such login, each request carries
the password.
"""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Collection, Mapping
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from crm_bridge.connectors.http import Answer, JsonHttp, said, texts_of
from crm_bridge.connectors.port import (
    Busy,
    ConnectorError,
    Denied,
    Gone,
    Rejected,
    Unreachable,
    Unsettled,
)

SCHEMA: Final = "add to the tracker's schema.py what docs/connectors/roundup.md says"
ADDRESS: Final = "give as url the tracker's own web address: `web` in its config.ini"
_LOGIN: Final = "check username and token in hotline.toml, and the user's role Hotline"
_RIGHTS: Final = "give the user the role Hotline as docs/connectors/roundup.md says"
_MAPPING: Final = "correct the mapping or the record"

_FORGED: Final = re.compile(
    r"not allowed to use Rest|Required Header|sufficient headers|Unable to authorize|"
    r"Invalid (?:Origin|Referer|HOST|X-FORWARDED-HOST)|Missing header"
)
_PROPERTY: Final = re.compile(
    r"Property (\w+) not found in class|Unknown property: (\w+)|Field (\w+) is not valid for"
)


class TokenUsed(Unsettled):
    """The one-time address was used before: what it was for may be there, or come in a moment."""


class _SessionOver(Denied):
    """Nobody is logged in, or somebody who may not use REST."""


class NotThere(Denied):
    """The tracker lacks a class or a property that we cannot do without."""


class NoSuchProperty(Rejected):
    """The tracker lacks a property that the mapping names."""


class Session:
    """One tracker, as one user."""

    def __init__(self, http: JsonHttp, *, login: str, password: str, ours: Collection[str]) -> None:
        """`ours`: properties that this connector cannot do without."""
        self._http = http
        self._login = login
        self._password = password
        self._ours = frozenset(ours)
        self._access: dict[str, str] | None = None
        self._entering = asyncio.Lock()

    @property
    def host(self) -> str:
        """Host and port, for the errors."""
        return self._http.host

    async def close(self) -> None:
        """Closes its connections."""
        await self._http.close()

    async def ask(
        self,
        method: str,
        path: str,
        *,
        act: str,
        query: Mapping[str, str | int] | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Sends one request and returns the answer, whose body has `data`; logs in if need be."""
        for last in (False, True):
            access = await self._entered()
            given = {**(headers or {}), **access}
            try:
                return await self._send(method, path, act, query, body, given)
            except _SessionOver as error:
                if last:
                    raise Denied(error.what, where=error.where, mend=error.mend) from error
                if self._access is access:
                    self._access = None  # a session ends after a week without use
        raise AssertionError("the second time returns or raises")

    async def _entered(self) -> dict[str, str]:
        """The header that lets us in; the first request waits for the login, the others for it."""
        async with self._entering:
            if self._access is None:
                self._access = await self._enter()
            return self._access

    async def _enter(self) -> dict[str, str]:
        act = "log in"
        pair = base64.b64encode(f"{self._login}:{self._password}".encode()).decode()
        basic = {"Authorization": f"Basic {pair}"}
        await self._send("GET", "rest/", act, None, None, basic)  # says why, where it is refused
        form = {
            "@action": "login",
            "__login_name": self._login,
            "__login_password": self._password,
        }
        try:
            answer = await self._http.ask(
                "POST",
                "",
                act=act,
                content=urlencode(form).encode(),
                headers={"Content-Type": "application/x-www-form-urlencoded"},
                accept={302, 303},
                empty=True,
            )
            for cookie in answer.headers.get_list("Set-Cookie"):
                if cookie.startswith("roundup_session"):
                    session = {"Cookie": cookie.partition(";")[0]}
                    await self._send("GET", "rest/", act, None, None, session)
                    return session
        except (Denied, Rejected, _SessionOver):
            pass  # an office's own login page, or none
        return basic

    async def _send(
        self,
        method: str,
        path: str,
        act: str,
        query: Mapping[str, str | int] | None,
        body: Mapping[str, Any] | None,
        headers: Mapping[str, str],
    ) -> Answer:
        try:
            answer = await self._http.ask(
                method,
                path,
                act=act,
                query=query,
                body=body,
                headers=headers,
                accept={400, 403, 404, 405, 409},
            )
        except Busy as busy:
            if "Login" not in busy.what:
                raise
            raise Denied(
                f"{act}: too many wrong passwords; the user is locked for a while",
                where=self.host,
                mend="correct the password in hotline.toml",
                wait=busy.wait,
            ) from busy
        if not answer.ok:
            raise self._refusal(act, answer, texts_of(query, body))
        if not isinstance(answer.body, dict) or not isinstance(answer.body.get("data"), dict):
            raise self.strange(act)
        return answer

    def _refusal(self, act: str, answer: Answer, sent: Collection[str]) -> ConnectorError:
        """The error for what Roundup says."""
        error = answer.body.get("error") if isinstance(answer.body, dict) else None
        message = str(error.get("msg", "")) if isinstance(error, dict) else ""
        what = f"{act}: HTTP {answer.status} ({said(message, sent) or 'no word why'})"
        where = self.host
        if answer.status == 403:
            if message.startswith("Forbidden"):  # to whoever may not use REST: also to nobody
                return _SessionOver(what, where=where, mend=_LOGIN)
            return Denied(what, where=where, mend=_RIGHTS)
        if answer.status == 404:
            if message.startswith("no such "):
                return Gone(what, where=where)
            if message.startswith("Class "):
                return NotThere(what, where=where, mend=SCHEMA)
            return Denied(what, where=where, mend=ADDRESS)
        if _FORGED.search(message):
            return Denied(what, where=where, mend=ADDRESS)
        if "POE token" in message:
            return TokenUsed(f"{act}: its one-time address was used before", where=where)
        if "An error occurred" in message or "database is locked" in message:
            return Unreachable(
                f"{act}: Roundup failed; whether it took effect is unknown",
                where=where,
                mend="see the tracker's log",
            )
        if (odd := _PROPERTY.search(message)) and (name := next(filter(None, odd.groups()))):
            what = f"{act}: the tracker has no property {name}"
            if name in self._ours:
                return NotThere(what, where=where, mend=SCHEMA)
            return NoSuchProperty(what, where=where, mend="correct the mapping, or add it there")
        return Rejected(what, where=where, mend=_MAPPING)

    def strange(self, act: str) -> ConnectorError:
        """The error for an answer that is not of the expected form."""
        return Unreachable(
            f"{act}: the answer is not Roundup's; whether it took effect is unknown",
            where=self.host,
            mend="see whether a proxy stands before it",
        )


def headers(url: str) -> dict[str, str]:
    """What every request carries: among others, what shows Roundup that no page forged it."""
    parts = urlsplit(url)
    made = {
        "X-Requested-With": "hotline1203",
        "Origin": f"{parts.scheme}://{parts.netloc}",
        "Referer": url.rstrip("/") + "/",
    }
    if parts.scheme == "http":
        # Roundup's own server writes head and body apart: on a connection that is kept, the second
        # waits 40 ms for the first to be acknowledged; a new connection costs less than one
        made["Connection"] = "close"
    return made


def member(body: Any, name: str) -> Any:
    """What `data` of an answer holds under a name."""
    data = body.get("data") if isinstance(body, dict) else None
    return data.get(name) if isinstance(data, dict) else None
