"""Start the chat model when it is asked, pass requests on to it, and end it when it idles."""

import asyncio
import secrets
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx

from roadworthy.core.errors import Busy, Unavailable
from roadworthy.gateway.engine.catalogue import ChatModel
from roadworthy.gateway.engine.weights import verified
from roadworthy.gateway.protocol import JsonObject

IDLE_S = 300.0
MOST_WAITING = 8  # requests; the model answers one at a time

_START_S = 60.0
_ANSWER_S = 600.0
_DYING_S = 1.0


class Chat:
    """The chat model's process. At most one runs, and none before the first request."""

    def __init__(self, model: ChatModel, *, threads: int, idle_s: float = IDLE_S) -> None:
        self._model = model
        self._threads = threads
        self._idle_s = idle_s
        self._process: asyncio.subprocess.Process | None = None
        self._client: httpx.AsyncClient | None = None
        self._starting: asyncio.Task[httpx.AsyncClient] | None = None
        self._changing = asyncio.Lock()
        self._active = 0
        self._used_at = time.monotonic()

    @property
    def is_running(self) -> bool:
        """Tell whether the model holds memory."""
        return self._process is not None and self._process.returncode is None

    @asynccontextmanager
    async def answer(self, body: JsonObject) -> AsyncIterator[httpx.Response]:
        """Pass a request on; the response comes as it is made. Leaving early stops the model.

        Raises:
            Busy: too many requests wait already.
            Unavailable: the model's process does not start, or died.
        """
        if self._active >= MOST_WAITING:
            raise Busy(
                "the local chat model has too many requests waiting; try again in a moment",
                waiting=self._active,
            )
        self._active += 1
        try:
            response = await self._asked(body)
            try:
                yield response
            finally:
                await response.aclose()
        except httpx.HTTPError as error:
            raise Unavailable(
                "the local chat model broke off; the next request starts it again",
                model=self._model.name,
            ) from error
        finally:
            self._active -= 1
            self._used_at = time.monotonic()

    async def unload_when_idle(self) -> None:
        """End the process whenever nobody has asked for a while; runs until cancelled."""
        while True:
            await asyncio.sleep(min(self._idle_s / 4, 15.0))
            async with self._changing:  # a request that comes now starts it again
                if self.is_running and self._is_idle():
                    await self.close()

    async def close(self) -> None:
        """End the process, if it runs."""
        if self._process is not None:
            # It holds nothing worth saving, and a generation under way would delay its end.
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
            self._process = None
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    def _is_idle(self) -> bool:
        return not self._active and time.monotonic() - self._used_at > self._idle_s

    async def _asked(self, body: JsonObject) -> httpx.Response:
        """Send a request, once more if the process turns out to be dead."""
        try:
            return await self._sent(body)
        except httpx.TransportError:
            if not await self._has_died():
                raise
        return await self._sent(body)

    async def _sent(self, body: JsonObject) -> httpx.Response:
        client = await self._started()
        request = client.build_request("POST", "/v1/chat/completions", json=body)
        return await client.send(request, stream=True)

    async def _has_died(self) -> bool:
        # The connection breaks before the system tells that the process ended.
        if self._process is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_DYING_S):
                    await self._process.wait()
        return not self.is_running

    async def _started(self) -> httpx.AsyncClient:
        if self._starting is None or self._starting.done():
            self._starting = asyncio.create_task(self._start_unless_running())
        # Who leaves does not end it: others wait for it too, or come soon.
        return await asyncio.shield(self._starting)

    async def _start_unless_running(self) -> httpx.AsyncClient:
        async with self._changing:
            if self._client is None or not self.is_running:
                await self.close()
                await self._start()
            assert self._client is not None
            return self._client

    async def _start(self) -> None:
        path = await asyncio.to_thread(verified, self._model.weights)
        key = secrets.token_urlsafe()
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "roadworthy.gateway.engine.chat_process"),
            *(str(path), str(self._model.context_tokens), str(self._threads)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        self._process = process
        assert process.stdin is not None
        process.stdin.write(f"{key}\n".encode())
        self._client = httpx.AsyncClient(
            base_url=await self._address(process),
            headers={"authorization": f"Bearer {key}"},
            timeout=httpx.Timeout(_ANSWER_S, connect=5.0),
            trust_env=False,
        )

    async def _address(self, process: asyncio.subprocess.Process) -> str:
        assert process.stdout is not None
        line = b""
        with suppress(TimeoutError):
            async with asyncio.timeout(_START_S):
                line = await process.stdout.readline()
        if not line.startswith(b"http://127.0.0.1:"):
            await self.close()
            raise Unavailable(
                "the local chat model does not start; it needs about 300 MB of free memory",
                model=self._model.name,
            )
        return line.decode().strip()
