"""The sections of hotline.toml that name what lies outside: sign-in, messages, mail, other CRMs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

from crm_bridge.errors import ConfigMistake
from crm_bridge.outward import networks_of, within_this_machine


class Section(BaseModel):
    """A part of hotline.toml: no key that is not known, nothing changed afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _networks(written: list[str]) -> list[str]:
    networks_of(written)
    return written


Networks = Annotated[list[str], AfterValidator(_networks)]
"""Networks of the house that a name in this file may lead to, besides the public internet."""


RoleName = Literal[
    "agent", "supervisor", "director", "agency_officer", "provincial_officer",
    "administrator", "auditor",
]  # fmt: skip


class OidcSection(Section):
    """[oidc]: the ministry's own sign-in (OpenID Connect); off while no issuer is named."""

    issuer: str = Field("", description="the provider, as its tokens name it; empty: off")
    client_id: str = Field("", description="the desk's name at the provider")
    client_secret: SecretStr | None = Field(None, description="the desk's secret there")
    client_secret_file: Path | None = Field(None, description="a file that holds it instead")
    address: str = Field("", description="the desk's own address as browsers see it, https://…")
    label_th: str = Field("ลงชื่อเข้าใช้ด้วยบัญชีกระทรวง", description="the button in Thai")
    label_en: str = Field("Sign in with the ministry account", description="in English")
    match: Literal["email", "username"] = Field(
        "email", description="how an account is found the first time; later by the subject"
    )
    role_claim: str = Field("", description="the claim that says the role; empty: the account does")
    roles: dict[str, RoleName] = Field({}, description="value of that claim → role")
    agency_claim: str = Field("", description="the claim that says the agency's id")
    timeout_seconds: float = Field(10.0, gt=0, le=60, description="how long the provider may take")
    networks: Networks = Field([], description="inner networks that its names may lead to")

    @model_validator(mode="after")
    def _whole(self) -> OidcSection:
        if not self.issuer:
            return self
        for name in ("issuer", "address"):
            if not guarded(getattr(self, name)):
                raise ValueError(f"oidc.{name} must be https://… (http:// only on loopback)")
        if not self.client_id:
            raise ValueError("oidc.client_id is missing")
        if self.role_claim and not self.roles:
            raise ValueError("oidc.role_claim needs oidc.roles: which value is which role")
        return self

    def secret(self) -> str:
        """The desk's secret, empty for a public client; ConfigMistake if its file is unreadable."""
        return secret_of(self.client_secret, self.client_secret_file, "oidc.client_secret_file")


def guarded(url: str) -> bool:
    """Whether what is sent there is safe from readers: over TLS, or within the machine."""
    parts = urlsplit(url)
    inside = within_this_machine(parts.hostname or "")
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and inside))


class MessagesSection(Section):
    """[messages]: text messages that go out."""

    gateway: Literal["file", "http"] = Field(
        "file", description="`file`: nothing is sent, each message becomes a file; `http`"
    )
    folder: Path = Field(Path("outbox"), description="where the file gateway writes")
    url: str = Field("", description="where the HTTP gateway POSTs")
    token: SecretStr | None = Field(None, description="the provider's secret")
    token_file: Path | None = Field(None, description="a file that holds it instead")
    sender: str = Field("1203", description="the sender's name, as agreed with the provider")
    timeout_seconds: float = Field(10.0, gt=0, le=60, description="how long an answer may take")
    tries: int = Field(20, ge=1, le=1000, description="after so many a message is dead")
    networks: Networks = Field([], description="inner networks that the name in url may lead to")

    @model_validator(mode="after")
    def _has_url(self) -> MessagesSection:
        if self.gateway == "http" and not self.url.startswith(("http://", "https://")):
            raise ValueError("the http gateway needs messages.url, http:// or https://")
        return self

    def secret(self) -> str:
        """The provider's secret, empty where there is none; ConfigMistake if unreadable."""
        return secret_of(self.token, self.token_file, "messages.token_file")


class MailSection(Section):
    """[mail]: e-mails that go out."""

    gateway: Literal["file", "smtp"] = Field(
        "file", description="`file`: nothing is sent, each e-mail becomes a file; `smtp`"
    )
    folder: Path = Field(Path("outbox"), description="where the file gateway writes")
    host: str = Field("", description="the SMTP server")
    port: int = Field(587, ge=1, le=65535, description="its port")
    security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="`starttls` or nothing is sent, `tls` from the start, `none`"
    )
    username: str = Field("", description="the login, where it wants one")
    password: SecretStr | None = Field(None, description="its password")
    password_file: Path | None = Field(None, description="a file that holds it instead")
    sender: str = Field("no-reply@1203.invalid", description="the address e-mails come from")
    timeout_seconds: float = Field(20.0, gt=0, le=60, description="how long the server may take")

    @model_validator(mode="after")
    def _fits(self) -> MailSection:
        if self.gateway == "smtp" and not self.host:
            raise ValueError("the smtp gateway needs mail.host")
        user, at, domain = self.sender.partition("@")
        if not (user and at and domain) or not self.sender.isascii() or "@" in domain:
            raise ValueError("mail.sender is no e-mail address")
        if any(c.isspace() or not c.isprintable() for c in self.sender):
            raise ValueError("mail.sender is no e-mail address")
        return self

    def secret(self) -> str:
        """The password, empty where there is none; ConfigMistake if its file is unreadable."""
        return secret_of(self.password, self.password_file, "mail.password_file")


Sent = Literal["contacts", "calls", "cases", "call_events"]


class ConnectorSection(Section):
    """[connector.NAME]: another CRM that shall hear of calls, callers and cases."""

    kind: Literal["odoo", "rt", "roundup", "webhook", "zammad"] = Field(
        description="what it is: `odoo`, `rt`, `roundup`, `webhook` or `zammad`"
    )
    url: str = Field(description="its address, https:// (http:// only on loopback)")
    database: str = Field("", description="Odoo: the name of its database")
    username: str = Field("", description="the login, where it wants one")
    token: SecretStr | None = Field(None, description="the API key, token, password or secret")
    token_file: Path | None = Field(None, description="a file that holds it instead")
    ca_file: Path | None = Field(None, description="the certificate authority of an inner server")
    networks: Networks = Field([], description="inner networks that the name in url may lead to")
    mapping: Path | None = Field(
        None, description="a mapping file, beside hotline.toml; without one the connector's own"
    )
    send: list[Sent] = Field(
        ["contacts", "calls", "cases", "call_events"], description="what it is told, where it can"
    )
    lookup: bool = Field(True, description="ask it who is calling, for the screen pop")
    timeout_seconds: float = Field(10.0, gt=0, le=60, description="how long one answer may take")
    concurrent: int = Field(2, ge=1, le=16, description="requests at a time, beside look-ups")
    poll_seconds: float = Field(
        60.0, ge=0, le=86_400, description="how often its status changes are asked for; 0: never"
    )

    @model_validator(mode="after")
    def _whole(self) -> ConnectorSection:
        if not guarded(self.url):
            raise ValueError("url must be https://… (http:// only on loopback)")
        parts = urlsplit(self.url)
        if parts.username or parts.password:
            raise ValueError("url must not hold a login: give username and token")
        if self.token is None and self.token_file is None:
            raise ValueError("no secret: give token or token_file")
        if self.kind in {"odoo", "roundup"} and not self.username:
            raise ValueError(f"{self.kind} needs username")
        if self.kind == "odoo" and not self.database:
            raise ValueError("odoo needs database")
        return self

    def secret(self) -> str:
        """The secret; ConfigMistake if its file is unreadable."""
        return secret_of(self.token, self.token_file, "connector.token_file")


def secret_of(value: SecretStr | None, path: Path | None, where: str) -> str:
    """The secret, from its file where it is not given; ConfigMistake if that is unreadable."""
    if value is not None:
        return value.get_secret_value()
    try:
        return path.read_text(encoding="utf-8").strip() if path else ""
    except OSError as error:
        raise ConfigMistake(
            f"cannot read {path}: {error.strerror}",
            where=where,
            mend="name a file that the bridge's user may read",
        ) from error
