"""Server-sent events as a route gives them out and describes them."""

from __future__ import annotations

from typing import Any, Final

from fastapi.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

EVENTS: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"text/event-stream": {}}, "description": "events until the session ends"}
}
"""What OpenAPI says of the answer."""


class Streamed(Response):
    """Lets a stream stand where FastAPI wants a response."""

    def __init__(self, stream: ASGIApp) -> None:
        super().__init__()
        self._stream = stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hands the request on to the stream."""
        await self._stream(scope, receive, send)
