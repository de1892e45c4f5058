"""A scripted SIP telephone: it registers, calls, answers, holds and transfers as a script says.

It exists because SIPp cannot script hold, REFER with Replaces or a call seen from both ends.
One `Phone` is one address (its own loopback IP, port 5060, UDP); a `Leg` is one of its calls.
Waiting is always for something the far side did: `await leg.until(...)` has a deadline and
raises `NotInTime`, naming what was waited for.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote

from ivr.lab import sip
from ivr.lab.rtp import Media
from ivr.lab.sip import Message

ALLOW = "INVITE, ACK, CANCEL, BYE, OPTIONS, REFER, NOTIFY, UPDATE, INFO"
_T1 = 0.5
"""RFC 3261's first retransmission interval, in seconds."""
_DEADLINE = 10.0
"""How long, in seconds, a script waits for the far side unless it says otherwise."""

Note = Callable[[str], None]


class NotInTime(Exception):
    """What a script waited for did not happen by its deadline."""


@dataclass(slots=True)
class _Transaction:
    """A request of ours that is not finally answered."""

    request: Message
    on_response: Callable[[Message], None]
    timer: asyncio.TimerHandle | None = None
    interval: float = _T1
    answered: bool = False


@dataclass(slots=True)
class Identity:
    """Who a call is from: `name` and `number`, or withheld from the called party."""

    number: str
    name: str = ""
    withheld: bool = False


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

    async def register(self, expires: int = 3600, deadline: float = _DEADLINE) -> None:
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

    async def incoming(self, deadline: float = _DEADLINE) -> Leg:
        """The next call that arrives here."""
        try:
            return await asyncio.wait_for(self._arrived.get(), deadline)
        except TimeoutError:
            raise NotInTime(f"{self.name}: no call arrived") from None

    async def rung(self, deadline: float = _DEADLINE) -> Leg:
        """The next call that arrives here, ringing."""
        leg = await self.incoming(deadline)
        leg.ring()
        return leg


@dataclass(slots=True, eq=False)
class Leg:
    """One call of a telephone: `state` goes calling → ringing → up → ended."""

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

    @classmethod
    def outgoing(cls, phone: Phone, number: str, identity: Identity) -> Leg:
        """A leg for a call from here; nothing is sent yet."""
        host = phone.server[0]
        shown = f'"{identity.name}" ' if identity.name else ""
        local = f"{shown}<sip:{identity.number}@{phone.address}>"
        if identity.withheld:
            local = '"Anonymous" <sip:anonymous@anonymous.invalid>'
        uri = f"sip:{number}@{host}"
        media = Media(phone.address, steady=phone.steady_media)
        return cls(phone, f"{sip.token()}@{phone.address}", local, f"<{uri}>", uri, media, False)

    @classmethod
    def incoming(cls, phone: Phone, invite: Message) -> Leg:
        """A leg for an INVITE that arrived."""
        media = Media(phone.address, steady=phone.steady_media)
        return cls(
            phone,
            invite.first("Call-ID"),
            invite.first("To"),
            invite.first("From"),
            sip.address_uri(invite.first("Contact")),
            media,
            True,
            offer=invite,
        )

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
        self, what: str, reached: Callable[[Leg], bool], deadline: float = _DEADLINE
    ) -> Leg:
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

    async def ringing(self, deadline: float = _DEADLINE) -> Leg:
        """Waits until the far side rings."""
        return await self.until("ringing", lambda leg: leg.state != "calling", deadline)

    async def up(self, deadline: float = _DEADLINE) -> Leg:
        """Waits until the call is answered; raises NotInTime at once where it was refused."""
        await self.until("answered", lambda leg: leg.state in {"up", "ended"}, deadline)
        if self.state == "ended":
            raise NotInTime(f"{self.name}: refused with {self.refusal}")
        return self

    async def ended(self, deadline: float = _DEADLINE) -> Leg:
        """Waits until the call is over."""
        return await self.until("ended", lambda leg: leg.state == "ended", deadline)

    # --- requests of ours ---------------------------------------------------------------------

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

    def invite(self) -> None:
        """Sends the first INVITE of an outgoing leg."""
        extra: list[tuple[str, str]] = []
        if "anonymous.invalid" in self.local:
            extra.append(("Privacy", "id"))
        self._transact("INVITE", self.media.description(), extra, self._invited)

    def _invited(self, message: Message) -> None:
        if message.status == 100:
            return
        self._learn(message)
        if message.body:
            self.media.connect(message.body)
        if message.status < 200:
            self._become("ringing")
        elif message.status < 300:
            self._acknowledge()
            if self.ended_by:  # cancelled, but the answer crossed it
                self._transact("BYE")
                self._become("ended")
            else:
                self._become("up")
        else:
            self.refusal = message.status
            self.ended_by = self.ended_by or "them"
            self._become("ended")

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

    def hang_up(self) -> None:
        """Ends the call, whatever its state: BYE, CANCEL, or 603 to a call not yet answered."""
        if self.state == "ended":
            return
        self.phone.note("hangs up")
        self.ended_by = "us"
        if self.state == "up":
            self._transact("BYE")
            self._become("ended")
        elif self.inbound:
            self.reject(603)
        elif self._invite is not None:
            invite = self._invite
            cancel = Message(
                invite.start.replace("INVITE", "CANCEL", 1),
                [
                    ("Via", invite.first("Via")),
                    ("Max-Forwards", "70"),
                    ("From", invite.first("From")),
                    ("To", invite.first("To")),
                    ("Call-ID", self.call_id),
                    ("CSeq", invite.first("CSeq").replace("INVITE", "CANCEL")),
                ],
            )
            self.phone.transact(cancel, lambda _: None)

    async def hold(self, direction: str = "sendonly") -> None:
        """Puts the far side on hold (`sendonly` or `inactive`) and waits for its agreement."""
        self.phone.note("holds")
        await self._renew(direction)

    async def unhold(self) -> None:
        """Takes the far side back from hold."""
        self.phone.note("takes back from hold")
        await self._renew("sendrecv")

    async def _renew(self, direction: str) -> None:
        self._direction = direction
        done: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def answered(message: Message) -> None:
            if message.status < 200:
                return
            if message.status < 300:
                self._acknowledge()
                self.media.connect(message.body)
            if not done.done():
                done.set_result(message.status)

        for _ in range(20):
            self._transact("INVITE", self.media.description(direction), [], answered)
            status = await asyncio.wait_for(done, _DEADLINE)
            if status != 491:  # both sides renewed at once: again in a moment
                break
            done = asyncio.get_running_loop().create_future()
            await asyncio.sleep(0.05)
        if status >= 300:
            raise NotInTime(f"{self.name}: the re-INVITE was answered {status}")

    def refer(self, number: str, *, referred_by: bool = True) -> None:
        """Blind transfer: asks the far side to call `number` (REFER)."""
        self.phone.note(f"transfers blind to {number}")
        self._refer(f"<sip:{number}@{self.phone.server[0]}>", referred_by)

    def refer_to(self, other: Leg, *, referred_by: bool = True) -> None:
        """Attended transfer: joins this call's far side with that of `other` (REFER, Replaces)."""
        self.phone.note("completes the attended transfer")
        to_tag = sip.parameter(other.remote, "tag")
        own_tag = sip.parameter(other.local, "tag") or other._tag
        replaces = quote(f"{other.call_id};to-tag={to_tag};from-tag={own_tag}", safe="")
        user = sip.user_of(other.remote)
        self._refer(f"<sip:{user}@{self.phone.server[0]}?Replaces={replaces}>", referred_by)

    def _refer(self, refer_to: str, referred_by: bool) -> None:
        extra = [("Refer-To", refer_to)]
        if referred_by:
            extra.append(("Referred-By", f"<sip:{self.phone.user}@{self.phone.server[0]}>"))

        def answered(message: Message) -> None:
            if message.status >= 300:
                self.transfer = message.status
                self._moved()

        self._transact("REFER", b"", extra, answered)

    async def transferred(self, deadline: float = _DEADLINE) -> int:
        """Waits for the end of our REFER: the final status told, or 200 where we were let go."""
        await self.until(
            "told of the transfer's end",
            lambda leg: leg.transfer >= 200 or leg.state == "ended",
            deadline,
        )
        return self.transfer if self.transfer >= 200 else 200

    async def press(self, keys: str, *, info: bool = False, gap: float = 0.08) -> None:
        """Presses keys, as RFC 4733 events or as SIP INFO."""
        self.phone.note(f"presses {keys}")
        if not info:
            await self.media.press(keys, gap)
            return
        for key in keys:
            body = f"Signal={key}\r\nDuration=100\r\n".encode()
            self._transact("INFO", body, [("Content-Type", "application/dtmf-relay")])
            await asyncio.sleep(0.1 + gap)

    # --- requests of theirs -------------------------------------------------------------------

    def handle(self, message: Message) -> None:
        """Answers a request of the far side within this call."""
        method = message.method
        if method == "INVITE" and self.inbound and self.state in {"calling", "ringing"}:
            if "answer-after=0" in message.first("Call-Info").lower():
                self.phone.note("is told to answer by itself")
            return  # a new call: the script rings, answers or refuses
        if message.first("P-Asserted-Identity"):
            self.connected = sip.user_of(message.first("P-Asserted-Identity"))
        if method in {"INVITE", "UPDATE"}:
            self._renewed(message)
        elif method == "BYE":
            self._reply(message, 200)
            self.ended_by = self.ended_by or "them"
            self._become("ended")
        elif method == "CANCEL":
            self._reply(message, 200)
            if self.offer is not None and self.state != "up":
                self.phone.reply(self.offer, sip.response(self.offer, 487, tag=self._tag))
                self.ended_by = self.ended_by or "them"
                self._become("ended")
        elif method == "NOTIFY":
            self._reply(message, 200)
            text = message.body.decode("utf-8", "replace")
            if text.startswith("SIP/2.0 "):
                self.transfer = int(text.split()[1])
                self._moved()
        elif method in {"OPTIONS", "INFO", "MESSAGE"}:
            self._reply(message, 200)
        elif method != "ACK":
            self._reply(message, 405)

    def _renewed(self, message: Message) -> None:
        answer = sip.response(message, 200, tag=self._tag, contact=self.phone.contact)
        if message.body:
            text = message.body.decode("utf-8", "replace")
            self.held = any(f"a={mode}" in text for mode in ("sendonly", "inactive"))
            self.media.connect(message.body)
            agreed = "recvonly" if self.held else self._direction
        else:
            agreed = self._direction
        if message.body or message.method == "INVITE":
            answer.body = self.media.description(agreed)
            answer.headers.append(("Content-Type", "application/sdp"))
        self.phone.reply(message, answer)
        self._moved()

    def _reply(self, request: Message, status: int) -> None:
        self.phone.reply(request, sip.response(request, status, tag=self._tag))

    def ring(self) -> None:
        """180 Ringing."""
        if self.offer is None or self.state != "calling":
            return
        self.phone.note("rings")
        answer = sip.response(self.offer, 180, tag=self._tag, contact=self.phone.contact)
        self.phone.send(answer.encode())
        self._become("ringing")

    async def answer(self) -> None:
        """200 OK, and waits for the ACK no further than the wire needs."""
        if self.offer is None or self.state not in {"calling", "ringing"}:
            raise NotInTime(f"{self.name}: cannot answer, the call is {self.state}")
        await self.media.open()
        self.phone.note("answers")
        answer = sip.response(self.offer, 200, tag=self._tag, contact=self.phone.contact)
        answer.headers += [("Allow", ALLOW), ("Content-Type", "application/sdp")]
        answer.body = self.media.description()
        if ";tag=" not in self.local:
            self.local = f"{self.local};tag={self._tag}"
        self.phone.reply(self.offer, answer)
        self.media.connect(self.offer.body)
        self._become("up")

    def reject(self, status: int = 486) -> None:
        """Refuses a call that has arrived (486 busy, 603 declined, 480 unavailable)."""
        if self.offer is None or self.state not in {"calling", "ringing"}:
            return
        self.phone.note(f"refuses with {status}")
        self.ended_by = "us"
        self.phone.reply(self.offer, sip.response(self.offer, status, tag=self._tag))
        self._become("ended")

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


def now() -> float:
    """Wall-clock seconds since the epoch, as notes are stamped."""
    return time.time()
