"""One call of a scripted telephone: what a person does in it, and what the far side does."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import quote

from ivr.lab import sip
from ivr.lab.dialog import ALLOW, DEADLINE, Dialog, Identity, NotInTime
from ivr.lab.rtp import Media
from ivr.lab.sip import Message

if TYPE_CHECKING:
    from ivr.lab.sipua import Phone


class Leg(Dialog):
    """One call of a telephone, to or from it."""

    __slots__ = ()

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
        leg = cls(phone, f"{sip.token()}@{phone.address}", local, f"<{uri}>", uri, media, False)
        leg.asserted = identity.number if identity.asserted else ""
        return leg

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

    # --- requests of ours ---------------------------------------------------------------------

    def invite(self) -> None:
        """Sends the first INVITE of an outgoing leg."""
        extra: list[tuple[str, str]] = []
        if "anonymous.invalid" in self.local:
            extra.append(("Privacy", "id"))
        if self.asserted:
            extra.append(("P-Asserted-Identity", f"<sip:{self.asserted}@{self.phone.address}>"))
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
            status = await asyncio.wait_for(done, DEADLINE)
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

    async def transferred(self, deadline: float = DEADLINE) -> int:
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
            elif self.phone.remote_control:
                self._told(message.first("Event").lower())
        elif method in {"OPTIONS", "INFO", "MESSAGE"}:
            self._reply(message, 200)
        elif method != "ACK":
            self._reply(message, 405)

    def _told(self, event: str) -> None:
        """The server asks as a person at the telephone would: `hold`, or `talk` (back, answer)."""
        if event == "hold" and self.state == "up":
            self.phone.spawn(asyncio.create_task(self.hold()))
        elif event == "talk" and self.state == "up":
            self.phone.spawn(asyncio.create_task(self.unhold()))
        elif event == "talk" and self.inbound and self.state in {"calling", "ringing"}:
            self.phone.spawn(asyncio.create_task(self.answer()))

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
