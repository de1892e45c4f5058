"""What happens on the floor, as server-sent events for one supervisor's page.

| event | data |
|---|---|
| `state` | everything: `rows` (extension → HTML, in order), `queues`, `mine`, `now` |
| `floor` | `rows` that are another than before, `order` of all, `queues`, `mine` |
| `now`, `ended` | as on the desk |

`mine` is the page's own telephone: where the supervisor sits, and whose call it is at.
"""

from __future__ import annotations

from crm_bridge.desk.seats import account_topic
from crm_bridge.live.hub import Happening, Listener
from crm_bridge.web.agent.screen import sse
from crm_bridge.web.agent.stream import DeskStream
from crm_bridge.web.supervision.floor_view import FLOOR
from crm_bridge.web.supervision.mine import floor_view, mine


class FloorStream(DeskStream):
    """One page's stream; an ASGI response."""

    def _listen(self, last_id: str | None) -> Listener:
        topics = [FLOOR, account_topic(self._account.id)]
        if self._session_id is not None:
            topics.append(f"session:{self._session_id}")
        if self._listener is not None:
            self._listener.close()
        self._sent: dict[str, str] = {}
        # the whole floor is small: who comes back is given it afresh
        self._listener = self._held.hub.listen(topics)
        return self._listener

    def _state(self) -> bytes:
        made = floor_view(self._held).made(self._lang)
        self._sent = dict(made.rows)
        data = {
            "rows": list(made.rows.items()),
            "queues": made.queues,
            "mine": mine(self._held, self._account, self._lang),
            "now": self._held.clock.now_us() // 1000,
        }
        return sse("state", data)

    def _told(self, happening: Happening) -> bytes:
        if happening.kind not in (FLOOR, "seat"):
            return b""
        made = floor_view(self._held).made(self._lang)
        changed = {ext: html for ext, html in made.rows.items() if self._sent.get(ext) != html}
        self._sent = dict(made.rows)
        data = {
            "rows": changed,
            "order": list(made.rows),
            "queues": made.queues,
            "mine": mine(self._held, self._account, self._lang),
        }
        return sse("floor", data)
