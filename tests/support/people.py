"""People for the tests: a clock that stands, an account, persons made in one line."""

from __future__ import annotations

from dataclasses import dataclass

from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.people import persons
from tests.support.records import SECOND, START

AGENT = Account("a1", "somying", "สมหญิง", "Somying", Role.AGENT)
SUPERVISOR = Account("s1", "head", "หัวหน้า", "Head", Role.SUPERVISOR)
ADMINISTRATOR = Account("d1", "admin", "ผู้ดูแล", "Admin", Role.ADMINISTRATOR)


@dataclass
class Held:
    """A clock that stands until told otherwise."""

    at: int = START

    def now_us(self) -> int:
        return self.at

    def monotonic(self) -> float:
        return self.at / SECOND

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nothing here waits")


async def person(database, name=None, *numbers, clock=None, **fields):
    """A new person, saved."""
    async with database.writing() as connection:
        return await persons.create(
            connection, clock or Held(), AGENT, fields={"name": name, **fields}, numbers=numbers
        )
