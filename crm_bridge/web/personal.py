"""Which routes show personal data of callers and persons: one table, held to by a test.

A route that is named here puts each read on record (`watch.py`); one that is not shows nothing of
anybody who calls, and a test walks all of them with a marked caller to see that. Names of officers
and accounts are not meant. What changes something is on record as an act, and stands here only
where it is asked again and again while somebody types.
"""

from __future__ import annotations

from typing import Final

ABOUT: Final = {
    "person_id": "person", "ticket": "case", "ref": "appointment", "call_id": "call",
    "recording_id": "recording", "account_id": "account", "request_id": "privacy_act",
    "message_id": "message", "rule_id": "rule", "key_id": "key", "session_id": "session",
    "connector": "connector", "name": "connector",
}  # fmt: skip
"""Parts of an address that say of what it is; others (a number) are never written down."""

SHOWS: Final = frozenset(
    {
        # the desk: who calls, what waits to be done, the floor's calls in progress
        "GET /desk", "GET /desk/tasks", "GET /desk/live", "GET /api/v1/desk/stream",
        "GET /floor", "GET /floor/officers/{extension}", "GET /api/v1/supervision/floor",
        "GET /api/v1/agent", "GET /api/v1/agents",
        # calls, messages left, numbers to call back
        "GET /calls", "GET /calls/unlogged", "GET /calls/lost", "GET /calls/{call_id}",
        "GET /calls/{call_id}/wrapup-form", "GET /api/v1/calls", "GET /api/v1/calls/unlogged",
        "GET /api/v1/calls/{call_id}", "GET /api/v1/calls/{call_id}/wrapup",
        "GET /api/v1/lost-calls", "GET /api/v1/voicemails",
        "GET /api/v1/recordings/{recording_id}/audio", "GET /figures/calls", "GET /figures/behind",
        "GET /figures/open-cases",
        # people
        "GET /people", "GET /people/found", "GET /people/new", "GET /people/duplicates",
        "GET /people/requests", "GET /people/{person_id}", "GET /api/v1/people",
        "GET /api/v1/people/duplicates", "GET /api/v1/people/{person_id}",
        "GET /api/v1/people/{person_id}/notes", "GET /api/v1/people/{person_id}/contacts",
        "GET /api/v1/people/{person_id}/duplicates", "GET /api/v1/people/{person_id}/merges",
        "GET /api/v1/people/{person_id}/privacy", "GET /api/v1/privacy-requests",
        "GET /admin/caller-rules", "GET /api/v1/caller-rules",
        # cases, appointments, messages
        "GET /cases", "GET /cases/new", "GET /cases/form", "GET /cases/{ticket}",
        "GET /cases/{ticket}/edit", "GET /director", "GET /agency", "GET /notifications",
        "GET /api/v1/cases", "GET /api/v1/cases/{ticket}", "GET /api/v1/cases/{ticket}/events",
        "GET /api/v1/cases/{ticket}/attachments", "GET /api/v1/cases/{ticket}/attachments/{file}",
        "GET /api/v1/notifications", "GET /appointments", "GET /appointments/new",
        "GET /appointments/{ref}", "GET /api/v1/appointments", "GET /api/v1/appointments/calendar",
        "GET /api/v1/appointments/{ref}", "GET /api/v1/appointments/{ref}/invitation.ics",
        "GET /admin/messages", "GET /api/v1/messages",
        # what goes to other CRMs
        "GET /admin/connectors/{name}", "GET /admin/connectors/{name}/{seq}",
        "GET /api/v1/connectors/{name}", "GET /api/v1/connectors/{name}/entries",
        "GET /api/v1/connectors/{name}/entries/{seq}",
        # what somebody typed and has not saved
        "GET /api/v1/drafts/{key}",
    }
)  # fmt: skip
"""Routes whose answer may hold something of a caller or person."""

FILES: Final = frozenset(
    {
        "GET /api/v1/cases/{ticket}/attachments/{file}",
        "GET /api/v1/appointments/{ref}/invitation.ics",
        "GET /api/v1/recordings/{recording_id}/audio",
    }
)
"""What is taken away whole: not given where the read cannot be put on record."""

NO_ACT: Final = frozenset(
    {
        "PUT /api/v1/drafts/{key}", "DELETE /api/v1/drafts/{key}", "PUT /api/v1/language",
    }
)  # fmt: skip
"""What is asked for again and again and changes nothing that anybody else sees."""
