"""A TCP proxy that can be cut: an AMI client behind it loses its connection at will."""

from __future__ import annotations

import asyncio
import contextlib


class Proxy:
    """Listens at `address`:`port` and passes everything to and from `server`:`port`."""

    def __init__(self, address: str, server: str, port: int) -> None:
        self.address = address
        self.port = port
        self._server = server
        self._listener: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._mended = asyncio.Event()
        self._mended.set()

    async def open(self) -> None:
        """Begins to listen."""
        self._listener = await asyncio.start_server(self._serve, self.address, self.port)

    async def close(self) -> None:
        """Ends every connection and stops to listen."""
        self.cut()
        if self._listener is not None:
            self._listener.close()
            await self._listener.wait_closed()

    def cut(self) -> None:
        """Breaks every connection; new ones are dropped until `mend`."""
        self._mended.clear()
        for writer in self._writers:
            writer.transport.abort()

    def mend(self) -> None:
        """Lets connections through again."""
        self._mended.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        far: asyncio.StreamWriter | None = None
        try:
            if self._mended.is_set():
                far_reader, far = await asyncio.open_connection(self._server, self.port)
                self._writers.add(far)
                await asyncio.gather(_pass(reader, far), _pass(far_reader, writer))
        except OSError:
            pass  # Asterisk is down, or one side went away: both are closed below
        finally:
            for end in (writer, far):
                if end is not None:
                    self._writers.discard(end)
                    end.close()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()
