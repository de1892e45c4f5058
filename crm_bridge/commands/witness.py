"""One AMI session through asterisk-ami, which shares no code with the bridge's own client.

Its traps, closed here: its listener thread dies with a traceback where what answers is no AMI or
falls silent; its waiting for an answer may never end; repeated headers of a reply keep the last;
its two threads would use one TLS connection at once.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from asterisk.ami import AMIClient, SimpleAction

from ivr.ami.address import NodeAddress
from ivr.ami.errors import ConnectFailed

T = TypeVar("T")

_SECONDS: Final = 5.0
_BANNER: Final = b"Asterisk Call Manager/"

Headers = dict[str, str]


class _Answer:
    """What a response is put into by the listener thread, and read from by ours."""

    def __init__(self) -> None:
        self._there = threading.Event()
        self._response: Any = None

    @property
    def response(self) -> Any:
        self._there.wait(_SECONDS)
        return self._response

    @response.setter
    def response(self, response: Any) -> None:
        self._response = response
        self._there.set()


class _Listener(AMIClient):  # type: ignore[misc]  # asterisk-ami ships no types
    def __init__(self, address: NodeAddress) -> None:
        super().__init__(address.host, address.port, timeout=_SECONDS)
        self._where = address

    def connect(self) -> None:
        """As the library's, which knows no TLS."""
        connection = _connected(self._where)
        self._socket: _Shared | socket.socket = connection
        if isinstance(connection, ssl.SSLSocket):
            self._socket = _Shared(connection)
        self.finished = threading.Event()
        self._thread = threading.Thread(target=self.listen, daemon=True)
        self._thread.start()

    def listen(self) -> None:
        """Ends quietly, whatever its reading raises: the session asks whether it has ended."""
        try:
            super().listen()
        except Exception:  # noqa: S110  # the thread's own death is what `finished` says
            pass
        finally:
            self.finished.set()

    def send_action(self, action: Any, callback: Any = None) -> _Answer:
        """As the library's, with an answer that is waited for no longer than it says.

        The library's own calls `notifyAll` with its lock held: where Python makes that deprecated
        name an error, the lock stays taken and its reader waits for ever.
        """
        name = action.keys.setdefault("ActionID", self.next_action_id())
        answer = self._futures[name] = _Answer()
        self.send(action)
        return answer

    def send(self, pack: Any) -> None:
        """Refuses what would forge a header, and sends all of it."""
        data = f"{pack}\r\n".encode()
        if any(mark in str(value) for value in pack.keys.values() for mark in "\r\n"):
            raise ValueError("a value with a line break would forge an AMI header")
        self._socket.sendall(data)


class Unreachable(Exception):
    """No AMI answered there; the text says why."""


@dataclass(slots=True)
class Reply:
    """What Asterisk answered to one action; `headers` is empty where it did not."""

    status: str
    headers: Headers
    events: list[Headers] = field(default_factory=list)
    took: float = 0.0
    at: float = 0.0
    """The middle of asking and hearing, epoch seconds."""

    @property
    def good(self) -> bool:
        """Asterisk did as asked."""
        return self.status == "Success"


class Session:
    """Logged in or not, as `login` told; `with` closes it."""

    def __init__(self, address: NodeAddress) -> None:
        self.banner = _greeting(address)
        self.events: list[Headers] = []
        self._moved = threading.Condition()
        self._client = _Listener(address)
        self._client.add_event_listener(self._heard)
        self._numbers = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._client.finished is not None:
            with contextlib.suppress(OSError):  # closing alone does not wake its reader
                self._client._socket.shutdown(socket.SHUT_RDWR)
            self._client.disconnect()

    def login(self, username: str, secret: str) -> Reply:
        """The answer to the login; raises Unreachable where the connection fails."""
        try:
            return self._reply(lambda: self._client.login(username, secret))
        except OSError as error:
            raise Unreachable(str(error)) from None

    def ask(self, action: str, complete: str | None = None, **headers: str) -> Reply:
        """Asterisk's answer, with a list's events where `complete` names the one that ends it."""
        self._numbers += 1
        name = f"doctor-{self._numbers}"
        reply = self._reply(
            lambda: self._client.send_action(SimpleAction(action, ActionID=name, **headers))
        )
        if complete is not None and reply.good:
            self.wait(lambda e: e.get("Event") == complete and e.get("ActionID") == name, _SECONDS)
            reply.events = [e for e in self.events if e.get("ActionID") == name]
        return reply

    def wait(self, wanted: Any, seconds: float) -> bool:
        """Waits until an event heard is wanted; tells whether it came."""
        with self._moved:
            return self._moved.wait_for(lambda: any(map(wanted, self.events)), seconds)

    def _reply(self, send: Any) -> Reply:
        began, clock = time.monotonic(), time.time()
        try:
            response = send().response
        except (OSError, ValueError) as error:
            return Reply(f"lost: {error}", {})
        took = time.monotonic() - began
        if response is None:
            return Reply("no answer", {}, took=took)
        return Reply(str(response.status), dict(response.keys), took=took, at=clock + took / 2)

    def _heard(self, event: Any, **_: Any) -> None:
        with self._moved:
            self.events.append({"Event": event.name, **event.keys})
            self._moved.notify_all()


class _Shared:
    """A TLS connection that one thread reads while another writes: OpenSSL has but one at a time.

    Two at once, and an answer may be lost; so each waits outside the lock, and works inside.
    """

    def __init__(self, connection: ssl.SSLSocket) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        connection.setblocking(False)

    def recv(self, size: int) -> bytes:
        """What came, empty at the end; TimeoutError after `_SECONDS` of silence, or OSError."""
        return self._done(partial(self._connection.recv, size))

    def sendall(self, data: bytes) -> None:
        """All of it. OSError, TimeoutError where nobody takes it."""
        while data:
            data = data[self._done(partial(self._connection.send, data)) :]

    def shutdown(self, how: int) -> None:
        with self._lock:
            self._connection.shutdown(how)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def _done(self, work: Callable[[], T]) -> T:
        while True:
            with self._lock:
                try:
                    return work()
                except ssl.SSLWantReadError:
                    wanted = select.POLLIN
                except ssl.SSLWantWriteError:
                    wanted = select.POLLOUT
            waiting = select.poll()
            waiting.register(self._connection, wanted)
            if not waiting.poll(_SECONDS * 1000):
                raise TimeoutError


def _connected(address: NodeAddress) -> socket.socket:
    """A connection, over TLS where the address says so. Raises OSError or ConnectFailed."""
    plain = socket.create_connection((address.host, address.port), _SECONDS)
    tls = address.tls
    if tls is None:
        return plain
    try:
        return tls.context().wrap_socket(plain, server_hostname=tls.name or address.host)
    except BaseException:
        plain.close()
        raise


def _greeting(address: NodeAddress) -> str:
    """The first line of whoever answers; raises Unreachable where it is no AMI's."""
    try:
        with _connected(address) as connection:
            line = connection.recv(100)
    except TimeoutError:
        raise Unreachable(f"nothing answers within {_SECONDS:g} s") from None
    except ssl.SSLCertVerificationError as error:
        raise Unreachable(f"its certificate is not trusted: {error.verify_message}") from None
    except ConnectFailed as error:
        raise Unreachable(str(error)) from None
    except OSError as error:
        raise Unreachable(error.strerror or str(error)) from None
    if not line.startswith(_BANNER):
        raise Unreachable("what answers there is not Asterisk's manager interface")
    return line.split(b"\r\n")[0].decode("ascii", "replace")
