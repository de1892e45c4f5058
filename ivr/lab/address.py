"""Lab numbers and their loopback addresses.

Lab number N has 127.12.N.0/24: .1 is Asterisk, .2 a proxy before its AMI, .3 the
bridge for self-service, .10 the carrier, .20-.29
SIPp, .101-.150 the officers' telephones, .151-.199 the agencies', .201-.250 second devices, .254
whoever has claimed the number.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from dataclasses import dataclass

AMI_PORT = 5038
FASTAGI_PORT = 4573


class LabError(Exception):
    """The lab's Asterisk did not do what was asked; the text ends with its own last words."""


def address(number: int, host: int) -> str:
    """The loopback address `host` of lab `number`."""
    return f"127.12.{number}.{host}"


@dataclass(slots=True)
class Claim:
    """A lab number that is ours until `release`, against every other process on the machine."""

    number: int
    _held: socket.socket

    @classmethod
    def take(cls, numbers: Iterable[int] = range(100, 250)) -> Claim:
        """The first free number; raises LabError where all are taken."""
        for number in numbers:
            # An address is what two labs would fight over, so an address is the lock: a file would
            # not be seen from another root directory of the same machine.
            held = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            try:
                held.bind((address(number, 254), AMI_PORT))
            except OSError:
                held.close()
                continue
            if _free(number):
                return cls(number, held)
            held.close()
        raise LabError("every lab number is taken; `hotline lab down` ends a forgotten one")

    def release(self) -> None:
        """Gives the number back."""
        self._held.close()


def _free(number: int) -> bool:
    """Whether nobody answers calls or AMI on the lab's address."""
    server = address(number, 1)
    for kind, port in ((socket.SOCK_DGRAM, 5060), (socket.SOCK_STREAM, AMI_PORT)):
        with socket.socket(socket.AF_INET, kind) as probe:
            if kind == socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((server, port))
            except OSError:
                return False
    return True
