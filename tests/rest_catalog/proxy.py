"""A proxy before a REST catalog that loses answers, by a plan; all else it forwards. On loopback.

A commit is passed on to the real server first, unless its fate is to be lost on the way; what then
happens to the answer is the next entry of the plan. So a commit may have been made whatever its
sender sees.
"""

import http.client
import socket
import struct
import threading
from collections.abc import Iterator
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit


class Fate(StrEnum):
    """What becomes of a commit and its answer."""

    FINE = "fine"
    RESET = "reset"
    """Made; the connection is reset."""
    CLOSED = "closed"
    """Made; the connection is closed without a word."""
    HALF = "half"
    """Made; the connection ends in the middle of the answer."""
    SILENT = "silent"
    """Made; nothing is said until the sender gives up."""
    LOST = "lost"
    """Not made: the connection is reset before the server hears of it."""
    UNMADE = "unmade"
    """Not made, and answered 503."""
    LATE = "late"
    """Answered 504, and made a moment later."""
    FAILED_500 = "500"
    FAILED_502 = "502"
    FAILED_503 = "503"
    FAILED_504 = "504"
    """Made, and answered with this."""


LATE_SECONDS = 0.05


def plan(seed: int) -> Iterator[Fate]:
    """Fates without end, every second one of which is fine."""
    chance = Random(seed)
    bad = [fate for fate in Fate if fate is not Fate.FINE]
    while True:
        yield chance.choice(bad) if chance.random() < 0.5 else Fate.FINE


class Proxy:
    """A proxy on a port of this machine alone. Use it as a context."""

    def __init__(self, url: str, fates: Iterator[Fate]) -> None:
        parts = urlsplit(url)
        self.target = (parts.hostname or "", parts.port or 80)
        self.fates = fates
        self.met: list[Fate] = []
        self.is_over = threading.Event()
        self._lock = threading.Lock()
        outer = self

        class Handler(_Handler):
            proxy = outer

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def next_fate(self) -> Fate:
        with self._lock:
            fate = next(self.fates, Fate.FINE)
            self.met.append(fate)
            return fate

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.is_over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    proxy: Proxy
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""

    def do_GET(self) -> None:
        self._answer(*self._forward(b""))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        is_commit = b'"requirements"' in body
        self._meet(self.proxy.next_fate() if is_commit else Fate.FINE, body)

    def _meet(self, fate: Fate, body: bytes) -> None:
        if fate is Fate.LOST:
            self._reset()
            return
        if fate is Fate.UNMADE:
            self._answer(503, b"")
            return
        if fate is Fate.LATE:
            late = threading.Timer(LATE_SECONDS, self._forward, (body,))
            late.daemon = True
            late.start()
            self._answer(504, b"")
            return
        status, content = self._forward(body)
        if fate is Fate.RESET:
            self._reset()
        elif fate is Fate.CLOSED:
            self.close_connection = True
        elif fate is Fate.HALF:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
            self.close_connection = True
        elif fate is Fate.SILENT:
            self.proxy.is_over.wait(5)
            self.close_connection = True
        elif fate is Fate.FINE:
            self._answer(status, content)
        else:
            self._answer(int(fate), b'{"error": {"message": "the proxy says so"}}')

    def _forward(self, body: bytes) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(*self.proxy.target, timeout=60)
        try:
            headers = {"Content-Type": "application/json"} if body else {}
            connection.request(self.command, self.path, body=body or None, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def _answer(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _reset(self) -> None:
        """End the connection with RST: its buffers are thrown away."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()
