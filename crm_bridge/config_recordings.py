"""[recordings]: the keys under which voices are kept, and for how long."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

from pydantic import Field, SecretStr, model_validator

from crm_bridge.config_outside import Section

_KEY_BYTES: Final = 32
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")


class RecordingsSection(Section):
    """[recordings]: without a key no voice is kept, and nobody is asked for a message."""

    keys: dict[str, SecretStr] = Field(
        {}, description="name → 32 bytes in base64; from the environment, never from this file"
    )
    key: str = Field("", description="which of them new recordings are sealed with")
    voicemail_days: int = Field(
        90, ge=1, le=3650, description="a message is deleted so many days after it was left"
    )
    call_days: int = Field(
        90, ge=1, le=3650, description="the recording of a call is deleted so many days after it"
    )

    @model_validator(mode="after")
    def _keys_are_keys(self) -> RecordingsSection:
        for name, secret in self.keys.items():
            if not _NAME.fullmatch(name):
                raise ValueError(f"recordings.keys.{name}: a name is a-z 0-9 - and at most 32 long")
            if len(_decoded(secret)) != _KEY_BYTES:
                raise ValueError(
                    f"recordings.keys.{name} is not 32 bytes in base64; "
                    "`openssl rand -base64 32` makes one"
                )
        if self.keys and len(self.keys) > 1 and not self.key:
            raise ValueError("recordings.key is missing: which of the keys is in force")
        if self.key and self.key not in self.keys:
            raise ValueError(f"recordings.key: there is no key {self.key!r} in recordings.keys")
        return self

    @property
    def in_force(self) -> str:
        """The name of the key that new recordings are sealed with; empty where there is none."""
        return self.key or next(iter(self.keys), "")

    def bytes_by_name(self) -> dict[str, bytes]:
        """The keys themselves."""
        return {name: _decoded(secret) for name, secret in self.keys.items()}


def _decoded(secret: SecretStr) -> bytes:
    try:
        return base64.b64decode(secret.get_secret_value(), validate=True)
    except (binascii.Error, ValueError):
        return b""
