"""What holds for every test."""

import os
from collections.abc import AsyncIterator

import pytest
from hypothesis import Phase, settings

from tests.support.fake_ami import FakeAmi
from tests.support.passwords import hash_quickly

# Speed is measured in benchmarks/: on a shared machine a slow example is no fault. Explaining a
# failure traces every line of every example before there is one, where Python is older than 3.12.
# `make test` draws the same examples each time, so that what fails there was broken by the change
# under test; `make soak` draws new ones.
settings.register_profile(
    "hotline",
    deadline=None,
    phases=[phase for phase in Phase if phase is not Phase.explain],
    derandomize=not os.environ.get("HOTLINE_SOAK"),
)
settings.load_profile("hotline")

hash_quickly()


@pytest.fixture
async def ami() -> AsyncIterator[FakeAmi]:
    """A server that speaks AMI and says what a test wants; no Asterisk."""
    server = FakeAmi()
    await server.start()
    yield server
    await server.stop()
