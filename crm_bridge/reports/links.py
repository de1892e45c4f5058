"""Where a figure leads to: the addresses of what is behind it and of other dashboards."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote_plus, urlencode

from crm_bridge.cases.workflow import State
from crm_bridge.figures.forms import AGENT_TIMES, CASES, SUBJECTS, Form
from crm_bridge.reports.filters import Filters
from crm_bridge.reports.period import Period

OF_CASES: Final = frozenset(
    {"record", "tell_ticket", "propose", "resolve", "intake", "coordinate", "notify"}
)
"""Steps of cases and appointments: no call is behind them."""


def of_calls(step: str) -> bool:
    """Whether the timings of a step are those of calls."""
    return step not in OF_CASES


def calls_behind(
    form: Form,
    period: Period,
    counts: Sequence[str],
    only: Mapping[str, str],
    *,
    above: int | None = None,
    upto: int | None = None,
) -> str:
    """The calls that add to these counts of a form's rows with the keys `only`.

    Without `counts` it is the beginning of an address, to which `&count=…` is added.
    With a histogram's name in `counts`: to its spans above and up to so many microseconds.
    """
    return _behind("calls", form, period, counts, only, above=above, upto=upto)


def cases_behind(period: Period, counts: Sequence[str], only: Mapping[str, str]) -> str:
    """The cases that add to these counts; without `counts` as `calls_behind`."""
    return _behind("behind", CASES, period, counts, only)


def open_cases(state: State | None, *, age: int | None = None, overdue: bool = False) -> str:
    """The cases that are open now, of one state or all, of an age of `open_cases.AGES` or all."""
    asked: dict[str, Any] = {"state": state.value} if state is not None else {}
    asked |= {"age": age} if age is not None else {}
    asked |= {"overdue": 1} if overdue else {}
    return f"/figures/open-cases?{urlencode(asked)}"


def records_behind(period: Period, only: Mapping[str, str]) -> str:
    """Officers' records of calls that are counted in `SUBJECTS`."""
    return _behind("behind", SUBJECTS, period, ["records"], only)


def times_behind(period: Period) -> str:
    """The states at the desk that make up a time of `AGENT_TIMES`; `&agent=…` may be added."""
    return _behind("behind", AGENT_TIMES, period, ["time_us"], {})


def _behind(
    page: str,
    form: Form,
    period: Period,
    counts: Sequence[str],
    only: Mapping[str, str],
    **limits: int | None,
) -> str:
    # a table of hundreds of rows has thousands of these: only names need to be escaped
    asked = [f"of={form.name.removeprefix('figures_')}", f"first={period.first}"]
    asked.append(f"last={period.last}")
    if counts:
        asked.append(f"count={'%2C'.join(counts)}")
    asked += [f"{name}={value}" for name, value in limits.items() if value is not None]
    asked += [f"{name}={quote_plus(value)}" for name, value in only.items()]
    return f"/figures/{page}?{'&'.join(asked)}"


def days_of(name: str, filters: Filters) -> Callable[[Period], str]:
    """Leads to the same dashboard with the same filters, for other days."""
    path, rest = _path(name), "&".join(filters.query(grain=None).split("&")[2:])
    more = f"&{rest}" if rest else ""
    return lambda days: f"{path}?first={days.first}&last={days.last}{more}"


def dashboard(name: str, filters: Filters, **changes: Any) -> str:
    """Another dashboard for the same days."""
    return f"{_path(name)}?{filters.query(**changes)}"


def _path(name: str) -> str:
    return "/figures" if name == "overview" else f"/figures/{name}"
