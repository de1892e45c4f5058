"""The gateways that hotline.toml names."""

from __future__ import annotations

from crm_bridge.config import Config
from crm_bridge.outgoing.delivery import Gateways, Retrying
from crm_bridge.outgoing.gateways import FileGateway, Gateway, HttpGateway
from crm_bridge.outgoing.mail import SmtpGateway


def gateways(config: Config) -> Gateways:
    """A gateway of each kind; ConfigMistake where a secret's file cannot be read.

    Made within the running event loop, closed by `close`.
    """
    texts, mail = config.messages, config.mail
    sms: Gateway = FileGateway(texts.folder)
    if texts.gateway == "http":
        sms = HttpGateway(
            texts.url,
            secret=texts.secret(),
            sender=texts.sender,
            seconds=texts.timeout_seconds,
            networks=texts.networks,
        )
    email: Gateway = FileGateway(mail.folder)
    if mail.gateway == "smtp":
        email = SmtpGateway(
            mail.host,
            mail.port,
            sender=mail.sender,
            security=mail.security,
            username=mail.username,
            password=mail.secret(),
            seconds=mail.timeout_seconds,
        )
    return {"sms": sms, "email": email}


def retrying(config: Config) -> Retrying:
    """How often a message is tried."""
    return Retrying(tries=config.messages.tries)


async def close(made: Gateways) -> None:
    """Gives back what the gateways hold."""
    for gateway in made.values():
        await gateway.close()
