"""What can go wrong between the bridge and an Asterisk.

AmiError
├── LinkError                the connection; worth another try
│   ├── LinkLost             it was up and is gone (closed, half open, closed on purpose)
│   ├── NotConnected         an action was asked for while the link is not up
│   └── ConnectFailed        nobody answered, or not with AMI
├── AuthenticationFailed     wrong user name or secret; never retried
├── ActionRefused            Asterisk answered `Response: Error`
├── ActionTimeout            Asterisk did not answer in time
├── UnsafeAction             a name or value that would forge further headers or actions
└── CaptureError             a capture file that cannot be read (on)
"""

from __future__ import annotations

from pathlib import Path


class AmiError(Exception):
    """Everything this package raises on purpose."""


class LinkError(AmiError):
    """The connection to an Asterisk; another attempt may succeed."""


class LinkLost(LinkError):
    """A connection that was up is gone."""


class NotConnected(LinkError):
    """No action can be sent: the link is not up, or its snapshot is not complete."""


class ConnectFailed(LinkError):
    """No connection could be made."""


class AuthenticationFailed(AmiError):
    """Asterisk refused the user name or the secret; trying again could lock it out."""

    def __init__(self, host: str, port: int, username: str, said: str) -> None:
        super().__init__(
            f"Asterisk at {host}:{port} refuses the AMI user {username!r} ({said}). "
            f"Check ami_username and ami_secret against the section [{username}] of its "
            f"manager.conf, and that its permit= lines let this machine in."
        )


class ActionRefused(AmiError):
    """Asterisk answered an action with an error."""

    def __init__(self, action: str, said: str) -> None:
        super().__init__(f"Asterisk refused the action {action}: {said}")
        self.action = action
        self.said = said


class ActionTimeout(AmiError):
    """Asterisk did not answer an action within the time allowed."""

    def __init__(self, action: str, seconds: float) -> None:
        super().__init__(f"Asterisk did not answer the action {action} within {seconds:g} s")
        self.action = action


class UnsafeAction(AmiError, ValueError):
    """A header of an action holds CR, LF or NUL (or a name that is no header name)."""


class CaptureError(AmiError):
    """A capture file is damaged: where, and how to go on.

    `byte` counts from 0 in the file; `decompressed_byte` in its unpacked text (`None` for a
    plain file); `line` counts from 1 (`None` where no line can be named).
    """

    def __init__(
        self,
        path: Path,
        what: str,
        *,
        byte: int,
        decompressed_byte: int | None = None,
        line: int | None = None,
        mend: str = "",
        truncated: bool = False,
    ) -> None:
        where = f"at byte {byte}"
        if decompressed_byte is not None:
            where += f" (byte {decompressed_byte} unpacked)"
        if line is not None:
            where += f", line {line}"
        super().__init__(f"{path}: {what} {where}." + (f" {mend}" if mend else ""))
        self.path = path
        self.byte = byte
        self.decompressed_byte = decompressed_byte
        self.line = line
        self.truncated = truncated
