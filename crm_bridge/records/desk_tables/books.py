"""Tables of what was not heard of a line, and of how far Asterisk's books are read."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Table, Text

from crm_bridge.records.tables import metadata

book_places = Table(
    "book_places",
    metadata,
    Column("node", Text, primary_key=True),
    Column("since_us", BigInteger, nullable=False),
    Column("cel", Text),
    Column("queue_log", Text),
    Column("read_us", BigInteger, nullable=False),
)
"""How far each node's books were compared with the records: `ivr.books.tail.Place` as text.
`since_us`: calls that entered before it are older than this bridge and are not looked at."""

line_gaps = Table(
    "line_gaps",
    metadata,
    Column("node", Text, primary_key=True),
    Column("started_us", BigInteger, primary_key=True, autoincrement=False),
    Column("ended_us", BigInteger),
    Column("cause", Text, nullable=False),
    Column("read_us", BigInteger),
)
"""Each span in which nothing was heard of a node, calls or none. `cause`: `stopped` (the bridge did
not run), `link`, `full` (events came faster than they could be taken), `asterisk` (it was started
anew). `read_us`: when the books were read over it; null where none could be."""
