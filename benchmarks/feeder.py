"""An Asterisk to the bridge's link, as far as a benchmark needs one.

It lets the link log in, then sends what it is told, as fast as the reader takes it. Snapshot
actions get empty lists.
"""

from __future__ import annotations

import socket
import threading
from typing import Self

END = b"\r\n\r\n"
_BANNER = b"Asterisk Call Manager/11.0.0\r\n"
_LISTS = {
    b"CoreShowChannels": b"CoreShowChannelsComplete",
    b"BridgeList": b"BridgeListComplete",
    b"QueueStatus": b"QueueStatusComplete",
    b"ExtensionStateList": b"ExtensionStateListComplete",
}
_TOLD = {
    b"CoreStatus": b"\r\nCoreStartupDate: 2025-11-23\r\nCoreStartupTime: 12:00:00",
    b"Login": b"\r\nMessage: Authentication accepted",
    b"Ping": b"\r\nPing: Pong",
}


class Feeder:
    """One listening socket and, once `accept` returns, one client that is logged in."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._lock = threading.Lock()
        self._connection: socket.socket | None = None
        self._ready = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def accept(self, seconds: float = 60.0) -> None:
        """Waits until a client has logged in and had its snapshot."""
        self._server.settimeout(seconds)
        self._connection, _ = self._server.accept()
        self._connection.settimeout(600)
        self._connection.sendall(_BANNER)
        threading.Thread(target=self._answer, args=(self._connection,), daemon=True).start()
        if not self._ready.wait(seconds):
            raise TimeoutError("the client did not finish its snapshot")

    def send(self, data: bytes) -> None:
        """Sends whole messages."""
        if self._connection is None:
            raise RuntimeError("nobody is connected")
        with self._lock:
            self._connection.sendall(data)

    def close(self) -> None:
        """Ends the connection and the listening."""
        for open_socket in (self._connection, self._server):
            if open_socket is not None:
                open_socket.close()

    def _answer(self, connection: socket.socket) -> None:
        rest = b""
        try:
            while data := connection.recv(65536):
                *actions, rest = (rest + data).split(END)
                for action in actions:
                    with self._lock:
                        connection.sendall(reply(action))
                    if b"hotline-snapshot-end" in action:
                        self._ready.set()
        except OSError:
            return  # closed


def reply(action: bytes) -> bytes:
    """What Asterisk says to an action."""
    headers = dict(line.split(b": ", 1) for line in action.split(b"\r\n") if b": " in line)
    name = headers.get(b"Action", b"")
    mark = b"\r\nActionID: " + headers.get(b"ActionID", b"")
    if name in _LISTS:
        return (
            b"Response: Success%b\r\nEventList: start\r\nMessage: list will follow%b"
            b"Event: %b%b\r\nEventList: Complete\r\nListItems: 0%b"
            % (mark, END, _LISTS[name], mark, END)
        )
    return b"Response: Success%b%b%b" % (mark, _TOLD.get(name, b""), END)
