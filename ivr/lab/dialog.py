"""The dialog behind one call of a scripted telephone: its state, its requests, waiting for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from ivr.lab import sip
from ivr.lab.rtp import Media
from ivr.lab.sip import Message

if TYPE_CHECKING:
    from ivr.lab.sipua import Phone

ALLOW = "INVITE, ACK, CANCEL, BYE, OPTIONS, REFER, NOTIFY, UPDATE, INFO"
DEADLINE = 10.0
"""How long, in seconds, a script waits for the far side unless it says otherwise."""


class NotInTime(Exception):
    """What a script waited for did not happen by its deadline."""


@dataclass(slots=True)
class Identity:
    """Who a call is from: `name` and `number`, or withheld from the called party."""

    number: str
    name: str = ""
    withheld: bool = False
    asserted: bool = False
    """Withheld, yet told by the carrier to the called network (P-Asserted-Identity)."""


@dataclass(slots=True, eq=False)
class Dialog:
    """A SIP dialog of a telephone: `state` goes calling → ringing → up → ended."""

    phone: Phone
    call_id: str
    local: str
    remote: str
    target: str
    media: Media
    inbound: bool
    state: str = "calling"
    ended_by: str = ""
    """`us`, `them`, or empty while it lasts."""
    refusal: int = 0
    """The final status of an INVITE that was refused."""
    asserted: str = ""
    """The number that the carrier tells as its word, or empty."""
    held: bool = False
    """The far side has put us on hold."""
    transfer: int = 0
    """The last status a NOTIFY told about our REFER (the sipfrag's), 0 for none."""
    connected: str = ""
    """Whom the far side said we are connected with (P-Asserted-Identity), as last told."""
    offer: Message | None = None
    sequence: int = 0
    _invite: Message | None = None
    _ack: bytes = b""
    _tag: str = field(default_factory=sip.token)
    _direction: str = "sendrecv"
    _waiting: list[asyncio.Future[None]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The telephone's name."""
        return self.phone.name

    @property
    def caller(self) -> str:
        """The number the far side showed."""
        return sip.user_of(self.remote)

    def _moved(self) -> None:
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)
        self._waiting.clear()

    async def until(
        self, what: str, reached: Callable[[Self], bool], deadline: float = DEADLINE
    ) -> Self:
        """Waits until `reached(leg)`; raises NotInTime naming `what` after `deadline` seconds."""
        loop = asyncio.get_running_loop()
        end = loop.time() + deadline
        while not reached(self):
            waiting = loop.create_future()
            self._waiting.append(waiting)
            try:
                await asyncio.wait_for(waiting, max(0.0, end - loop.time()))
            except TimeoutError:
                raise NotInTime(
                    f"{self.name}: not {what} within {deadline:g} s; it is {self.state}"
                    + (f" ({self.refusal})" if self.refusal else "")
                ) from None
        return self

    async def ringing(self, deadline: float = DEADLINE) -> Self:
        """Waits until the far side rings."""
        return await self.until("ringing", lambda leg: leg.state != "calling", deadline)

    async def up(self, deadline: float = DEADLINE) -> Self:
        """Waits until the call is answered; raises NotInTime at once where it was refused."""
        await self.until("answered", lambda leg: leg.state in {"up", "ended"}, deadline)
        if self.state == "ended":
            raise NotInTime(f"{self.name}: refused with {self.refusal}")
        return self

    async def ended(self, deadline: float = DEADLINE) -> Self:
        """Waits until the call is over."""
        return await self.until("ended", lambda leg: leg.state == "ended", deadline)

    def _build(self, method: str, body: bytes = b"", extra: list[tuple[str, str]] | None = None,
               *, sequence: int | None = None) -> Message:  # fmt: skip
        if sequence is None:
            self.sequence += 1
            sequence = self.sequence
        phone = self.phone
        local = self.local if ";tag=" in self.local else f"{self.local};tag={self._tag}"
        headers = [
            ("Via", f"SIP/2.0/UDP {phone.address}:5060;branch=z9hG4bK{sip.token()};rport"),
            ("Max-Forwards", "70"),
            ("From", local),
            ("To", self.remote),
            ("Call-ID", self.call_id),
            ("CSeq", f"{sequence} {method}"),
            ("Contact", phone.contact),
            ("Allow", ALLOW),
            *(extra or []),
        ]
        if body and not any(name == "Content-Type" for name, _ in headers):
            headers.append(("Content-Type", "application/sdp"))
        return Message(f"{method} {self.target} SIP/2.0", headers, body)

    def _transact(
        self,
        method: str,
        body: bytes = b"",
        extra: list[tuple[str, str]] | None = None,
        then: Callable[[Message], None] | None = None,
    ) -> Message:
        """Sends a request of this dialog, answering one challenge."""

        def attempt(more: list[tuple[str, str]], tried: bool) -> Message:
            request = self._build(method, body, [*(extra or []), *more])
            if method == "INVITE":
                self._invite = request
            self.phone.transact(request, lambda message: answered(request, message, tried))
            return request

        def answered(request: Message, message: Message, tried: bool) -> None:
            if message.status in {401, 407} and not tried and self.phone.password:
                uri = request.start.split(" ")[1]
                attempt([self.phone.credentials(message, method, uri)], True)
            elif then:
                then(message)

        return attempt([], False)

    def _learn(self, message: Message) -> None:
        if sip.parameter(message.first("To"), "tag"):
            self.remote = message.first("To")
        if message.first("Contact"):
            self.target = sip.address_uri(message.first("Contact"))
        if message.first("P-Asserted-Identity"):
            self.connected = sip.user_of(message.first("P-Asserted-Identity"))

    def _acknowledge(self) -> None:
        ack = self._build("ACK", sequence=self.sequence)
        self._ack = ack.encode()
        self.phone.send(self._ack)

    def acknowledge_again(self) -> None:
        """The far side repeats its 2xx: its ACK was lost."""
        self.phone.send(self._ack)

    def drop(self) -> None:
        """Forgets the call without a word on the wire."""
        self.media.close()
        self.state = "ended"
        self._moved()

    def _become(self, state: str) -> None:
        if self.state == "ended":
            return
        self.state = state
        if state == "ended":
            self.media.close()
        self._moved()
