"""[retention]: for how long each category of personal data is kept."""

from __future__ import annotations

from pydantic import Field

from crm_bridge.config_outside import Section


class RetentionSection(Section):
    """[retention]: days after which each category goes; to be confirmed by the ministry's lawyer.

    Complaints and appointments have the periods of the law on official records instead
    (`crm_bridge/people/holds.toml`), recordings those of [recordings].
    """

    at: str = Field(
        "02:30", pattern=r"^([01]\d|2[0-3]):[0-5]\d$", description="when it is looked each night"
    )
    caller_days: int = Field(
        730, ge=30, description="a caller's number and name on a call, and what was written of it"
    )
    person_days: int = Field(
        1825, ge=30, description="a person of whom nothing was heard or written for so long"
    )
    message_days: int = Field(365, ge=30, description="a text message or e-mail that was sent")
    draft_days: int = Field(30, ge=1, description="what was typed in a form and never saved")
    wish_days: int = Field(365, ge=30, description="a wish to be called back")
    journal_days: int = Field(30, ge=2, description="what an Asterisk said, word for word")
    audit_days: int = Field(1825, ge=90, description="the audit log of acts and reads")
