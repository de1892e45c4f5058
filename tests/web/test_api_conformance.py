"""The API keeps to its own description, whatever it is asked: no 5xx, answers as described.

Requests are drawn by schemathesis from the OpenAPI, the same ones each time, and sent as a program
with a key of each kind of account.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from crm_bridge.access import tokens
from crm_bridge.access.roles import Role
from crm_bridge.records.database import Database
from crm_bridge.records.schema import upgrade
from crm_bridge.web.context import Context
from tests.support.scenario import config_of
from tests.support.web import FIT, Desk, HeldClock

EXAMPLES = 6
"""Requests drawn for each operation and role."""

ROLES = (Role.ADMINISTRATOR, Role.AGENT)

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


class Program:
    """A program with a key of each role, on a desk of its own; one loop for everything."""

    def __init__(self, place: Path) -> None:
        self._runner = asyncio.Runner()
        self._runner.run(self._open(place))

    async def _open(self, place: Path) -> None:
        url = f"sqlite:///{place / 'desk.db'}"
        await upgrade(url)
        clock = HeldClock()
        self.desk = Desk(Context(config_of("ours"), Database(url), lambda: FIT, clock), clock)
        self._keys = {}
        for role in ROLES:
            account = await self.desk.account(role, f"{role.value}.program")
            async with self.desk.database.writing() as connection:
                _, key = await tokens.issue(connection, clock, account, "draw", ("write",))
            self._keys[role] = key
        self._client = await self.desk.browser()

    def send(self, role: Role, case: schemathesis.Case) -> httpx.Response:
        """Sends one drawn request as this role."""
        asked = case.as_transport_kwargs(base_url="http://desk.test")
        asked.pop("cookies", None)
        headers = {k: v for k, v in asked.pop("headers").items() if k.lower() != "authorization"}
        body = {k: v for k, v in asked.items() if k in {"json", "data", "files", "params"}}
        if isinstance(body.get("data"), bytes | str):
            body["content"] = body.pop("data")
        request = self._client.build_request(
            asked["method"], asked["url"],
            headers={**headers, "Authorization": f"Bearer {self._keys[role]}"}, **body,
        )  # fmt: skip
        return self._runner.run(self._answer(request))

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        async with asyncio.timeout(20):
            return await self._client.send(request)

    def close(self) -> None:
        self._runner.run(self._close())
        self._runner.close()

    async def _close(self) -> None:
        await self._client.aclose()
        await self.desk.database.close()


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    made = Program(tmp_path)
    yield made
    made.close()


def streams(operation: schemathesis.schemas.APIOperation) -> bool:
    """Whether its answer goes on for ever; those have tests of their own."""
    answer = operation.definition.raw.get("responses", {}).get("200", {})
    return "text/event-stream" in answer.get("content", {})


@pytest.mark.parametrize("role", ROLES)
def test_no_request_brings_the_api_down(program: Program, role: Role) -> None:
    schema = schemathesis.openapi.from_dict(program.desk.app.openapi())
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) > 15
    wrong: dict[str, str] = {}
    for operation in operations:
        if streams(operation):
            continue

        @seed(1203)
        @settings(
            max_examples=EXAMPLES,
            derandomize=False,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def draw(case: schemathesis.Case) -> None:
            response = program.send(role, case)
            case.validate_response(response, checks=CHECKS)

        try:
            draw()
        except Exception as fault:
            wrong[operation.label] = str(fault)[:1500]
    assert not wrong, "\n\n".join(f"{name}\n{what}" for name, what in wrong.items())
