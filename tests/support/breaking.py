"""Right input made wrong, in as many ways as there are seeds."""

from __future__ import annotations

from random import Random

LONGEST = 2000
"""Bytes that are taken of one piece, so that inputs are many rather than long."""
AWKWARD = (
    b"\r\n", b"\r", b"\n", b"\0", b": ", b":", b"\r\n\r\n", b"\xff", b"\xe0\xb8", b"Event: ",
    b"Response: ", b"Timestamp: ", b"ActionID: ", b"Privilege: ", b"-1", b"99999999999999999999",
    b"1e309", b"nan", "๑๒๓".encode(), "\u202e".encode(), b"%s%n", b"\x1b[2J", b"A" * 300,
    b"--END COMMAND--", b"Asterisk Call Manager/9\r\n", b"<unknown>", b"Uniqueid: ", b" " * 64,
)  # fmt: skip


def broken(chance: Random, pieces: list[bytes]) -> bytes:
    """One of the pieces with one to six things wrong in it."""
    data = bytearray(chance.choice(pieces)[:LONGEST])
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(6):
            case 0 if data:
                data[at - 1] = chance.randrange(256)
            case 1:
                del data[at : at + chance.randint(1, 40)]
            case 2:
                data[at:at] = chance.choice(AWKWARD)
            case 3:
                other = chance.choice(pieces)
                begins = chance.randrange(len(other) + 1)
                data[at:at] = other[begins : begins + chance.randint(1, 200)]
            case 4:
                data[at:at] = data[at : at + chance.randint(1, 60)]
            case _:
                data[at:at] = chance.randbytes(chance.randint(1, 12))
    return bytes(data[: LONGEST * 2])
