"""The migrations add up to the tables that the program reads and writes."""

from __future__ import annotations

import asyncio
import random
import re
import subprocess
import sys

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, select, text, update

import crm_bridge.records.desk_tables  # noqa: F401  # its tables are on the metadata
from crm_bridge.figures.forms import AGENTS, FORMS, QUEUES, SURVEYS, TRANSFERS
from crm_bridge.figures.histogram import bucket
from crm_bridge.figures.levels import DAY, day_of
from crm_bridge.figures.tallies import Tallies, Tally
from crm_bridge.records import schema
from crm_bridge.records.database import Database
from crm_bridge.records.figure_tables import FIGURES, figures_state
from crm_bridge.records.figures import Figures
from crm_bridge.records.tables import metadata
from tests.support.figures import figures


def test_a_migration_is_known_by_the_name_of_its_file():
    config = Config()
    config.set_main_option("script_location", str(schema.MIGRATIONS))
    scripts = ScriptDirectory.from_config(config)
    assert schema.revisions() == [s.revision for s in scripts.walk_revisions()][::-1]
    assert schema.head() == scripts.get_current_head()


async def test_a_database_tells_its_migration_as_alembic_reads_it(database: Database):
    def ask(connection):
        return MigrationContext.configure(connection).get_current_revision()

    async with database.connection() as connection:
        assert await connection.run_sync(ask) == await schema.current(database) == schema.head()


async def test_a_bridge_whose_tables_are_right_does_without_alembic(tmp_path):
    url = f"sqlite:///{tmp_path}/x.db"
    await schema.upgrade(url)
    code = (
        "import asyncio, sys, crm_bridge.cli; from crm_bridge.records import schema;"
        f"asyncio.run(schema.upgrade({url!r})); sys.exit('alembic' in sys.modules)"
    )
    done = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", code], check=False)
    assert done.returncode == 0


async def test_the_migrations_make_the_tables(database: Database):
    def differences(connection):
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return compare_metadata(context, metadata)

    async with database.connection() as connection:
        assert await connection.run_sync(differences) == []


async def test_the_migrations_make_the_tables_to_the_letter(database, tmp_path, request):
    """What Alembic does not compare: WITHOUT ROWID, partial indexes, collations, key names."""

    def shape(connection):
        if connection.dialect.name == "sqlite":
            query = text("SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'alembic%'")
            rows = connection.execute(query).all()
            found = {}
            for name, sql in rows:
                if name.startswith("sqlite_autoindex"):
                    continue
                head, _, body = (sql or "").partition("(")
                body, _, tail = body.rpartition(")")
                # a column that was added later stands in the line of the one before it
                body = re.sub(r", (?=\w+ (?:TEXT|BIGINT|INTEGER|BOOLEAN|BLOB)\b)", "\n", body)
                lines = sorted(line.strip(" ,\t") for line in body.split("\n"))
                found[name] = (head.split(), lines, tail.strip())
            return found
        tables = inspect(connection)
        found = {}
        for name in tables.get_table_names():
            if name != "alembic_version":
                columns = [{**c, "type": repr(c["type"])} for c in tables.get_columns(name)]
                found[name] = (
                    columns,
                    tables.get_pk_constraint(name),
                    tables.get_foreign_keys(name),
                    sorted(map(str, tables.get_indexes(name))),
                )
        return found

    async with database.connection() as connection:
        migrated = await connection.run_sync(shape)
    async with database.writing() as connection:
        await connection.run_sync(metadata.drop_all)
        await connection.run_sync(metadata.create_all)
    async with database.connection() as connection:
        assert await connection.run_sync(shape) == migrated


async def back_to_0018(connection):
    for form in FORMS:
        if form.of is not None:
            await connection.execute(text(f"DROP TABLE {form.name}"))
        if form.index:
            await connection.execute(text(f"DROP INDEX ix_{form.name}_{form.index[0]}"))
        if form.of is None:
            added = text(f"DELETE FROM {form.name} WHERE level IN ('dekad', 'year')")  # 0021, 0031
            await connection.execute(added)
    await connection.execute(text("DROP TABLE call_back_wishes"))  # 0020
    await connection.execute(text("DROP TABLE announcements"))  # 0022
    await connection.execute(text("DROP TABLE caller_rules"))  # 0024
    await connection.execute(text("DROP TABLE figures_surveys"))  # 0023
    await connection.execute(text("DROP TABLE figures_waits_told"))  # 0032
    for table in ("recording_listens", "voicemails", "recordings"):  # 0025
        await connection.execute(text(f"DROP TABLE {table}"))
    await connection.execute(text("DROP TABLE call_back_tries"))  # 0027
    for table in ("audit_log", "audit_cuts", "doomed_files"):  # 0030, 0033
        await connection.execute(text(f"DROP TABLE {table}"))
    for table in ("book_places", "line_gaps"):  # 0034
        await connection.execute(text(f"DROP TABLE {table}"))
    await connection.execute(text("DROP INDEX ix_gaps_started_us"))
    await connection.execute(text("ALTER TABLE persons DROP COLUMN heard_us"))  # 0035
    if connection.dialect.name == "postgresql":
        await connection.execute(text("DROP FUNCTION audit_guard()"))
    await connection.execute(text("UPDATE alembic_version SET version_num = '0018'"))


async def test_sums_that_a_migration_makes_are_those_of_counting(database: Database):
    """0019 makes the forms of all officers, agencies and cases of what is counted already, and
    0021 and 0031 dekads and years."""
    sums = [form for form in FORMS if form.of is not None]
    many = {form: None for form in FORMS if form.of is None and "year" in form.levels}
    del many[SURVEYS]  # 0023: there was nothing of them before
    found, chance = Tallies(), random.Random(1203)
    for form in {form.of: None for form in sums} | many:
        for n in range(60):
            at = day_of(1_790_730_000_000_000) + chance.randrange(50) * DAY
            key = (at, *(chance.choice(("", "a", "b")) for _ in form.keys))
            spans = [{bucket(chance.randrange(9) * 100_000): 1} for _ in form.spans]
            found.at(form, key).add(Tally([1] + [n] * (len(form.counts) - 1), spans))
    async with database.writing() as connection:
        await connection.run_sync(lambda c: Figures(c.dialect).apply(c, found))
    counted = await figures(database)
    assert all(counted[form.name] for form in (*sums, *many))
    async with database.writing() as connection:
        await back_to_0018(connection)
        await connection.execute(
            text("INSERT INTO figures_added (kind, id, tallies) VALUES ('case', '1', :told)"),
            {"told": '[["figures_hours",[9,"036","q","s","t"],[1,0,0,0,0,0],[]]]'},
        )
    await schema.upgrade(database)
    made = await figures(database)
    ((_, _, told),) = made.pop("figures_added")
    assert told == '[["figures_hours",[9,"t","s","q","036"],[1,0,0,0,0,0],[]]]'
    assert made == {name: rows for name, rows in counted.items() if name != "figures_added"}


@pytest.mark.parametrize(
    ("form", "span"),
    [(TRANSFERS, "whole"), (AGENTS, "handled"), (QUEUES, "answered_after")],
    ids=["0019", "0021", "0031"],
)
async def test_figures_that_are_damaged_are_counted_anew_by_a_migration(
    database: Database, form, span
):
    found, nothing = Tallies(), [0] * (len(form.counts) - 1)
    spans = [{1: 1}, *({} for _ in form.spans[1:])]
    found.at(form, (0, *("x" for _ in form.keys))).add(Tally([1, *nothing], spans))
    async with database.writing() as connection:
        await connection.run_sync(lambda c: Figures(c.dialect).apply(c, found))
        await connection.execute(update(FIGURES[form]).values({span: b"cut"}))
        await back_to_0018(connection)
    await schema.upgrade(database)
    assert not any((await figures(database)).values())
    async with database.reading() as connection:
        (state,) = (await connection.execute(select(figures_state))).all()
    assert (state.whole, state.walked_id) == (0, None)
