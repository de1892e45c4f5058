"""The tables of figures: what each counts, by which keys, in which spans of time.

| form | keys | counts |
|---|---|---|
| `STEPS` | queue, service, step | every timing that started then |
| `AGENT_STEPS` | step, service, queue, agent | the same, by the officer whose it was |
| `AGENCY_STEPS` | agency, and the same | the timings in which an agency was asked or handed to |
| `QUEUES` | queue | every passage that began then |
| `CALLS` | direction, service, language, outcome | every call entered then |
| `AGENTS` | agent, queue | every part of an officer whose handling ended then |
| `HANDLINGS` | queue | the same, of all officers |
| `HOURS` | step, service, queue, hour of the week | timings; where step is "", queue passages |
| `TRANSFERS` | kind, agency, outcome | every asking for a transfer or consultation |
| `TRANSFERS_ENDED` | kind, outcome | the same, of all agencies |
| `MENUS` | path (`main:1/guide:0`), outcome | every caller's way through the menus |
| `REPEATS` | times (`1` … `9`, `10+`) | callers with so many calls in the month, and those calls |
| `CALLBACKS` | state | lost calls, and when they were called back |
| `SURVEYS` | queue, agent | callers who were asked how it was, and what they answered |
| `WAITS_TOLD` | queue, told | callers who were told their wait, and how it came |
| `SUBJECTS` | service, subject, outcome | officers' records |
| `CASES` | kind, agency, province, subject, state | cases, and how they were settled |
| `CASES_BY` | what, value | the same, by one of kind, agency, province and subject at a time |
| `AGENCY_CASES` | agency, what, value | the same of an agency, by one of the others at a time |
| `AGENT_TIMES` | agent, state, reason | time of officers who are signed in |

The steps of cases and appointments are in `STEPS`, `AGENT_STEPS`, `AGENCY_STEPS` and `HOURS` too,
with the queue "".

Where hundreds of officers or agencies would be added up for a figure of all of them, a form is kept
that is the sum of another (`of`) over some of its keys; or over all but one, `what`, at a time.

Before its keys a row has its `level` and `from_us`: the quarter of an hour, day, dekad, month or
year of Asia/Bangkok, and the moment of its beginning. Each level holds all there is, so that a span
is read from the fewest rows that make it up; forms of few rows do without dekads and years.
Names are empty where there is none: a greet that nobody answered has no agent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from crm_bridge.figures.levels import Level
from crm_bridge.figures.told import CAME


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """A table of figures; names of its columns in their order."""

    name: str
    levels: tuple[Level, ...]
    """From the finest, by which calls are counted, to the coarsest."""
    keys: tuple[str, ...]
    """After `level` and `from_us`."""
    counts: tuple[str, ...]
    spans: tuple[str, ...] = ()
    """Histograms of spans of time."""
    of: Form | None = None
    """The form whose rows it adds up; its keys, counts and spans are some of that one's."""
    each: tuple[str, ...] = ()
    """Keys of `of` of which a row names one as `what`, and its value; so what is in a row of `of`
    is in as many rows of this."""
    index: tuple[str, ...] = ()
    """Columns after `level` by which rows are found, or names and counts read, without reading
    what lies between: beside a histogram of thousands of bytes a count costs a page of its own."""


_DAYS: Final[tuple[Level, ...]] = ("day", "month")
_MANY: Final[tuple[Level, ...]] = ("day", "dekad", "month", "year")
"""Where a day has hundreds of rows, or their histograms are long: odd spans of a year are some six
reads of them, not thirty."""
_ALL: Final[tuple[Level, ...]] = ("quarter", *_MANY)
_TIMINGS: Final = ("within", "over", "open", "observed", "declared", "inferred", "unknown",
                   "elapsed_us")  # fmt: skip

STEPS: Final = Form("figures_steps", _ALL, ("queue", "service", "step"), _TIMINGS, ("elapsed",))
_WHAT: Final = ("queue", "service", "step")
_STEP: Final = ("step", "service", "queue")
"""Of hundreds of officers, or of every hour, those of one step lie together."""
AGENT_STEPS: Final = Form(
    "figures_agent_steps",
    _MANY,
    (*_STEP, "agent"),
    _TIMINGS,
    ("elapsed",),
    index=("agent", "from_us"),
)
AGENCY_STEPS: Final = Form(
    "figures_agency_steps", _MANY, ("agency", *_WHAT), _TIMINGS, ("elapsed",)
)
"""Apart from officers: a row an officer and agency would be nearly a row a timing."""
QUEUES: Final = Form(
    "figures_queues",
    _ALL,
    ("queue",),
    ("answered", "abandoned", "timeout", "left", "transferred", "unknown", "waited_us"),
    ("answered_after", "abandoned_after"),
)
CALLS: Final = Form(
    "figures_calls",
    _ALL,
    ("direction", "service", "language", "outcome"),
    ("calls", "withheld", "not_observed", "length_us"),
    ("length",),
)
AGENTS: Final = Form(
    "figures_agents",
    _MANY,
    ("agent", "queue"),
    ("parts", "talk_us", "hold_us", "wrap_us"),
    ("handled",),
    index=("from_us", "agent", "parts", "talk_us", "hold_us", "wrap_us"),
)
HANDLINGS: Final = Form("figures_handlings", _DAYS, ("queue",), AGENTS.counts, of=AGENTS)
HOURS: Final = Form(
    "figures_hours",
    _MANY,
    (*_STEP, "hour_of_week"),
    ("timings", "within", "over", "offered", "answered", "abandoned"),
)
"""`hour_of_week` is `000` (Monday 00:00) to `167`. `offered` are all passages whose end is known,
short ones too: it knows no threshold."""
TRANSFERS: Final = Form(
    "figures_transfers",
    _MANY,
    ("kind", "agency", "outcome"),
    ("transfers", "asked_us", "ours_us", "theirs_us"),
    ("whole", "ours", "theirs"),
)
"""`kind` is `blind`, `attended` or `consult` (asked, and not handed on). `whole` and its sum
`asked_us`: asked → answered, or over in vain. The ministry's share `ours` ends where the agency's
telephone begins to ring, and the agency's `theirs` begins there; of a call whose agency's leg was
not seen both are unknown, and in neither histogram."""
TRANSFERS_ENDED: Final = Form(
    "figures_transfers_ended",
    _DAYS,
    ("kind", "outcome"),
    ("transfers", "asked_us"),
    ("whole",),
    of=TRANSFERS,
)
MENUS: Final = Form("figures_menus", _MANY, ("path", "outcome"), ("calls",))
REPEATS: Final = Form("figures_repeats", ("month",), ("times",), ("callers", "calls"))
"""Calls from a number, by the month in which they were entered; withheld ones are in `CALLS`."""
CALLBACKS: Final = Form("figures_callbacks", _DAYS, ("state",), ("calls", "after_us"), ("after",))
"""Callers lost before an officer spoke with them, by the day of the call. `state`: `called_back`,
`called_again` (and was served before anybody called back), `given_up`, `waiting`, `no_number`.
`after`: the lost call over → the first answered call back, where that was first."""
SURVEYS: Final = Form(
    "figures_surveys",
    _MANY,
    ("queue", "agent"),
    ("unrated", "one", "two", "three", "four", "five", "matter_settled", "matter_open"),
)
"""Callers who were asked how it was, by the day on which they were; the officer is who had the
caller last. All who were asked are in one of `unrated` and `one` … `five`; who said nothing of the
matter is in neither `matter_settled` nor `matter_open`."""
WAITS_TOLD: Final = Form("figures_waits_told", _DAYS, ("queue", "told"), CAME)
"""Callers by the day on which they were told how long they would wait, and by what they were told;
`figures.told` says how it came. Who hung up before he stood in a queue has none."""
SUBJECTS: Final = Form("figures_subjects", _MANY, ("service", "subject", "outcome"), ("records",))
"""Officers' records by the day on which they were first saved."""
CASES: Final = Form(
    "figures_cases",
    _MANY,
    ("kind", "agency", "province", "subject", "state"),
    ("cases", "settled", "settled_within", "settled_over", "first_contact", "reopened"),
    ("working_time",),
)
"""Cases by the day on which they were recorded, as they stand; of several agencies the first.
`settled_*` and `working_time` are of the last round, against the published standard; a working day
is 24 hours. `first_contact`: settled in the first round without any agency."""
CASES_BY: Final = Form(
    "figures_cases_by",
    _MANY,
    ("what", "value"),
    CASES.counts,
    CASES.spans,
    of=CASES,
    each=("kind", "agency", "province", "subject"),
)
AGENCY_CASES: Final = Form(
    "figures_agency_cases",
    _MANY,
    ("agency", "what", "value"),
    CASES.counts,
    CASES.spans,
    of=CASES,
    each=("kind", "province", "subject"),
)
AGENT_TIMES: Final = Form("figures_agent_times", _MANY, ("agent", "state", "reason"), ("time_us",))
"""How long officers who are signed in were `ready`, `paused` (for a reason) or in `wrapup`; a state
that is not over is not in it."""
FORMS: Final = (
    STEPS, AGENT_STEPS, AGENCY_STEPS, QUEUES, CALLS, AGENTS, HANDLINGS, HOURS, TRANSFERS,
    TRANSFERS_ENDED, MENUS, REPEATS, CALLBACKS, SURVEYS, WAITS_TOLD, SUBJECTS, CASES, CASES_BY,
    AGENCY_CASES, AGENT_TIMES,
)  # fmt: skip


def times(calls: int) -> str:
    """The key of `REPEATS` for a caller with so many calls."""
    return str(calls) if calls < MANY else f"{MANY}+"


MANY: Final = 10
"""Calls from which on `REPEATS` makes no difference any more."""
