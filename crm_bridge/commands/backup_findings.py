"""What the doctor finds of the backups: how old the newest is, by its name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from crm_bridge.backup.rotation import made_at
from crm_bridge.clock import Clock
from crm_bridge.commands.findings import Finding, Grade
from crm_bridge.config import Config

OLD: Final = timedelta(hours=36)
"""One night may be missed; from here on it is said."""
_TIMER: Final = "systemctl list-timers hotline-backup.timer; journalctl -u hotline-backup"


def of_backups(config: Config, clock: Clock) -> Finding:
    """By the names in `backup.folder`; that the newest is whole is `hotline backup check`."""

    def found(grade: Grade, told: str, mend: str = "") -> Finding:
        return Finding("backup", "last made", grade, told, mend)

    folder = config.backup.folder
    if folder is None:
        return found(
            Grade.UNKNOWN, "where backups lie is not known",
            "set backup.folder; docs/operations.md has the timer that makes one each night",
        )  # fmt: skip
    try:
        dated = [(at, file) for file in folder.iterdir() if (at := made_at(file)) is not None]
    except FileNotFoundError:
        dated = []
    except OSError as error:
        return found(
            Grade.UNKNOWN, f"{folder} cannot be looked at: {error.strerror}",
            "run the doctor as the user that makes backups, or correct backup.folder",
        )  # fmt: skip
    if not dated:
        return found(
            Grade.WARNING, f"there is no backup in {folder}",
            f"make one: hotline backup make --to {folder}; then look: {_TIMER}",
        )  # fmt: skip
    at, file = max(dated)
    age = datetime.fromtimestamp(clock.now_us() / 1_000_000, UTC) - at
    hours = age / timedelta(hours=1)
    told = f"{file} ({hours:.0f} h old)"
    if age > OLD:
        return found(Grade.WARNING, told, f"see why none came since: {_TIMER}")
    return found(Grade.OK, told)
