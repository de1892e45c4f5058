"""The features of the desk: each a folder with its routes; added here, served by `app.py`."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from crm_bridge.web.accounts import api as accounts_api
from crm_bridge.web.accounts import routes as accounts
from crm_bridge.web.signin import oidc, own
from crm_bridge.web.signin import routes as signin

ROUTERS: Final[tuple[APIRouter, ...]] = (
    signin.router,
    own.router,
    oidc.router,
    accounts.router,
    accounts_api.router,
)
