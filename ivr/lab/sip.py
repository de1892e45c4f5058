"""SIP messages (RFC 3261): read, written, and the digest answer to a challenge (RFC 2617, MD5)."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass, field

_COMPACT = {
    "v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length",
    "c": "content-type", "r": "refer-to", "b": "referred-by", "o": "event", "k": "supported",
}  # fmt: skip
_CHALLENGE = re.compile(r'(\w+)\s*=\s*(?:"([^"]*)"|([^,\s]+))')

REASONS = {
    100: "Trying", 180: "Ringing", 183: "Session Progress", 200: "OK", 202: "Accepted",
    404: "Not Found", 405: "Method Not Allowed", 480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist", 486: "Busy Here", 487: "Request Terminated",
    488: "Not Acceptable Here", 500: "Server Internal Error", 503: "Service Unavailable",
    603: "Decline",
}  # fmt: skip


@dataclass(slots=True)
class Message:
    """One SIP request or response; header names keep their order and may repeat."""

    start: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    @property
    def status(self) -> int:
        """The response's code, 0 for a request."""
        return int(self.start.split(" ", 2)[1]) if self.start.startswith("SIP/2.0 ") else 0

    @property
    def method(self) -> str:
        """The method, for a response that of its request."""
        if self.status:
            return self.first("CSeq").split()[-1]
        return self.start.split(" ", 1)[0]

    @property
    def branch(self) -> str:
        """The branch of the topmost Via, which names the transaction."""
        return parameter(self.first("Via"), "branch")

    def first(self, name: str) -> str:
        """The first header of this name, or an empty string."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), "")

    def all(self, name: str) -> list[str]:
        """Every header of this name, in order."""
        wanted = name.lower()
        return [value for key, value in self.headers if key.lower() == wanted]

    def encode(self) -> bytes:
        """The message as it goes on the wire, Content-Length included."""
        lines = [self.start, *(f"{name}: {value}" for name, value in self.headers)]
        lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + self.body


def parse(data: bytes) -> Message | None:
    """The message in one datagram, or None where it holds none (a keep-alive, garbage)."""
    head, _, body = data.partition(b"\r\n\r\n")
    text = re.sub(r"\r\n[ \t]+", " ", head.decode("utf-8", "surrogateescape"))
    start, *lines = text.split("\r\n")
    if "SIP/2.0" not in start:
        return None
    headers = []
    for line in lines:
        name, colon, value = line.partition(":")
        if colon and name.strip().lower() != "content-length":
            key = name.strip()
            headers.append((_COMPACT.get(key.lower(), key), value.strip()))
    return Message(start, headers, body)


def response(request: Message, status: int, *, tag: str = "", contact: str = "") -> Message:
    """The response to a request, with what RFC 3261 8.2.6 has it copy."""
    headers = [("Via", value) for value in request.all("Via")]
    headers += [("Record-Route", value) for value in request.all("Record-Route")]
    headers.append(("From", request.first("From")))
    to = request.first("To")
    headers.append(("To", f"{to};tag={tag}" if tag and ";tag=" not in to else to))
    headers += [("Call-ID", request.first("Call-ID")), ("CSeq", request.first("CSeq"))]
    if contact:
        headers.append(("Contact", contact))
    return Message(f"SIP/2.0 {status} {REASONS.get(status, 'Unknown')}", headers)


def parameter(value: str, name: str) -> str:
    """A `;name=value` parameter of a header (outside its angle brackets), or an empty string."""
    tail = value.rpartition(">")[2] if ">" in value else value
    found = re.search(rf";\s*{name}=([^;,\s]+)", tail, re.IGNORECASE)
    return found.group(1) if found else ""


def address_uri(value: str) -> str:
    """The URI of a From, To, Contact or Refer-To header."""
    found = re.search(r"<([^>]*)>", value)
    return found.group(1) if found else value.split(";", 1)[0].strip()


def user_of(value: str) -> str:
    """The user part of a header's URI."""
    found = re.search(r"sips?:([^@;>]+)@", value)
    return found.group(1) if found else ""


def token() -> str:
    """A fresh tag, branch or Call-ID part."""
    return secrets.token_hex(8)


def authorization(challenge: str, *, method: str, uri: str, username: str, password: str) -> str:
    """The Authorization value that answers a Digest challenge (MD5, qop=auth or none)."""
    asked = {key: quoted or bare for key, quoted, bare in _CHALLENGE.findall(challenge)}
    realm, nonce = asked.get("realm", ""), asked.get("nonce", "")

    def md5(text: str) -> str:
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

    ha1, ha2 = md5(f"{username}:{realm}:{password}"), md5(f"{method}:{uri}")
    fields = f'Digest username="{username}", realm="{realm}", nonce="{nonce}", uri="{uri}"'
    if "qop" in asked:
        cnonce = token()
        answer = md5(f"{ha1}:{nonce}:00000001:{cnonce}:auth:{ha2}")
        fields += f', response="{answer}", qop=auth, nc=00000001, cnonce="{cnonce}"'
    else:
        fields += f', response="{md5(f"{ha1}:{nonce}:{ha2}")}"'
    if "opaque" in asked:
        fields += f', opaque="{asked["opaque"]}"'
    return fields + ", algorithm=MD5"
