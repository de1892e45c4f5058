"""How a command asks the bridge of its own configuration how it is."""

from __future__ import annotations

import http.client
import ssl

from crm_bridge.config import WebSection


def to_bridge(web: WebSection, seconds: float) -> http.client.HTTPConnection:
    """A connection to its pages, not opened yet."""
    if web.tls_cert is None:
        return http.client.HTTPConnection(web.host, web.port, timeout=seconds)
    # it is asked by its address, which is not its certificate's name, and is told nothing
    unchecked = ssl._create_unverified_context()  # noqa: S323
    return http.client.HTTPSConnection(web.host, web.port, timeout=seconds, context=unchecked)


def address(web: WebSection) -> str:
    """Where its pages are, as this machine reaches them."""
    host = f"[{web.host}]" if ":" in web.host else web.host
    return f"{'http' if web.tls_cert is None else 'https'}://{host}:{web.port}"
