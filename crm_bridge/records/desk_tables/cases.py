"""Tables of the desk: cases, who must answer them, their history, the calendar, the bell."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
)

from crm_bridge.records.tables import metadata


def _of_case(*, primary: bool = False) -> Column[str]:
    return Column(
        "case_id",
        Text,
        ForeignKey("cases.id", ondelete="CASCADE"),
        nullable=False,
        primary_key=primary,
    )


ticket_sequences = Table(
    "ticket_sequences",
    metadata,
    Column("year", Integer, primary_key=True, autoincrement=False),
    Column("last", Integer, nullable=False),
)
"""The last running number given in each Buddhist year."""

calendar_versions = Table(
    "calendar_versions",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("first_day", Date, nullable=False),
    Column("last_day", Date, nullable=False),
    Column("base", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("made_us", BigInteger, nullable=False),
    Column("made_by", Text),
)
"""One row a version of the working-day calendar. `base` is a digest of the published days it was
built on: other published days make a new version. `made_by` is null where the program made it."""

calendar_days = Table(
    "calendar_days",
    metadata,
    Column(
        "version",
        Integer,
        ForeignKey("calendar_versions.version", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("day", Date, primary_key=True),
    Column("closed", Boolean, nullable=False),
    Column("name_th", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("source", Text, nullable=False),
)
"""Every day of a version that is not what its weekday says, so that it needs no library to read."""

cases = Table(
    "cases",
    metadata,
    Column("id", Text, primary_key=True),
    Column("ticket", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("round", Integer, nullable=False),
    Column("subject_id", Text),
    Column("title", Text, nullable=False),
    Column("facts", Text, nullable=False),
    Column("wanted", Text, nullable=False),
    Column("respondent", Text, nullable=False),
    Column("respondent_contact", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("province", Text),
    Column("product", Text, nullable=False),
    Column("identity", Text, nullable=False),
    Column("person_id", Text),
    Column("complainant_name", Text, nullable=False),
    Column("complainant_number", Text),
    Column("complainant_email", Text),
    Column("complainant_province", Text),
    Column("notice_version", Text),
    Column("consent", Boolean),
    Column("consent_how", Text),
    Column("consent_us", BigInteger),
    Column("call_id", Text),
    Column("opened_us", BigInteger),
    Column("recorded_us", BigInteger, nullable=False),
    Column("told_us", BigInteger),
    Column("told_how", Text),
    Column("told_message", Text),
    Column("proposed_us", BigInteger),
    Column("due_us", BigInteger),
    Column("calendar_version", Integer),
    Column("settled_us", BigInteger),
    Column("settlement", Text),
    Column("closed_us", BigInteger),
    Column("owner", Text, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("made_key", Text),
    Column("updated_us", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Index("ix_cases_ticket", "ticket", unique=True),
    Index("ix_cases_made_key", "made_key", unique=True),
    Index("ix_cases_recorded_us", "recorded_us", "id"),
    Index("ix_cases_state_due_us", "state", "due_us"),
    Index("ix_cases_owner", "owner", "recorded_us"),
    Index("ix_cases_person_id", "person_id"),
    Index("ix_cases_complainant_number", "complainant_number"),
    Index("ix_cases_call_id", "call_id"),
)
"""One row a complaint or a formal request for advice. `identity`: open, concealed (known to 1203,
hidden from agencies) or anonymous. `round` counts from 1, one more with each reopening. `due_us` is
the first microsecond after the last day, by the calendar of `calendar_version`. `made_key` makes
a second sending of the same form the same case. Accounts are named by id, without a foreign key:
a case outlives them."""

case_assignments = Table(
    "case_assignments",
    metadata,
    Column("id", Text, primary_key=True),
    _of_case(),
    Column("round", Integer, nullable=False),
    Column("agency", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("instruction", Text, nullable=False),
    Column("assigned_us", BigInteger, nullable=False),
    Column("assigned_by", Text, nullable=False),
    Column("due_us", BigInteger, nullable=False),
    Column("answer", Text),
    Column("answered_us", BigInteger),
    Column("answered_by", Text),
    Index("ix_case_assignments_case_id", "case_id", "round", "agency", unique=True),
    Index("ix_case_assignments_agency", "agency", "state", "due_us"),
)
"""An agency that must answer a case. `state`: outstanding, answered, accepted, declined, released;
`answer` is the last one given, earlier ones stand in the timeline."""

case_extensions = Table(
    "case_extensions",
    metadata,
    Column("id", Text, primary_key=True),
    _of_case(),
    Column(
        "assignment_id",
        Text,
        ForeignKey("case_assignments.id", ondelete="CASCADE"),
        nullable=False,
    ),
    Column("agency", Text, nullable=False),
    Column("working_days", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("asked_us", BigInteger, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("old_due_us", BigInteger, nullable=False),
    Column("new_due_us", BigInteger),
    Column("calendar_version", Integer),
    Column("decided_us", BigInteger),
    Column("decided_by", Text),
    Column("decision", Text),
    Index("ix_case_extensions_case_id", "case_id", "asked_us"),
    Index("ix_case_extensions_assignment_id", "assignment_id"),
)
"""Time asked for by an agency. `state`: asked, granted, refused, lapsed (answered before)."""

case_events = Table(
    "case_events",
    metadata,
    _of_case(primary=True),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("at_us", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("by_account", Text),
    Column("by_name", Text, nullable=False),
    Column("agency", Text),
    Column("state", Text, nullable=False),
    Column("internal", Boolean, nullable=False),
    Column("body", Text, nullable=False),
)
"""The timeline: one row an act, in order. `agency` is the one it concerns, `state` that of the case
after it, `internal` hides it from agencies, `body` is a JSON object of what was said and set."""

case_steps = Table(
    "case_steps",
    metadata,
    _of_case(primary=True),
    Column("step", Text, primary_key=True),
    Column("round", Integer, primary_key=True, autoincrement=False),
    Column("started_us", BigInteger),
    Column("ended_us", BigInteger),
    Column("standard_seconds", Integer),
    Column("standard_working_days", Integer),
    Column("due_us", BigInteger),
    Column("calendar_version", Integer),
    Column("edition", Text, nullable=False),
    Column("evidence", Text, nullable=False),
)
"""The timings of a case. `due_us` is where the published standard ends, whatever extension was
granted; `started_us` is null where nobody saw the step begin."""

case_attachments = Table(
    "case_attachments",
    metadata,
    Column("id", Text, primary_key=True),
    _of_case(),
    Column("name", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("stored", Text, nullable=False),
    Column("internal", Boolean, nullable=False),
    Column("agency", Text),
    Column("by_account", Text, nullable=False),
    Column("by_name", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Index("ix_case_attachments_case_id", "case_id", "at_us"),
)
"""A file of a case; `stored` is its random name in the data folder, `agency` who handed it in."""

notifications = Table(
    "notifications",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("ticket", Text),
    Column("text_th", Text, nullable=False),
    Column("text_en", Text, nullable=False),
    Column("made_us", BigInteger, nullable=False),
    Column("seen_us", BigInteger),
    Column("dedupe", Text, nullable=False),
    Index("ix_notifications_dedupe", "dedupe", unique=True),
    Index("ix_notifications_account_id", "account_id", "seen_us", "made_us"),
)
"""What the bell of one account shows; the same `dedupe` twice is one row."""

doomed_files = Table(
    "doomed_files",
    metadata,
    Column("stored", Text, primary_key=True),
    Column("at_us", BigInteger, nullable=False),
)
"""Files on disk of which no row speaks any more; a row here goes when the file has gone."""
