"""E-mail: how a message becomes one, and the server it is handed to."""

from __future__ import annotations

from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from typing import Final, Literal

import aiosmtplib
from icalendar import Calendar

from crm_bridge.outgoing.gateways import GatewayBusy, GatewayRefusal
from crm_bridge.outgoing.messages import Message

Security = Literal["none", "starttls", "tls"]

HOTLINE_NAME: Final = "สายด่วน 1203 กระทรวงพาณิชย์"
"""The name beside the sender's address."""

_POLICY: Final = SMTP_POLICY.clone(cte_type="7bit")


def compose(message: Message, sender: str) -> EmailMessage:
    """The e-mail of a message: its text, and the invitation both as an offer and as a file."""
    mail = EmailMessage(policy=_POLICY)
    user, _, domain = sender.partition("@")
    mail["From"] = Address(HOTLINE_NAME, user, domain)
    mail["To"] = message.to
    mail["Subject"] = message.subject or ""
    mail["Date"] = datetime.fromtimestamp(message.created / 1_000_000, UTC)
    mail["Message-ID"] = f"<{message.id}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text, cte="base64")
    if message.calendar is not None:
        method = str(Calendar.from_ical(message.calendar).get("METHOD", "PUBLISH"))
        mail.add_alternative(
            message.calendar,
            maintype="text",
            subtype="calendar",
            params={"method": method, "charset": "utf-8"},
            cte="base64",
        )
        mail.add_attachment(
            message.calendar, maintype="application", subtype="ics", filename="invitation.ics"
        )
    return mail


class SmtpGateway:
    """Hands e-mails to one SMTP server."""

    name = "smtp"

    def __init__(
        self,
        host: str,
        port: int,
        *,
        sender: str,
        security: Security = "starttls",
        username: str = "",
        password: str = "",
        seconds: float = 20.0,
    ) -> None:
        """`security`: `tls` from the first byte, `starttls` or nothing is sent, `none`."""
        self._host = host
        self._port = port
        self._sender = sender
        self._security = security
        self._username = username
        self._password = password
        self._seconds = seconds

    async def send(self, message: Message) -> str:
        """Hands it over and returns its Message-ID."""
        mail = compose(message, self._sender)
        where = f"{self._host}:{self._port}"
        try:
            await aiosmtplib.send(
                mail,
                hostname=self._host,
                port=self._port,
                use_tls=self._security == "tls",
                start_tls=self._security == "starttls",
                username=self._username or None,
                password=self._password or None,
                timeout=self._seconds,
            )
        except aiosmtplib.SMTPAuthenticationError as error:
            raise GatewayBusy(
                f"the login is refused ({error.code})",
                where=where,
                mend="correct mail.username and mail.password_file",
            ) from error
        except aiosmtplib.SMTPRecipientsRefused as error:
            codes = [refused.code for refused in error.recipients]
            raise _refusal(where, min(codes, default=550)) from error
        except aiosmtplib.SMTPResponseException as error:
            raise _refusal(where, error.code) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise GatewayBusy(type(error).__name__, where=where) from error
        return str(mail["Message-ID"])

    async def close(self) -> None:
        """Holds nothing: a connection lasts for one e-mail."""


def _refusal(where: str, code: int) -> GatewayBusy | GatewayRefusal:
    # 530, 535 and 538 speak of the session, not of this e-mail (RFC 4954)
    if code >= 500 and code not in {530, 534, 535, 538}:
        return GatewayRefusal(f"SMTP {code}", where=where)
    return GatewayBusy(f"SMTP {code}", where=where)
