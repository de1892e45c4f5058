"""What a process listens on, as the kernel has it (what `ss -lnp` shows)."""

from __future__ import annotations

import ipaddress
from pathlib import Path

_LISTENS = {"tcp": "0A", "tcp6": "0A", "udp": "07", "udp6": "07"}


def listening(pid: int) -> set[tuple[str, str, int]]:
    """Protocol, address and port of each socket of the process that takes what comes."""
    ours = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            ours.add(str(entry.readlink()))
        except OSError:  # closed meanwhile
            continue
    found = set()
    for name, state in _LISTENS.items():
        for line in Path(f"/proc/{pid}/net/{name}").read_text("ascii").splitlines()[1:]:
            parts = line.split()
            if parts[3] == state and f"socket:[{parts[9]}]" in ours:
                host, _, port = parts[1].partition(":")
                found.add((name[:3], _address(host), int(port, 16)))
    return found


def _address(written: str) -> str:
    """From the kernel's words of four bytes, each in the machine's own (little) order."""
    raw = bytes.fromhex(written)
    words = b"".join(raw[i : i + 4][::-1] for i in range(0, len(raw), 4))
    return str(ipaddress.ip_address(words))
