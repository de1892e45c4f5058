"""What services, steps and agencies are called: in the ministry's words of the time."""

from __future__ import annotations

from crm_bridge.config import Config
from crm_bridge.reports.period import Period
from crm_bridge.reports.sheets import Words
from crm_bridge.written import span_text
from ivr.steps.standards import Edition, Step, load_standards

NOBODY: Words = ("ไม่ระบุ", "Not named")


def edition_of(period: Period) -> Edition:
    """The standards in force on the last of these days."""
    return load_standards().on(period.until - 1)


def judged_by(period: Period) -> tuple[Words, ...]:
    """By which editions the days were judged, where it is more than one."""
    standards = load_standards()
    editions = {
        e.edition: e for day in (period.since, period.until - 1) if (e := standards.on(day))
    }
    if len(editions) == 1:
        return ()
    names = ", ".join(editions)
    return (
        (f"แต่ละขั้นตอนตัดสินตามมาตรฐานที่ใช้ในวันนั้น ({names})",
         f"Each timing is judged by the standard of its day ({names})"),
    )  # fmt: skip


def service_name(edition: Edition, service: str) -> Words:
    """As the guideline calls it; its id where it is none of its services."""
    found = edition.services.get(service)
    return (found.name_th, found.name_en) if found else (service, service) if service else NOBODY


def step_of(edition: Edition, service: str, step: str) -> Step | None:
    """The published step, or none."""
    found = edition.services.get(service)
    return found.steps.get(step) if found else None


def step_name(edition: Edition, service: str, step: str) -> Words:
    """As the guideline calls it; its id where it has none."""
    found = step_of(edition, service, step)
    return (found.th, found.en) if found else (step, step)


def standard_text(step: Step | None) -> Words | None:
    """The longest a step may take, in words."""
    if step is None:
        return None
    if step.working_days is not None:
        return (f"{step.working_days} วันทำการ", f"{step.working_days} working days")
    assert step.seconds is not None  # noqa: S101  # a step has one of the two
    return (span_text(step.seconds), span_text(step.seconds, "en"))


def agency_name(config: Config, agency: str) -> Words:
    """As hotline.toml calls it; its id where it is not there."""
    found = config.agency.get(agency)
    if not agency:
        return NOBODY
    if found is None:
        return (agency, agency)
    return (found.name_th or found.name_en or agency, found.name_en or found.name_th or agency)


def place_of(edition: Edition, service: str, step: str) -> tuple[int, int, str, str]:
    """A step's place in the guideline, for sorting; those it does not know come last."""
    services = list(edition.services)
    steps = list(edition.services[service].steps) if service in edition.services else []
    return (
        services.index(service) if service in services else len(services),
        steps.index(step) if step in steps else len(steps),
        service,
        step,
    )
