"""Makes, once a machine, what the real CRMs of the tests need; for `make test` before its tests."""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from ivr.lab.root import NoRoot
from tests.support.crms.odoo import placed
from tests.support.crms.rt import rt_root


def main() -> None:
    """Makes the Debian roots with Odoo and RT, side by side, and Odoo's first database."""
    makers: tuple[Callable[[], object], ...] = (lambda: rt_root(_say), _odoo)
    with ThreadPoolExecutor(len(makers)) as pool:
        made = [pool.submit(make) for make in makers]
    try:
        for one in made:
            one.result()
    except NoRoot as error:
        sys.exit(str(error))


def _odoo() -> None:
    with placed(_say):
        pass


def _say(text: str) -> None:
    sys.stdout.write(f"\r\033[K{text}" if sys.stdout.isatty() else f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
