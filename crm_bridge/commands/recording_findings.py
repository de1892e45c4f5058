"""What the doctor finds of the voices an Asterisk lays down: that the bridge can take them in."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from crm_bridge.commands.findings import Finding, Grade
from crm_bridge.config import Config, NodeSection


def of_recordings(node: NodeSection, config: Config) -> Iterator[Finding]:
    """A directory each, where the node has one; as the user the doctor runs as."""
    places = (("messages", "takes", node.takes), ("conversations", "recordings", node.recordings))
    for check, key, folder in places:
        if folder is None:
            continue
        if not folder.is_dir():
            yield Finding(
                node.label, check, Grade.WARNING, f"there is no directory {folder}",
                f"correct [[node]] {key}, or run hotline install",
            )  # fmt: skip
        elif key == "recordings" and not config.recordings.keyed:
            yield Finding(
                node.label, check, Grade.WARNING,
                f"there is no key: what is recorded into {folder} stays there in the open",
                "run it with the environment of the bridge, or set HOTLINE_RECORDINGS__KEYS__NAME",
            )  # fmt: skip
        elif not _may_delete(folder):
            yield Finding(
                node.label, check, Grade.FAILED,
                f"nothing in {folder} can be deleted: it stays there in the open",
                f"let the bridge's user write to it, as here: chgrp hotline {folder}; "
                f"chmod 2770 {folder}; run the doctor as that user",
            )  # fmt: skip
        else:
            yield Finding(node.label, check, Grade.OK, f"{folder} can be emptied")


def _may_delete(folder: Path) -> bool:
    """Whether files that another user laid down there can be deleted; nothing is tried."""
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return False
    found = folder.stat()
    sticky = bool(found.st_mode & stat.S_ISVTX)
    return not sticky or os.geteuid() in {0, found.st_uid}
