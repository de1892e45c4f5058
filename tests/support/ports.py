"""Loopback: a TCP port that nobody listens on, and no certificates."""

from __future__ import annotations

import socket
import ssl
from typing import Final

NO_TLS: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For a client of plain HTTP, which would read a thousand authorities' certificates each time."""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
