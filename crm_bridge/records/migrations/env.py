"""Alembic's entry: runs on the connection that `schema.py` hands over, never on one of its own."""

from __future__ import annotations

from alembic import context

import crm_bridge.records.desk_tables  # its tables are on the metadata
import crm_bridge.records.figure_tables  # noqa: F401  # and these
from crm_bridge.records.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
