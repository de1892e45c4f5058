"""Rows of a table that are made as they are read."""

from __future__ import annotations

import pickle

from crm_bridge.reports.sheets import Column, Kind, Rows, Sheet
from crm_bridge.web.figures.view import body_of


def sheet(made):
    def row(n):
        made.append(n)
        return (f"officer {n}", n)

    columns = (
        Column("agent", ("เจ้าหน้าที่", "Officer"), Kind.TEXT),
        Column("handled", ("รับ", "Took")),
    )
    return Sheet("officers", ("เจ้าหน้าที่", "Officers"), columns, Rows(range(300), row), on_page=2)


def test_a_page_makes_the_rows_that_it_shows_and_no_other():
    made = []
    shown = sheet(made)
    body = body_of(shown, "en")
    assert made == [0, 1]
    assert body.count("<tr>") == 2
    assert "officer 1<" in body
    assert (len(shown.rows), shown.rows[299]) == (300, ("officer 299", 299))


def test_a_process_that_prints_them_is_given_all():
    given = pickle.loads(pickle.dumps(sheet([])))
    assert given.rows == tuple((f"officer {n}", n) for n in range(300))
