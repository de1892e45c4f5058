"""Where an Asterisk's AMI is, who we are to it, and how it proves that it is the one."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path

from ivr.ami.errors import ConnectFailed


@dataclass(frozen=True, slots=True)
class Tls:
    """How an AMI over TLS is known: who vouches for its certificate, and the name that is in it."""

    ca_file: Path | None = None
    """Authorities (PEM) that are trusted, and no others; None: those of this system."""
    name: str | None = None
    """The certificate's name where it is another than the host we connect to."""

    def context(self) -> ssl.SSLContext:
        """What checks the certificate; raises ConnectFailed where the authorities are not there."""
        try:
            made = ssl.create_default_context(cafile=self.ca_file)
        except (OSError, ssl.SSLError) as error:
            why = error.strerror or str(error)
            raise ConnectFailed(f"{self.ca_file} cannot be read as certificates: {why}") from None
        made.minimum_version = ssl.TLSVersion.TLSv1_2
        return made


@dataclass(frozen=True, slots=True)
class NodeAddress:
    """Where an Asterisk's AMI listens and who we are to it."""

    host: str
    port: int
    username: str
    secret: str = field(repr=False)
    tls: Tls | None = None
    """How it is known where it speaks TLS; None: nothing is encrypted."""
