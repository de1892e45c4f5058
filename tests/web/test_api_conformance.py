"""The API keeps to its own description, whatever it is asked: no 5xx, answers as described.

Requests are drawn by schemathesis from the OpenAPI, the same ones each time, and sent as a program
with a key of each kind of account.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import DataObject, data, one_of, sampled_from
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import APIOperation
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
from tests.support.desk_clock import HeldClock
from tests.support.desk_house import at_home
from tests.support.office import furnish, office_config
from tests.support.web import FIT, Desk

EXAMPLES = 20 if os.environ.get("HOTLINE_SOAK") else 3
"""Requests drawn for each operation and role."""

WITHOUT_LINE = {"no-line", "line-not-connected"}
"""What a desk without telephones answers where one is needed."""
ROLES = (
    Role.ADMINISTRATOR, Role.AGENT, Role.SUPERVISOR, Role.DIRECTOR, Role.AGENCY_OFFICER,
)  # fmt: skip
"""The first two draw all that is theirs, each other what nobody before it may do."""

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
        context = Context(at_home(office_config(), place), Database(url), lambda: FIT, clock)
        self.desk = Desk(context, clock)
        office = await furnish(context.database, context.config)
        self.known = {
            # of others than the program itself: it must not close its own account
            "account_id": [office.accounts["wanida"].id, office.accounts["dit.officer"].id],
            "person_id": office.people,
            "call_id": office.calls,
            "ticket": list(office.cases.values()),
            "number": list(office.appointments.values()),
        }
        """What stands in the office, by the name that paths give it."""
        self._keys = {}
        for role in ROLES:
            account = office.of(role)
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
        if body.get("files") is None:
            body.pop("files", None)  # drawn without any part
        else:
            parts = body["files"].items() if isinstance(body["files"], dict) else body["files"]
            body["files"] = [(name, _part(value)) for name, value in parts]
        request = httpx.Request(
            asked["method"], asked["url"],
            headers={**headers, "Authorization": f"Bearer {self._keys[role]}"}, **body,
        )  # fmt: skip
        request.read()  # what brings a file is drawn as a stream
        return self._runner.run(self._answer(request))

    def may(self, role: Role, operation: APIOperation) -> bool:
        """Whether the operation is for this role at all; the walk of routes sees to the others."""
        path = re.sub(r"\{\w+\}", "0" * 32, operation.path)
        request = httpx.Request(
            operation.method.upper(), f"http://desk.test{path}",
            headers={"Authorization": f"Bearer {self._keys[role]}"},
        )  # fmt: skip
        return self._runner.run(self._answer(request)).status_code != 403

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        async with asyncio.timeout(20):
            return await self._client.send(request)

    def close(self) -> None:
        self._runner.run(self._close())
        self._runner.close()

    async def _close(self) -> None:
        await self._client.aclose()
        await self.desk.database.close()


def _part(value: object) -> object:
    """A part of a form as httpx takes it; numbers and the like, drawn wrongly, as their text."""
    if isinstance(value, tuple):
        return (value[0], _part(value[1]), *value[2:])
    return value if isinstance(value, bytes | str) else str(value)


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    made = Program(tmp_path)
    yield made
    made.close()


def streams(operation: APIOperation) -> bool:
    """Whether its answer goes on for ever; those have tests of their own."""
    answer = operation.definition.raw.get("responses", {}).get("200", {})
    return "text/event-stream" in answer.get("content", {})


def draw(program: Program, role: Role, operation: APIOperation, codes: set[int]) -> None:
    """Sends drawn requests of one operation, right ones and wrong ones; raises on a fault."""

    @seed(1203)
    @settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(
        case=one_of(*(operation.as_strategy(generation_mode=mode) for mode in GenerationMode)),
        chosen=data(),
    )
    def one(case: schemathesis.Case, chosen: DataObject) -> None:
        for name in case.path_parameters or {}:
            if values := program.known.get(name):
                real = chosen.draw(sampled_from([None, *values, *values]), label=name)
                if real is not None:
                    case.path_parameters[name] = real
        response = program.send(role, case)
        codes.add(response.status_code)
        checks = CHECKS
        if response.status_code == 503 and response.json()["type"] in WITHOUT_LINE:
            checks = CHECKS[1:]  # this desk has no telephones, and says so
        case.validate_response(response, checks=checks)

    one()


@pytest.mark.parametrize("role", ROLES)
def test_no_request_brings_the_api_down(program: Program, role: Role) -> None:
    schema = schemathesis.openapi.from_dict(program.desk.app.openapi())
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) > 15
    wrong: dict[str, str] = {}
    answered: defaultdict[str, set[int]] = defaultdict(set)
    before = () if role in ROLES[:2] else ROLES[: ROLES.index(role)]
    for operation in operations:
        if streams(operation) or not program.may(role, operation):
            continue
        if any(program.may(other, operation) for other in before):
            continue
        try:
            draw(program, role, operation, answered[operation.label])
        except Exception as fault:
            wrong[operation.label] = str(fault)[:1500]
    assert not wrong, "\n\n".join(f"{name}\n{what}" for name, what in wrong.items())
    succeeded = sum(any(code < 300 for code in codes) for codes in answered.values())
    assert answered
    if not before:  # requests that are all refused would prove little
        assert succeeded >= 10, dict(answered)


def test_every_operation_is_drawn_by_somebody(program: Program) -> None:
    schema = schemathesis.openapi.from_dict(program.desk.app.openapi())
    operations = [found.ok() for found in schema.get_all_operations()]
    left = [
        operation.label
        for operation in operations
        if not streams(operation) and not any(program.may(role, operation) for role in ROLES)
    ]
    assert len(operations) > 150
    assert left == []
