"""The migrations add up to the tables that the program reads and writes."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from crm_bridge.records.database import Database
from crm_bridge.records.tables import metadata


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
