"""A small real HTTP server that is told by webhooks, and fails when it is told to."""

import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HANG, ENDLESS = -1, -2  # instead of a status: say nothing; 200, and a body without end


@dataclass(frozen=True, kw_only=True)
class Told:
    """A request that came."""

    path: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes


@dataclass(kw_only=True)
class Receiver:
    """Says 204 unless something is planned."""

    origin: str
    plan: deque[int] = field(default_factory=deque)  # statuses of the next requests, in order
    told: list[Told] = field(default_factory=list)
    came: threading.Event = field(default_factory=threading.Event)
    let_go: threading.Event = field(default_factory=threading.Event)


@contextmanager
def running_receiver() -> Iterator[Receiver]:
    """Run it for a block."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.told.append(Told(path=self.path, headers=headers, body=body))
            status = receiver.plan.popleft() if receiver.plan else 204
            receiver.came.set()
            if status == HANG:
                receiver.let_go.wait(timeout=30)
                return
            self.send_response(max(200, status))
            if status // 100 == 3:
                self.send_header("location", f"{receiver.origin}/elsewhere")
            self.end_headers()
            while status == ENDLESS and not receiver.let_go.is_set():
                self.wfile.write(b"on and on " * 1_000)

        def handle(self) -> None:
            with suppress(ConnectionError):  # the sender has heard enough
                super().handle()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        receiver = Receiver(origin=f"http://127.0.0.1:{server.server_port}")
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield receiver
        finally:
            receiver.let_go.set()
            server.shutdown()
