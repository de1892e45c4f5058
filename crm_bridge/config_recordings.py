"""[recordings]: the keys under which voices are kept, and for how long."""

from __future__ import annotations

from pydantic import Field

from crm_bridge.config_operations import KeysSection


class RecordingsSection(KeysSection):
    """[recordings]: without a key no voice is kept, and nobody is asked for a message."""

    voicemail_days: int = Field(
        90, ge=1, le=3650, description="a message is deleted so many days after it was left"
    )
    call_days: int = Field(
        90, ge=1, le=3650, description="the recording of a call is deleted so many days after it"
    )
