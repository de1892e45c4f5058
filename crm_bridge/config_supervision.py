"""[supervision]: what supervisors may do to officers and their calls, each act by itself."""

from __future__ import annotations

from pydantic import Field

from crm_bridge.config_outside import Section


class SupervisionSection(Section):
    """[supervision]"""

    listen: bool = Field(True, description="a supervisor may hear an officer's call")
    whisper: bool = Field(True, description="may speak so that the officer alone hears it")
    barge: bool = Field(True, description="may speak so that officer and caller hear it")
    take_over: bool = Field(True, description="may have the caller handed to the own telephone")
    force_pause: bool = Field(True, description="may pause an officer, and end a pause")
    force_sign_out: bool = Field(True, description="may sign an officer out of a telephone")
    message: bool = Field(True, description="may write to one officer's desk or to all")
    tell_officer: bool = Field(
        True, description="the officer's desk says that a supervisor is at the call"
    )
