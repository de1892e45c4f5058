"""JSON over HTTP for every connector: a request becomes an `Answer` or an error of the port.

| what happens | error |
|---|---|
| no connection, cut off, too slow, too long, not JSON, 5xx, 400 as a web page | Unreachable |
| 429; 408, 425, 503 with Retry-After | Busy, for so long |
| 401, 403, 407, a redirect, a login page, an untrusted certificate | Denied |
| its name leads to this machine or an inner network that is not named (`outward.py`) | Denied |
| 404 or 405 of a web server before the CRM: not in JSON | Denied |
| 409, 412, 423 | Unsettled |
| 404, 410 of the CRM itself | Gone |
| any other 4xx | Rejected |

A status that the caller names in `accept` comes back as an answer. No redirect is followed and no
proxy of the environment is used: the secret and the caller's data are for this address alone.
How many requests run at once is the caller's to say.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import ssl
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import Any, Final

import httpx

from crm_bridge.connectors.port import (
    Busy,
    ConnectorError,
    Denied,
    Gone,
    Rejected,
    Unreachable,
    Unsettled,
)
from crm_bridge.errors import ConfigMistake
from crm_bridge.outward import NotThere, Outward, networks_of, trusted

MOST_BYTES: Final = 4 * 1024 * 1024
"""The longest answer that is read."""

WORDS: Final = 200
"""How much of the other side's own words an error holds."""

# httpx tells each address at INFO: callers' numbers stand in queries, a secret in a path
logging.getLogger("httpx").addFilter(lambda record: record.levelno >= logging.WARNING)
# httpcore tells each answer's head at DEBUG, in loggers below this one: sessions stand there
logging.getLogger("httpcore").setLevel(logging.WARNING)

_UNKNOWN: Final = "whether it took effect is unknown"
_ADDRESS: Final = "check that it runs and that its address in hotline.toml is right"
_LOGIN: Final = "check the login, its secret and its rights there"
_SAYING: Final = ("message", "msg", "error", "detail", "description", "title", "errors", "data")
"""Keys under which an answer says in words what is wrong, the plainest first."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: its JSON, `None` where it has no body."""

    status: int
    body: Any
    headers: httpx.Headers = field(default_factory=httpx.Headers)

    @property
    def ok(self) -> bool:
        """Whether the status is of the 2xx."""
        return 200 <= self.status < 300


class JsonHttp:
    """One CRM's address and login, and the connections to it."""

    def __init__(
        self,
        base: str,
        *,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        seconds: float = 10.0,
        most_bytes: int = MOST_BYTES,
        ca_file: Path | None = None,
        networks: Sequence[str] = (),
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """`base`: paths are added to it; `auth`: for HTTP Basic; `seconds`: for a whole request.

        `ca_file`: certificates (PEM) to trust besides those of the system; `networks`: inner ones
        that its name may lead to; `transport`: instead of the network, for tests. Raises
        ConfigMistake where the address or the file cannot be used.
        """
        self._base, self.host = _address(base)
        self._seconds = seconds
        self._most = most_bytes
        verify = trusted(ca_file) if self._base.startswith("https:") and not transport else True
        self._client = httpx.AsyncClient(
            # unpacking could make an answer a thousand times as long before it is measured
            headers={
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                "User-Agent": "hotline1203",
                **(headers or {}),
            },
            auth=auth,
            timeout=seconds,
            follow_redirects=False,
            # no session begins unless the connector itself begins one
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            trust_env=False,
            transport=transport or Outward(networks_of(networks), meant=base, verify=verify),
        )

    async def ask(
        self,
        method: str,
        path: str,
        *,
        act: str,
        query: Mapping[str, str | int] | None = None,
        body: object = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        accept: Collection[int] = (),
        empty: bool = False,
    ) -> Answer:
        """Sends one request and returns the answer; raises ConnectorError.

        `act`: what it does, for the error's text ("create a ticket"). `body` goes as JSON;
        `content` as it is, and then `body` only says what it holds, so that no error repeats it.
        `accept`: statuses besides 2xx that come back as an answer. `empty`:
        nothing but the status of a 2xx is looked at (its body may be anything, or none).
        """
        if content is None and body is not None:
            text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
            content = text.encode("utf-8", "replace")  # half a surrogate pair is no text
            headers = {"Content-Type": "application/json", **(headers or {})}
        request = self._client.build_request(
            method,
            self._base + path.lstrip("/"),
            params=query,
            content=content,
            headers=headers,
        )
        try:
            async with asyncio.timeout(self._seconds):  # httpx limits each read, not the whole
                status, got, raw = await self._exchange(request)
        except (httpx.HTTPError, OSError, TimeoutError) as error:
            raise self._broken(act, error) from error
        parsed, is_json = _parsed(raw)
        answer = Answer(status, parsed, got)
        if not answer.ok and (status not in accept or not is_json):
            raise self._refusal(act, answer, raw, is_json, texts_of(body, query))
        if empty or not answer.ok or status == 204:
            return answer
        if raw is None:
            raise Unreachable(
                f"{act}: answered more than {self._most:,} bytes; {_UNKNOWN}", where=self.host
            )
        if not is_json or not raw.strip():
            raise self._not_json(act, answer, raw)
        return answer

    async def close(self) -> None:
        """Closes its connections."""
        await self._client.aclose()

    async def _exchange(self, request: httpx.Request) -> tuple[int, httpx.Headers, bytes | None]:
        """Status, headers and body; no body where it is longer than what is read."""
        answer = await self._client.send(request, stream=True)
        try:
            raw = bytearray()
            async for part in answer.aiter_bytes():
                raw += part
                if len(raw) > self._most:
                    return answer.status_code, answer.headers, None
            return answer.status_code, answer.headers, bytes(raw)
        finally:
            await answer.aclose()

    def _broken(self, act: str, error: Exception) -> ConnectorError:
        """The error for a request that got no whole answer."""
        untrusted = _untrusted(error)
        if untrusted is not None:
            return Denied(
                f"{act}: its certificate is not trusted ({untrusted})",
                where=self.host,
                mend="renew it, or name the authority's file in ca_file",
            )
        if isinstance(error, NotThere):
            return Denied(f"{act}: {error}; nothing was sent", where=self.host, mend=error.mend)
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
            why = "cannot connect; nothing was sent"
        elif isinstance(error, httpx.TimeoutException | TimeoutError):
            why = f"no whole answer in {self._seconds:g} s; {_UNKNOWN}"
        elif isinstance(error, httpx.NetworkError):
            why = f"the connection was reset; {_UNKNOWN}"
        elif isinstance(error, httpx.ProtocolError):
            why = f"the connection ended before the answer did, or it is not HTTP; {_UNKNOWN}"
        else:
            why = f"{type(error).__name__}; {_UNKNOWN}"
        return Unreachable(f"{act}: {why}", where=self.host, mend=_ADDRESS)

    def _refusal(
        self, act: str, answer: Answer, raw: bytes | None, is_json: bool, sent: Collection[str]
    ) -> ConnectorError:
        """The error for a status that is neither 2xx nor accepted."""
        status = answer.status
        words = said(answer.body, sent) if is_json else _plain(raw, answer.headers, sent)
        what = f"{act}: HTTP {status}" + (f" ({words})" if words else "")
        wait = retry_after(answer.headers)
        if status == 429 or (wait is not None and status in {408, 425, 503}):
            return Busy(what, where=self.host, mend="it is asked again later", wait=wait)
        if status in {401, 403, 407}:
            return Denied(what, where=self.host, mend=_LOGIN)
        if 300 <= status < 400:
            to = _origin(answer.headers.get("Location", ""))
            what = f"{act}: HTTP {status}, sent on to {to}" if to else what
            return Denied(what, where=self.host, mend="give the address that answers itself")
        if status in {404, 405} and not is_json:  # the CRM's own interface answers in JSON
            return Denied(what, where=self.host, mend=_ADDRESS)
        if status in {404, 410}:
            return Gone(what, where=self.host, mend="the record was removed there")
        if status in {409, 412, 423}:
            return Unsettled(what, where=self.host, mend="it is tried again")
        if status >= 500 or status in {408, 425}:
            return Unreachable(f"{what}; {_UNKNOWN}", where=self.host, mend="see its own log")
        if status == 400 and answer.headers.get("Content-Type", "").startswith("text/html"):
            # a page about its own failure, or of a server before it: no word on this record
            return Unreachable(f"{what}; {_UNKNOWN}", where=self.host, mend="see its own log")
        if status >= 400:
            return Rejected(what, where=self.host, mend="correct the mapping or the record")
        return Unreachable(f"{what}; {_UNKNOWN}", where=self.host, mend=_ADDRESS)

    def _not_json(self, act: str, answer: Answer, raw: bytes) -> ConnectorError:
        """The error for a body that is not JSON where JSON is due."""
        kind = answer.headers.get("Content-Type", "").partition(";")[0].strip()[:60]
        kind = (kind or "something") if raw.strip() else "nothing"
        what = f"{act}: HTTP {answer.status} with {kind} instead of JSON"
        if re.search(rb"""type=["']?password""", raw, re.IGNORECASE):
            return Denied(f"{what}: a login page", where=self.host, mend=_LOGIN)
        return Unreachable(
            f"{what}; {_UNKNOWN}", where=self.host, mend="see whether a proxy stands before it"
        )


def said(body: Any, sent: Collection[str] = ()) -> str:
    """The other side's own words of a JSON answer: one short line without what was sent to it.

    `sent`: texts of the request; each word of them becomes `…`, as does any longer number.
    """
    return hidden(next(_texts(body), ""), sent)


def hidden(text: str, sent: Collection[str] = ()) -> str:
    """`text` as one short line in which every word of `sent` and every longer number is `…`."""
    text = text[: 4 * WORDS]  # what follows takes the square of the length
    text = _NUMBER.sub("…", _ADDRESS_OF_MAIL.sub("…", text))
    known = {word for one in sent for word in _WORD.findall(one.casefold())}
    if known:
        text = _WORD.sub(lambda m: "…" if m[0].casefold() in known else m[0], text)
    for word in sorted((w for w in known if _THAI.search(w)), key=len, reverse=True):
        text = text.replace(word, "…")  # Thai writes no spaces between words
    text = " ".join(text.split())
    return text if len(text) <= WORDS else text[: WORDS - 1] + "…"


_THAI: Final = re.compile(r"[\u0e00-\u0e7f]")
_WORD: Final = re.compile(r"[^\s!-/:-@\[-`{-~]{3,}|[\u0e00-\u0e7f]{2}")
"""Whatever stands between spaces and ASCII's punctuation; shorter ones tell nothing."""
_NUMBER: Final = re.compile(r"\+?\d(?:[ ().-]?\d){5,}")
_ADDRESS_OF_MAIL: Final = re.compile(r"\S+@\S+\.\S+")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that `Retry-After` asks for; a date counts from the answer's own `Date`."""
    given = headers.get("Retry-After", "").strip()
    if given.isascii() and given.isdigit():
        return float(given) if len(given) < 7 else None
    try:
        until = parsedate_to_datetime(given)
        now = parsedate_to_datetime(headers.get("Date", ""))
        return max(0.0, (until - now).total_seconds())
    except (TypeError, ValueError):  # no date, or one with a zone beside one without
        return None


def _address(base: str) -> tuple[str, str]:
    """The address with its last slash, and host:port for the errors."""
    try:
        url = httpx.URL(base)
    except httpx.InvalidURL as error:
        raise ConfigMistake(f"is no address: {error}", where=base[:80]) from error
    if url.scheme not in {"http", "https"} or not url.host:
        raise ConfigMistake("is no http:// or https:// address", where=base[:80])
    if url.userinfo or url.query or url.fragment:
        raise ConfigMistake(
            "must hold no login, no question mark and no hash", where=url.host, mend="remove them"
        )
    host = f"{url.host}:{url.port}" if url.port else url.host
    return str(url).rstrip("/") + "/", host


def _untrusted(error: BaseException | None) -> str | None:
    """Why a certificate was refused, if that is behind the error."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return str(error.verify_message)
        error = error.__cause__ or error.__context__
    return None


def _parsed(raw: bytes | None) -> tuple[Any, bool]:
    """The JSON of a body, and whether it is JSON; no body at all is JSON's nothing."""
    if raw is None:
        return None, False
    if not raw.strip():
        return None, True
    try:
        return json.loads(raw), True
    except (ValueError, RecursionError):
        return None, False


def _plain(raw: bytes | None, headers: httpx.Headers, sent: Collection[str]) -> str:
    """The words of an answer that is not JSON: its title where it is a page."""
    text = (raw or b"").decode("utf-8", "replace")
    if "html" in headers.get("Content-Type", "") or text.lstrip().startswith("<"):
        title = re.search(r"<title[^>]*>([^<]*)", text, re.IGNORECASE)
        text = title[1] if title else ""
    return hidden(text, sent)


def _texts(body: Any, depth: int = 0) -> Iterator[str]:
    """Texts of an answer's JSON in which it may say what is wrong, the plainest first."""
    if depth > 4:
        return
    if isinstance(body, str):
        if body.strip():
            yield body
    elif isinstance(body, list):
        for one in body[:5]:
            yield from _texts(one, depth + 1)
    elif isinstance(body, dict):
        for key in (*_SAYING, *(k for k in body if k not in _SAYING)):
            if key in body:
                yield from _texts(body[key], depth + 1)


def texts_of(*parts: object) -> list[str]:
    """Every text and number that a request holds, without the names of its fields."""
    found: list[str] = []
    for part in parts:
        if isinstance(part, Mapping):
            found += texts_of(*part.values())
        elif isinstance(part, list | tuple):
            found += texts_of(*part)
        elif isinstance(part, str | int | float) and not isinstance(part, bool):
            found.append(str(part))
    return found


def _origin(location: str) -> str:
    """Scheme and host of a redirect's target; nothing of its path, which may hold a ticket."""
    try:
        url = httpx.URL(location)
    except httpx.InvalidURL:
        return ""
    return f"{url.scheme}://{url.netloc.decode('ascii', 'replace')}" if url.host else ""
