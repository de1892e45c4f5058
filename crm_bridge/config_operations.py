"""[health], [metrics] and [backup]: how the bridge is watched and its data kept twice."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from pathlib import Path
from typing import Final

from pydantic import Field, SecretStr, model_validator

from crm_bridge.config_outside import Section, secret_of
from crm_bridge.errors import ConfigMistake

FILE: Final = "file"
"""The name of the key that stands in a file."""
_KEY_BYTES: Final = 32
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")


class KeysSection(Section):
    """A section with keys by name, one of them in force."""

    keys: dict[str, SecretStr] = Field(
        {}, description="name → 32 bytes in base64; from the environment, never from this file"
    )
    key: str = Field("", description="which of them is in force for what is new")
    key_file: Path | None = Field(
        None, description="a file that holds one key instead; its name is then `file`"
    )

    @model_validator(mode="after")
    def _keys_are_keys(self) -> KeysSection:
        room = type(self).__name__.removesuffix("Section").lower()
        for name, secret in self.keys.items():
            if not _NAME.fullmatch(name):
                raise ValueError(f"{room}.keys.{name}: a name is a-z 0-9 - and at most 32 long")
            if len(_decoded(secret.get_secret_value())) != _KEY_BYTES:
                raise ValueError(
                    f"{room}.keys.{name} is not 32 bytes in base64; "
                    "`openssl rand -base64 32` makes one"
                )
        names = {*self.keys, *([FILE] if self.key_file is not None else [])}
        if len(names) > 1 and not self.key:
            raise ValueError(f"{room}.key is missing: which of the keys is in force")
        if self.key and self.key not in names:
            raise ValueError(f"{room}.key: there is no key {self.key!r} in {room}.keys")
        return self

    @property
    def keyed(self) -> bool:
        """There is a key."""
        return bool(self.keys) or self.key_file is not None

    @property
    def in_force(self) -> str:
        """The name of the key for what is new; empty where there is none."""
        return self.key or next(iter(self.keys), FILE if self.key_file is not None else "")

    def bytes_by_name(self) -> dict[str, bytes]:
        """The keys themselves; ConfigMistake where the file's cannot be read or is none."""
        found = {name: _decoded(secret.get_secret_value()) for name, secret in self.keys.items()}
        if self.key_file is not None:
            room = type(self).__name__.removesuffix("Section").lower()
            found[FILE] = _decoded(secret_of(None, self.key_file, f"{room}.key_file"))
            if len(found[FILE]) != _KEY_BYTES:
                raise ConfigMistake(
                    f"{self.key_file} does not hold 32 bytes in base64", where=f"{room}.key_file",
                    mend="`openssl rand -base64 32` makes one",
                )  # fmt: skip
        return found


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


class HealthSection(Section):
    """[health]: when /readyz says that the bridge is not fit."""

    disk_free_megabytes: float = Field(
        256.0, ge=0, description="less than this on a disk it writes to is too little"
    )
    clock_step_seconds: float = Field(
        5.0, gt=0, description="a jump of the machine's clock by more than this is said"
    )


class MetricsSection(Section):
    """[metrics]: who may read /metrics."""

    peers: list[str] = Field(
        ["127.0.0.0/8", "::1/128"], description="addresses or networks that may read it"
    )
    token: SecretStr | None = Field(None, description="whoever shows it may read it from anywhere")
    token_file: Path | None = Field(None, description="a file that holds it instead")

    @model_validator(mode="after")
    def _peers_are_networks(self) -> MetricsSection:
        for peer in self.peers:
            try:
                ipaddress.ip_network(peer)
            except ValueError:
                raise ValueError(
                    f"metrics.peers: {peer!r} is no address and no network (10.0.0.0/24)"
                ) from None
        return self

    def secret(self) -> str:
        """The token, empty where there is none; ConfigMistake if its file is unreadable."""
        return secret_of(self.token, self.token_file, "metrics.token_file")


class BackupSection(KeysSection):
    """[backup]: what `hotline backup` seals with, takes along, and keeps."""

    folder: Path | None = Field(
        None, description="where backups lie: made there without --to, looked at by the doctor"
    )
    also: list[Path] = Field([], description="further files and folders that are taken along")
    daily: int = Field(7, ge=1, le=3650, description="the newest of so many days are kept")
    weekly: int = Field(5, ge=0, le=520, description="the newest of so many weeks are kept")
    monthly: int = Field(12, ge=0, le=240, description="the newest of so many months are kept")
