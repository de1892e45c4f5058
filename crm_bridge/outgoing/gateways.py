"""Where messages go: one port, and what stands behind it.

GatewayError              the gateway did not take a message; says whether to try again
├── GatewayBusy           not now: unreachable, too slow, overloaded, its secret wrong
└── GatewayRefusal        never: it says that this message cannot be sent

Without configuration nothing leaves the machine: messages become files (`FileGateway`).
A gateway is given each message at least once; the message's id is the same each time.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import httpx

from crm_bridge.clock import iso
from crm_bridge.errors import HotlineError
from crm_bridge.outgoing.messages import Message, parts
from crm_bridge.outward import NotThere, Outward, networks_of, trusted


class GatewayError(HotlineError):
    """The gateway did not take the message; `wait` seconds before the next try, if it said so."""

    wait: float | None = None


class GatewayBusy(GatewayError):
    """Not now; the same message may be taken later."""

    retry = True

    def __init__(self, what: str, *, where: str = "", mend: str = "", wait: float | None = None):
        super().__init__(what, where=where, mend=mend)
        self.wait = wait


class GatewayRefusal(GatewayError):
    """Never: the message cannot be sent as it is."""


class Gateway(Protocol):
    """What sends messages of one kind."""

    name: str
    """As it is shown beside each message it took."""

    async def send(self, message: Message) -> str:
        """Sends it and returns the gateway's own reference; raises GatewayError if it did not."""
        ...

    async def close(self) -> None:
        """Gives back what it holds."""
        ...


class FileGateway:
    """Writes each message to a file instead of sending it: the default, and for tests."""

    name = "file"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def send(self, message: Message) -> str:
        """Writes `ID.json`, readable by the owner alone, and returns its name."""
        return await asyncio.to_thread(self._write, message)

    async def close(self) -> None:
        """Holds nothing."""

    def _write(self, message: Message) -> str:
        name = f"{message.id}.json"
        text = json.dumps(as_json(message), ensure_ascii=False, indent=1) + "\n"
        part = self.folder / f".{name}.part"
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as f:
                f.write(text.encode())
                f.flush()
                os.fsync(f.fileno())
            part.replace(self.folder / name)
        except OSError as error:
            raise GatewayBusy(
                f"cannot write: {error.strerror}",
                where=str(self.folder),
                mend="check the folder's permissions and the room on its disk",
            ) from error
        return name


def as_json(message: Message) -> dict[str, Any]:
    """The message as a file of the file gateway holds it."""
    return {
        "id": message.id,
        "kind": message.kind,
        "to": message.to,
        "subject": message.subject,
        "text": message.text,
        "parts": parts(message.text) if message.kind == "sms" else None,
        "calendar": message.calendar.decode() if message.calendar else None,
        "about": list(message.about),
        "created_at": iso(message.created),
    }


_AGAIN: Final = frozenset({401, 403, 407, 408, 409, 423, 425, 429})
"""Answers of the 4xx that speak of the gateway's state, not of the message.

A wrong secret (401, 403) is mended in the configuration; the messages must outlive it.
"""


class HttpGateway:
    """Hands text messages to a provider over HTTP.

    POSTs `{"id", "to", "text", "sender"}` as JSON with `Authorization: Bearer SECRET` and
    `Idempotency-Key: id`. 2xx is taken; the reference is the answer's `reference`, `message_id`
    or `id`. 5xx and the states of `_AGAIN` are tried again, other 4xx are given up.
    """

    name = "http"

    def __init__(
        self,
        url: str,
        *,
        secret: str = "",
        sender: str = "",
        seconds: float = 10.0,
        networks: Sequence[str] = (),
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """`seconds`: how long an answer may take; `networks`: inner ones that its name may lead to.

        `transport`: for tests.
        """
        self._url = url
        self._sender = sender
        self._seconds = seconds
        headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        # no redirect is followed: the secret and the caller's number are for this address alone
        self._client = httpx.AsyncClient(
            headers=headers,
            timeout=seconds,
            trust_env=False,
            transport=transport or Outward(networks_of(networks), meant=url, verify=trusted()),
        )

    async def send(self, message: Message) -> str:
        """POSTs it and returns the provider's reference (empty where it gives none)."""
        body = {"id": message.id, "to": message.to, "text": message.text, "sender": self._sender}
        try:
            async with asyncio.timeout(self._seconds):  # httpx limits each read, not the whole
                answer = await self._client.post(
                    self._url, json=body, headers={"Idempotency-Key": message.id}
                )
        except (httpx.TimeoutException, TimeoutError) as error:
            raise GatewayBusy(f"no answer in {self._seconds:g} s", where=self._host) from error
        except NotThere as error:
            raise GatewayBusy(str(error), where=self._host, mend=error.mend) from error
        except httpx.HTTPError as error:
            raise GatewayBusy(f"{type(error).__name__}: {error}", where=self._host) from error
        if answer.is_success:
            return _reference(answer)
        what = f"HTTP {answer.status_code}"
        if answer.status_code >= 500 or answer.status_code in _AGAIN:
            raise GatewayBusy(what, where=self._host, wait=_wait(answer))
        raise GatewayRefusal(what, where=self._host)

    async def close(self) -> None:
        """Closes its connections."""
        await self._client.aclose()

    @property
    def _host(self) -> str:
        return httpx.URL(self._url).host


def _reference(answer: httpx.Response) -> str:
    try:
        body = answer.json()
    except ValueError:
        return ""
    if not isinstance(body, dict):
        return ""
    found = next((body[key] for key in ("reference", "message_id", "id") if body.get(key)), "")
    return str(found)[:200]


def _wait(answer: httpx.Response) -> float | None:
    given = answer.headers.get("Retry-After", "")
    return float(given) if given.isascii() and given.isdigit() and len(given) < 7 else None
