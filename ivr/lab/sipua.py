"""A scripted SIP telephone: it registers, calls, answers, holds and transfers as a script says.

It exists because SIPp cannot script hold, REFER with Replaces or a call seen from both ends.
One `Phone` is one address (its own loopback IP, port 5060, UDP); a `Leg` is one of its calls.
Waiting is always for something the far side did: `await leg.until(...)` has a deadline and
raises `NotInTime`, naming what was waited for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from ivr.lab import sip
from ivr.lab.dialog import DEADLINE, Identity, NotInTime
from ivr.lab.leg import Leg
from ivr.lab.sip import Message

_T1 = 0.5
"""RFC 3261's first retransmission interval, in seconds."""
Note = Callable[[str], None]

__all__ = ["DEADLINE", "Identity", "Leg", "NotInTime", "Phone", "talk"]


@dataclass(slots=True)
class _Transaction:
    """A request of ours that is not finally answered."""

    request: Message
    on_response: Callable[[Message], None]
    timer: asyncio.TimerHandle | None = None
    interval: float = _T1
    answered: bool = False


class Phone(asyncio.DatagramProtocol):
    """A SIP telephone on `address`:5060 that talks to the server at `server`."""

    def __init__(
        self,
        name: str,
        address: str,
        server: str,
        *,
        user: str = "",
        password: str = "",
        note: Note | None = None,
        steady_media: bool = True,
    ) -> None:
        self.name = name
        self.address = address
        self.server = (server, 5060)
        self.user = user or name
        self.password = password
        self.steady_media = steady_media
        self.remote_control = True
        """It honours a NOTIFY `hold` or `talk` within its call, as desk telephones do."""
        self.legs: list[Leg] = []
        self.on_call: Callable[[Leg], None] | None = None
        """Called for each incoming call instead of keeping it for `incoming()`."""
        self._note = note
        self._arrived: asyncio.Queue[Leg] = asyncio.Queue()
        self._transport: asyncio.DatagramTransport | None = None
        self._transactions: dict[tuple[str, str], _Transaction] = {}
        self._answered: dict[tuple[str, str, str], bytes] = {}
        self._register_id = sip.token()
        self._register_sequence = 0
        self.registered = False
        self.tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Binds the telephone's address; raises OSError where it is taken."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: self, local_addr=(self.address, 5060)
        )

    @property
    def there(self) -> bool:
        """Whether it has its address: it was opened and not put away."""
        return self._transport is not None

    async def close(self) -> None:
        """Drops every call without a word and frees the address."""
        for transaction in self._transactions.values():
            if transaction.timer:
                transaction.timer.cancel()
        self._transactions.clear()
        for task in list(self.tasks):
            task.cancel()
        for leg in self.legs:
            leg.drop()
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    def hang_up_all(self) -> None:
        """Forgets every call, for a server that has forgotten them too."""
        for leg in self.legs:
            leg.drop()

    def note(self, what: str) -> None:
        """Writes down what this telephone did, at this moment."""
        if self._note:
            self._note(f"{self.name}: {what}")

    def spawn(self, work: asyncio.Future[None] | asyncio.Task[None]) -> None:
        """Keeps a reference to a task of this telephone until it ends."""
        if isinstance(work, asyncio.Task):
            self.tasks.add(work)
            work.add_done_callback(self.tasks.discard)

    @property
    def contact(self) -> str:
        """The Contact value of this telephone."""
        return f"<sip:{self.user}@{self.address}:5060>"

    # --- the wire -----------------------------------------------------------------------------

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Hands a message to its transaction, its leg or a new leg."""
        message = sip.parse(data)
        if message is None:
            return
        if message.status:
            self._response(message)
            return
        key = (message.branch, message.method, message.first("CSeq"))
        if key in self._answered:  # a retransmission: the same answer again
            self.send(self._answered[key])
            return
        self._request(message)

    def error_received(self, exc: Exception) -> None:
        """The server is not there; retransmission or the script's deadline deals with it."""

    def send(self, data: bytes) -> None:
        """Puts bytes on the wire to the server."""
        if self._transport is not None:
            self._transport.sendto(data, self.server)

    def reply(self, request: Message, answer: Message) -> None:
        """Sends a response and keeps it for the request's retransmissions."""
        data = answer.encode()
        self._answered[request.branch, request.method, request.first("CSeq")] = data
        self.send(data)

    def transact(self, request: Message, on_response: Callable[[Message], None]) -> None:
        """Sends a request and retransmits it until there is a response."""
        transaction = _Transaction(request, on_response)
        self._transactions[request.branch, request.method] = transaction
        self._transmit(transaction)

    def _transmit(self, transaction: _Transaction) -> None:
        if transaction.answered or self._transport is None:
            return
        self.send(transaction.request.encode())
        if transaction.interval <= 32 * _T1:
            loop = asyncio.get_running_loop()
            transaction.timer = loop.call_later(transaction.interval, self._transmit, transaction)
            transaction.interval *= 2

    def _response(self, message: Message) -> None:
        key = (message.branch, message.method)
        transaction = self._transactions.get(key)
        if transaction is None:
            leg = self._leg_of(message)
            if leg and message.method == "INVITE" and 200 <= message.status < 300:
                leg.acknowledge_again()
            return
        transaction.answered = True
        if transaction.timer:
            transaction.timer.cancel()
        if message.status >= 200:
            del self._transactions[key]
            if message.method == "INVITE" and message.status >= 300:
                self.send(_ack_refusal(transaction.request, message).encode())
        transaction.on_response(message)

    def _leg_of(self, message: Message) -> Leg | None:
        call_id = message.first("Call-ID")
        return next((leg for leg in self.legs if leg.call_id == call_id), None)

    def _request(self, message: Message) -> None:
        leg = self._leg_of(message)
        method = message.method
        if leg is not None:
            leg.handle(message)
        elif method == "INVITE":
            leg = Leg.incoming(self, message)
            self.legs.append(leg)
            self.send(sip.response(message, 100).encode())
            leg.handle(message)
            if self.on_call:
                self.on_call(leg)
            else:
                self._arrived.put_nowait(leg)
        elif method in {"OPTIONS", "NOTIFY"}:
            self.reply(message, sip.response(message, 200, tag=sip.token()))
        elif method != "ACK":
            self.reply(message, sip.response(message, 481, tag=sip.token()))

    # --- what a person does with it -----------------------------------------------------------

    async def register(self, expires: int = 3600, deadline: float = DEADLINE) -> None:
        """Registers with the server (digest); `expires=0` takes the registration away."""
        host = self.server[0]
        aor = f"<sip:{self.user}@{host}>"
        done: asyncio.Future[Message] = asyncio.get_running_loop().create_future()

        def attempt(extra: list[tuple[str, str]]) -> None:
            self._register_sequence += 1
            request = Message(
                f"REGISTER sip:{host} SIP/2.0",
                [
                    ("Via", f"SIP/2.0/UDP {self.address}:5060;branch=z9hG4bK{sip.token()};rport"),
                    ("Max-Forwards", "70"),
                    ("From", f"{aor};tag={sip.token()}"),
                    ("To", aor),
                    ("Call-ID", self._register_id),
                    ("CSeq", f"{self._register_sequence} REGISTER"),
                    ("Contact", f"{self.contact};expires={expires}"),
                    *extra,
                ],
            )
            self.transact(request, lambda message: answered(request, message, bool(extra)))

        def answered(request: Message, message: Message, tried: bool) -> None:
            if message.status == 401 and not tried:
                attempt([self.credentials(message, "REGISTER", f"sip:{host}")])
            elif message.status >= 200 and not done.done():
                done.set_result(message)

        attempt([])
        try:
            final = await asyncio.wait_for(done, deadline)
        except TimeoutError:
            raise NotInTime(f"{self.name}: no answer to REGISTER") from None
        if final.status != 200:
            raise NotInTime(f"{self.name}: REGISTER was answered {final.start}")
        self.registered = expires > 0

    def credentials(self, challenge: Message, method: str, uri: str) -> tuple[str, str]:
        """The header that answers a 401 or 407."""
        asked, header = (
            ("WWW-Authenticate", "Authorization")
            if challenge.status == 401
            else ("Proxy-Authenticate", "Proxy-Authorization")
        )
        return header, sip.authorization(
            challenge.first(asked),
            method=method,
            uri=uri,
            username=self.user,
            password=self.password,
        )

    async def call(self, number: str, identity: Identity | None = None) -> Leg:
        """Sends an INVITE for `number`; returns at once with the leg."""
        leg = Leg.outgoing(self, number, identity or Identity(self.user))
        self.legs.append(leg)
        await leg.media.open()
        self.note(f"calls {number}")
        leg.invite()
        return leg

    async def incoming(self, deadline: float = DEADLINE) -> Leg:
        """The next call that arrives here."""
        try:
            return await asyncio.wait_for(self._arrived.get(), deadline)
        except TimeoutError:
            raise NotInTime(f"{self.name}: no call arrived") from None

    async def rung(self, deadline: float = DEADLINE) -> Leg:
        """The next call that arrives here, ringing."""
        leg = await self.incoming(deadline)
        leg.ring()
        return leg


def _ack_refusal(invite: Message, refusal: Message) -> Message:
    """The ACK of a final response other than 2xx, which belongs to the INVITE's transaction."""
    return Message(
        invite.start.replace("INVITE", "ACK", 1),
        [
            ("Via", invite.first("Via")),
            ("Max-Forwards", "70"),
            ("From", invite.first("From")),
            ("To", refusal.first("To")),
            ("Call-ID", invite.first("Call-ID")),
            ("CSeq", invite.first("CSeq").replace("INVITE", "ACK")),
        ],
    )


async def talk(seconds: float) -> None:
    """Lets talk time pass: the only waiting in a script that is not for something to happen."""
    await asyncio.sleep(seconds)
