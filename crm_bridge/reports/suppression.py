"""Which counts of a table are not published: the small ones, and those that would give them away.

A table with its totals is seen as water that runs in a circle: every count is an edge between two
nodes, and what comes into a node goes out of it (a month's calls come in as the month's total and
go out as the calls of each service). Who reads the table knows the published edges. A withheld one
can be computed from them just when it cannot be one more or one less: when no circle of withheld
edges leads back to its beginning. So, until none can be computed, the cheapest circle through one
that can is withheld too.

Zero says nothing of anybody and is published; who reads knows that what is withheld is not zero.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Hashable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Generic, TypeVar

from crm_bridge.reports.sheets import WITHHELD, Cell, Column, Kind, Sheet

SMALLEST: Final = 5
"""A count of people or calls below it is not published."""

Key = TypeVar("Key", bound=Hashable)
Node = Hashable


@dataclass(frozen=True, slots=True)
class Edge:
    """One count: it flows from a node to another."""

    tail: Node
    head: Node
    count: int


def withheld(edges: Mapping[Key, Edge], unpublished: Collection[Key] = ()) -> frozenset[Key]:
    """The keys of the counts that are not to be published.

    What flows into a node must flow out of it. `unpublished`: edges that are shown nowhere; they
    complete the circle, protect what they can, and are not named in the answer.
    """
    return frozenset(_Net(edges, frozenset(unpublished)).found())


def published(sheet: Sheet) -> Sheet:
    """The sheet as it may be published: small counts withheld, with what would give them away.

    Sums across columns are those that the sheet names; a share, span or number of a row of which a
    count is withheld is withheld too. Nothing leads to a call any more.
    """
    edges: dict[tuple[Any, ...], Edge] = {}
    places = {column.id: n for n, column in enumerate(sheet.columns)}
    totals = {total for total, _ in sheet.sums}
    within = {part: total for total, parts in sheet.sums for part in parts}
    together: dict[str, int] = {}
    for n, row in enumerate(sheet.rows):
        for column in sheet.columns:
            count = _bare(row[places[column.id]])
            if not column.suppressible or not isinstance(count, int):
                continue
            whole = within.get(column.id)
            alone = whole is None and column.id not in totals
            tail: Node = (n, whole) if whole else "all"
            head: Node = (n, column.id) if column.id in totals else "all"
            if alone:  # shares, or what is published elsewhere, tell all rows together
                head = ("together", column.id)
                together[column.id] = together.get(column.id, 0) + count
            edges[n, column.id] = Edge(tail, head, count)
    for name, count in together.items():
        edges["together", name] = Edge(("together", name), "all", count)
    hidden = withheld(edges, {key for key in edges if key[0] == "together"})
    rows = []
    for n, row in enumerate(sheet.rows):
        small = any((n, column.id) in hidden for column in sheet.columns)
        rows.append(
            tuple(
                WITHHELD
                if (n, column.id) in hidden or (small and _derived(column, value))
                else _unlinked(value)
                for column, value in zip(sheet.columns, row, strict=True)
            )
        )
    return replace(sheet, rows=tuple(rows))


def _derived(column: Column, value: Any) -> bool:
    kinds = {Kind.SHARE, Kind.SPAN, Kind.NUMBER}
    counted = column.kind is Kind.COUNT and not column.suppressible
    return (column.kind in kinds or counted) and _bare(value) is not None


def _bare(value: Any) -> Any:
    return value.value if isinstance(value, Cell) else value


def _unlinked(value: Any) -> Any:
    return replace(value, href=None) if isinstance(value, Cell) else value


class _Net(Generic[Key]):
    """The counts of one table, some of them withheld."""

    def __init__(self, edges: Mapping[Key, Edge], unpublished: frozenset[Key]) -> None:
        self._edges = edges
        self._unpublished = unpublished
        self._hidden = {k for k, e in edges.items() if 0 < e.count < SMALLEST} - unpublished
        self._at: dict[Node, list[tuple[Key, bool]]] = {}
        for key, edge in edges.items():
            self._at.setdefault(edge.tail, []).append((key, True))
            self._at.setdefault(edge.head, []).append((key, False))

    def found(self) -> set[Key]:
        """The keys to withhold."""
        looked_at: set[Key] = set()
        while left := sorted(self._hidden - looked_at, key=repr):
            for key in left:
                self._hidden |= self._circle(key)
                looked_at.add(key)
        return self._hidden

    def _circle(self, key: Key) -> set[Key]:
        """What more must be withheld so that this one can be another number; mostly nothing."""
        edge = self._edges[key]
        ways = [self._path(edge.head, edge.tail, key)]  # one more of it comes back
        if edge.count > 1:
            ways.append(self._path(edge.tail, edge.head, key))  # one less goes another way
        _, path = min(ways, key=lambda way: way[0])
        return set(path) - self._unpublished

    def _path(self, begin: Node, end: Node, without: Key) -> tuple[float, list[Key]]:
        """The cheapest way for one more of the flow; infinite where there is none."""
        best: dict[Node, float] = {begin: 0.0}
        came: dict[Node, tuple[Node, Key]] = {}
        heap: list[tuple[float, int, Node]] = [(0.0, 0, begin)]
        order = 0
        while heap:
            cost, _, node = heapq.heappop(heap)
            if node == end:
                break
            if cost > best[node]:
                continue
            for key, further in self._steps(node, without):
                price = cost + self._price(key)
                if price < best.get(further, float("inf")):
                    best[further] = price
                    came[further] = node, key
                    order += 1
                    heapq.heappush(heap, (price, order, further))
        if end not in best:
            return float("inf"), []
        path = []
        node = end
        while node != begin:
            node, key = came[node]
            path.append(key)
        return best[end], path

    def _steps(self, node: Node, without: Key) -> Iterator[tuple[Key, Node]]:
        for key, out in self._at[node]:
            edge = self._edges[key]
            if key == without or (edge.count == 0 and key not in self._unpublished):
                continue
            least = 0 if key in self._unpublished else 1
            if out:
                yield key, edge.head
            elif edge.count > least:
                yield key, edge.tail

    def _price(self, key: Key) -> float:
        if key in self._hidden or key in self._unpublished:
            return 0.0
        return float(self._edges[key].count)
