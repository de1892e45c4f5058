"""Makes, once a machine, what the real CRMs of the tests need; for `make test` before its tests."""

from __future__ import annotations

import sys

from ivr.lab.root import NoRoot
from tests.support.crms.odoo import placed
from tests.support.crms.rt import rt_root


def main() -> None:
    """Makes the Debian roots with Odoo and RT, and Odoo's first database."""
    try:
        rt_root(_say)
        with placed(_say):
            pass
    except NoRoot as error:
        sys.exit(str(error))


def _say(text: str) -> None:
    sys.stdout.write(f"\r\033[K{text}" if sys.stdout.isatty() else f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
