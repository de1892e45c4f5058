"""The features of the desk: each a folder with its routes; added here, served by `app.py`."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from crm_bridge.web.accounts import api as accounts_api
from crm_bridge.web.accounts import routes as accounts
from crm_bridge.web.agent import api as agent_api
from crm_bridge.web.agent import routes as agent
from crm_bridge.web.alerts import api as alerts_api
from crm_bridge.web.alerts import routes as alerts
from crm_bridge.web.announcement import api as announcement_api
from crm_bridge.web.announcement import routes as announcement
from crm_bridge.web.appointments import api as appointments_api
from crm_bridge.web.appointments import resources_api
from crm_bridge.web.appointments import routes as appointments
from crm_bridge.web.audit import routes as audit
from crm_bridge.web.calendar import api as calendar_api
from crm_bridge.web.calendar import routes as calendar
from crm_bridge.web.caller_rules import api as caller_rules_api
from crm_bridge.web.caller_rules import routes as caller_rules
from crm_bridge.web.cases import acts_api as cases_acts
from crm_bridge.web.cases import api as cases_api
from crm_bridge.web.cases import bell_api
from crm_bridge.web.cases import files as cases_files
from crm_bridge.web.cases import routes as cases
from crm_bridge.web.connectors import api as connectors_api
from crm_bridge.web.connectors import routes as connectors
from crm_bridge.web.figures import behind as figures_behind
from crm_bridge.web.figures import export as figures_export
from crm_bridge.web.figures import reports as figures_reports
from crm_bridge.web.figures import routes as figures
from crm_bridge.web.figures import things as figures_things
from crm_bridge.web.forecast import routes as forecast
from crm_bridge.web.gaps import routes as gaps
from crm_bridge.web.hooks import api as hooks_api
from crm_bridge.web.hooks import routes as hooks
from crm_bridge.web.hooks import status as hooks_status
from crm_bridge.web.line import api as line_api
from crm_bridge.web.menus import routes as menus
from crm_bridge.web.messages import api as messages_api
from crm_bridge.web.messages import routes as messages
from crm_bridge.web.pauses import api as pauses_api
from crm_bridge.web.pauses import routes as pauses
from crm_bridge.web.people import api as people_api
from crm_bridge.web.people import privacy_api
from crm_bridge.web.people import routes as people
from crm_bridge.web.public import routes as public
from crm_bridge.web.recordings import api as recordings_api
from crm_bridge.web.shifts import routes as shifts
from crm_bridge.web.signin import oidc, own
from crm_bridge.web.signin import routes as signin
from crm_bridge.web.subjects import api as subjects_api
from crm_bridge.web.subjects import routes as subjects
from crm_bridge.web.supervision import api as supervision_api
from crm_bridge.web.supervision import routes as supervision
from crm_bridge.web.wallboard import api as wallboard_api
from crm_bridge.web.wallboard import routes as wallboard
from crm_bridge.web.wrapups import api as wrapups_api
from crm_bridge.web.wrapups import routes as wrapups

ROUTERS: Final[tuple[APIRouter, ...]] = (
    agent.router,
    agent_api.router,
    line_api.router,
    supervision.router,
    supervision_api.router,
    signin.router,
    own.router,
    oidc.router,
    accounts.router,
    accounts_api.router,
    people_api.router,
    privacy_api.router,
    people.router,
    appointments.router,
    appointments_api.router,
    resources_api.router,
    messages.router,
    messages_api.router,
    recordings_api.router,
    wallboard.router,
    wallboard_api.router,
    forecast.pages,
    forecast.api,
    forecast.campaign_api,
    shifts.pages,
    shifts.api,
    figures.pages,
    figures_behind.router,
    figures_things.router,
    figures.api,
    figures_export.router,
    figures_reports.router,
    public.router,
    alerts.router,
    alerts_api.router,
    alerts_api.rules_router,
    connectors.router,
    connectors_api.router,
    cases.router,
    cases_api.router,
    cases_acts.router,
    cases_files.router,
    bell_api.router,
    calendar.router,
    calendar_api.router,
    wrapups.router,
    wrapups_api.router,
    subjects.router,
    subjects_api.router,
    caller_rules.router,
    caller_rules_api.router,
    announcement.router,
    announcement_api.router,
    audit.router,
    menus.router,
    gaps.router,
    pauses.router,
    pauses_api.router,
    hooks.router,
    hooks_api.router,
    hooks_status.router,
)
