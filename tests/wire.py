"""A wire to a server that can be cut, or hang: it then takes what is said, and says nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

SIZE = 65_536


class Wire:
    """Relays TCP to a server from a port of its own on loopback."""

    def __init__(self, host: str, port: int) -> None:
        self._to = (host, port)
        self._flows = asyncio.Event()
        self._flows.set()
        self._server: asyncio.Server | None = None
        self._relaying: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self.port = 0

    async def lay(self) -> None:
        """Listen, on the same port each time."""
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    @asynccontextmanager
    async def hung(self) -> AsyncIterator[None]:
        """Take connections and what comes over them for a block, and hand it on only then."""
        self._flows.clear()
        try:
            yield
        finally:
            self._flows.set()

    @asynccontextmanager
    async def cut(self) -> AsyncIterator[None]:
        """Reset all connections, and refuse more, for a block."""
        await self.close()
        try:
            yield
        finally:
            await self.lay()

    async def close(self) -> None:
        """Reset all connections; nobody listens any more."""
        assert self._server is not None
        self._server.close()
        relaying = dict(self._relaying)
        for task, writer in relaying.items():
            writer.transport.abort()
            task.cancel()
        await asyncio.gather(*relaying, return_exceptions=True)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._relaying[task] = writer
        try:
            answers, requests = await asyncio.open_connection(*self._to)
            try:
                await self._both_ways((reader, requests), (answers, writer))
            finally:
                requests.transport.abort()
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            del self._relaying[task]
            writer.transport.abort()

    async def _both_ways(self, *ways: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
        """Relay until one end hangs up."""
        pumps = [asyncio.create_task(self._pump(*way)) for way in ways]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(SIZE):
            await self._flows.wait()
            writer.write(data)
            await writer.drain()


@asynccontextmanager
async def wired(host: str, port: int) -> AsyncIterator[Wire]:
    """Lay a wire for a block."""
    wire = Wire(host, port)
    await wire.lay()
    try:
        yield wire
    finally:
        await wire.close()
