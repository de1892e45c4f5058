"""Whether another user than our own may read a file, as far as modes and owners tell."""

from __future__ import annotations

import os
import pwd
import stat
from pathlib import Path


def open_to_all(path: Path) -> bool:
    """Every user of this machine may read it, the folders above it included; raises OSError."""
    modes = [one.stat().st_mode for one in _way(path)]
    return all(mode & _bits(mode) == _bits(mode) for mode in modes)


def may_read(path: Path, uid: int) -> bool | None:
    """Whether the user of that number may; None where its groups are not known here.

    By owners and modes: an access list that gives more is not seen. Raises OSError.
    """
    if uid == 0 or open_to_all(path):
        return True
    try:
        user = pwd.getpwuid(uid)
    except KeyError:  # a user of another machine or container
        return None
    groups = os.getgrouplist(user.pw_name, user.pw_gid)
    for one in _way(path):
        found = one.stat()
        whose = 0o007
        if found.st_uid == uid:
            whose = 0o700
        elif found.st_gid in groups:
            whose = 0o070
        if not found.st_mode & _bits(found.st_mode) & whose:
            return False
    return True


def _way(path: Path) -> list[Path]:
    whole = path.resolve(strict=True)
    return [*reversed(whole.parents), whole]


def _bits(mode: int) -> int:
    """What owner, group and others need there: to enter a folder, to read a file."""
    return 0o111 if stat.S_ISDIR(mode) else 0o444
