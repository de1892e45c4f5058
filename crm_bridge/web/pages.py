"""Pages: templates, the two languages, and how times and numbers are written on screen.

A template says both languages where it stands: `{{ t("พร้อมรับสาย", "Ready") }}`. Times are
Asia/Bangkok; in Thai with Buddhist-era years. A feature's templates lie in its own folder and are
named `feature/file.html`; shared ones lie in `web/templates`.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import phonenumbers
from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import (
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PrefixLoader,
    StrictUndefined,
    pass_context,
)
from jinja2.runtime import Context as Scope

from crm_bridge.access import masking
from crm_bridge.access.account import Account
from crm_bridge.access.roles import NAMES
from crm_bridge.delivery.findings import safe_url
from crm_bridge.web.connectors.words import STATUSES
from crm_bridge.web.navigation import entries
from crm_bridge.written import day_text, moment_text, office_time, span_text

__all__ = ["day_text", "moment_text", "office_time", "span_text"]  # pages write by these

HERE: Final = Path(__file__).parent
LANGUAGE_COOKIE: Final = "hotline_lang"


def language_of(request: Request) -> str:
    """`th` or `en`: the account's own, else the cookie's, else Thai."""
    found = getattr(request.state, "language", None) or request.cookies.get(LANGUAGE_COOKIE)
    return "en" if found == "en" else "th"


def _masks(scope: Scope) -> bool:
    return bool(scope.get("masks"))


@pass_context
def _phone(scope: Scope, number: str | None) -> str:
    return masking.number(number) if _masks(scope) else phone_text(number)


@pass_context
def _person_name(scope: Scope, name: str | None) -> str:
    return masking.name(name) if _masks(scope) else name or ""


@pass_context
def _person_email(scope: Scope, email: str | None) -> str:
    return masking.email(email) if _masks(scope) else email or ""


@pass_context
def _words(scope: Scope, text: str | None) -> str:
    return masking.words(text or "") if _masks(scope) else text or ""


@lru_cache(maxsize=8192)
def phone_text(number: str | None) -> str:
    """A number as people in Thailand write it: `081 234 5678`; foreign ones with their country."""
    if not number:
        return ""
    try:
        parsed = phonenumbers.parse(number, "TH")
    except phonenumbers.NumberParseException:
        return number
    if not phonenumbers.is_possible_number(parsed):
        return number
    form = (
        phonenumbers.PhoneNumberFormat.NATIONAL
        if parsed.country_code == 66
        else phonenumbers.PhoneNumberFormat.INTERNATIONAL
    )
    return phonenumbers.format_number(parsed, form)


@pass_context
def _t(scope: Scope, th: str, en: str) -> str:
    return en if scope["lang"] == "en" else th


@pass_context
def _moment(scope: Scope, moment: int | None) -> str:
    return "–" if moment is None else moment_text(moment, scope["lang"])


@pass_context
def _clock(scope: Scope, moment: int | None) -> str:
    return "–" if moment is None else f"{office_time(moment):%H:%M:%S}"


def _exact(moment: int | None) -> str:
    return "–" if moment is None else f"{office_time(moment):%H:%M:%S.%f}"[:-3]


@pass_context
def _day(scope: Scope, when: date | int | str | None) -> str:
    if when is None:
        return "–"
    if isinstance(when, int):
        when = office_time(when).date()
    elif isinstance(when, str):
        when = date.fromisoformat(when)
    return day_text(when, scope["lang"])


@pass_context
def _span(scope: Scope, seconds: float) -> str:
    return span_text(seconds, scope["lang"])


def _web_link(url: str | None) -> str:
    """An address from elsewhere as a link; what is no address of the web leads nowhere."""
    return safe_url(url) or ""


@pass_context
def _role(scope: Scope, account: Account) -> str:
    th, en = NAMES[account.role]
    return en if scope["lang"] == "en" else th


def _environment() -> Environment:
    features = {
        place.parent.name: FileSystemLoader(place) for place in sorted(HERE.glob("*/templates"))
    }
    made = Environment(
        loader=ChoiceLoader([FileSystemLoader(HERE / "templates"), PrefixLoader(features)]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals["t"] = _t
    made.globals["crm_statuses"] = STATUSES
    made.filters.update(
        moment=_moment,
        clock=_clock,
        exact=_exact,
        day=_day,
        span=_span,
        phone=_phone,
        pname=_person_name,
        pmail=_person_email,
        pwords=_words,
        role=_role,
        web_link=_web_link,
    )
    return made


environment: Final = _environment()


def fragment(template: str, lang: str, **values: Any) -> str:
    """A part of a page as text, in this language."""
    return environment.get_template(template).render(lang=lang, **values)


def render(
    request: Request,
    template: str,
    *,
    status_code: int = 200,
    headers: dict[str, str] | None = None,
    **values: Any,
) -> HTMLResponse:
    """A whole page for whoever asks.

    Every template is given `lang`, `me` (the account or `None`), `csrf`, `here` (the path),
    `nav` (the places this account may go), `query` and `masks`: whether callers are masked for it,
    which the filters `phone`, `pname`, `pmail` and `pwords` see to.
    """
    account: Account | None = getattr(request.state, "account", None)
    session = getattr(request.state, "session", None)
    body = fragment(
        template,
        language_of(request),
        **{
            "me": account,
            "csrf": session.csrf if session is not None else "",
            "here": request.url.path,
            "query": request.query_params,
            "masks": request.scope.get(masking.HIDES, False),
            "nav": entries(account),
            **values,
        },
    )
    return HTMLResponse(body, status_code, {"Cache-Control": "no-store", **(headers or {})})
