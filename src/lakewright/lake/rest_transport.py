"""How a question reaches a REST catalog, and what is known of one that got no answer.

A process that may use the network sends it over HTTP; the child that reads files may not, and has
its parent send it. Either way the answer tells three things apart: the server's own words, a
question that was never sent, and one that was sent and to which nothing came back. Nothing is sent
twice but what changes nothing.
"""

import base64
import http.client
import json
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import SplitResult, urlencode, urlsplit

TIMEOUT_SECONDS = 60.0
"""How long a server may take to say anything: a commit of many tables takes some seconds."""

_IDLE_SECONDS_MAX = 4.0
"""A connection that lay idle longer is made anew: servers close theirs, after 5 seconds and more,
and what is sent at that moment gets no answer."""

_ANSWER_BYTES_MAX = 256 * 2**20
_UNAUTHORIZED = 401


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One question."""

    method: str
    path: str
    """Below the catalog's URL, quoted."""
    query: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    """JSON; empty: none."""
    etag: str = ""
    """Of what is known already: the server may answer 304 for it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What came back, or why nothing did."""

    status: int = 0
    """HTTP's; 0: there was no answer."""
    body: str = ""
    etag: str = ""
    is_sent: bool = True
    """Whether the server may have received the question."""
    why: str = ""
    """Why there was no answer."""


class Transport(Protocol):
    """Carries questions to a catalog's server."""

    def send(self, request: Request) -> Answer:
        """Ask, and wait for the answer, which may be that there is none."""

    def close(self) -> None:
        """Let go of the connection."""


class Credentials:
    """What proves to the server who asks: a token, or what a token is got for."""

    def __init__(
        self, token: str = "", credential: str = "", url: str = "", scope: str = ""
    ) -> None:
        """`credential`: `CLIENT:SECRET`, for which the OAuth2 server at `url` gives tokens."""
        self._token = token
        self._credential = credential
        self._url = url
        self._scope = scope

    def headers(self, timeout_seconds: float) -> Mapping[str, str]:
        """What to send with each question.

        Raises:
            OSError: the server that gives tokens cannot be reached, or refuses.
        """
        if self._credential and not self._token:
            self._token = self._fetch(timeout_seconds)
        return {"Authorization": f"Bearer {self._token}"} if self._token else {}

    def forget(self) -> bool:
        """Drop a token that was refused; whether another can be had."""
        if self._credential:
            self._token = ""
        return bool(self._credential)

    def _fetch(self, timeout_seconds: float) -> str:
        parts = urlsplit(self._url)
        name, _, secret = self._credential.rpartition(":")
        basic = base64.b64encode(f"{name}:{secret}".encode()).decode("ascii")
        form = {"grant_type": "client_credentials", "scope": self._scope or "catalog"}
        connection = _connect(parts, timeout_seconds)
        try:
            connection.request(
                "POST",
                parts.path or "/",
                body=urlencode(form),
                headers={
                    "Authorization": f"Basic {basic}",
                    "Content-Type": "application/x-www-form-urlencoded",
                },
            )
            answer = connection.getresponse()
            content = answer.read(_ANSWER_BYTES_MAX)
        except http.client.HTTPException as error:
            raise ConnectionError(
                f"no answer from the server that gives tokens: {error}"
            ) from error
        finally:
            connection.close()
        if answer.status != http.client.OK:
            raise PermissionError(f"the server that gives tokens answered {answer.status}")
        token: object = json.loads(content).get("access_token")
        return str(token or "")


class HttpTransport:
    """One connection to a server, kept open. May be used by several threads, in turn."""

    def __init__(
        self,
        url: str,
        credentials: Credentials | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self._parts = urlsplit(url.rstrip("/"))
        self._credentials = credentials or Credentials()
        self._timeout_seconds = timeout_seconds
        self._lock = threading.Lock()
        self._connection: http.client.HTTPConnection | None = None
        self._used_at = 0.0

    def send(self, request: Request) -> Answer:
        """Ask. A question that changes nothing is asked again where its connection broke."""
        with self._lock:
            answer = self._send_once(request)
            if answer.status == _UNAUTHORIZED and self._credentials.forget():
                answer = self._send_once(request)
            if not answer.status and answer.is_sent and request.method in ("GET", "HEAD"):
                answer = self._send_once(request)
            return answer

    def close(self) -> None:
        """Close the connection, unless somebody still waits for an answer; the next question opens
        one."""
        if self._lock.acquire(blocking=False):
            try:
                self._drop()
            finally:
                self._lock.release()

    def _send_once(self, request: Request) -> Answer:
        try:
            headers = {**self._credentials.headers(self._timeout_seconds), **_headers(request)}
            connection = self._open()
        except (OSError, ValueError) as error:
            self._drop()
            return Answer(is_sent=False, why=_reason(error))
        try:
            connection.request(
                request.method,
                self._target(request),
                body=request.body.encode() or None,
                headers=headers,
            )
            response = connection.getresponse()
            content = response.read(_ANSWER_BYTES_MAX)
        except (OSError, http.client.HTTPException) as error:
            self._drop()
            return Answer(why=_reason(error))
        self._used_at = time.monotonic()
        return Answer(
            status=response.status,
            body=content.decode("utf-8", "replace"),
            etag=response.headers.get("ETag", ""),
        )

    def _open(self) -> http.client.HTTPConnection:
        if time.monotonic() - self._used_at > _IDLE_SECONDS_MAX:
            self._drop()
        if self._connection is None:
            connection = _connect(self._parts, self._timeout_seconds)
            connection.connect()
            self._connection = connection
        return self._connection

    def _drop(self) -> None:
        if self._connection is not None:
            with suppress(OSError):
                self._connection.close()
        self._connection = None

    def _target(self, request: Request) -> str:
        query = f"?{urlencode(request.query)}" if request.query else ""
        return f"{self._parts.path}/{request.path}{query}"


class Relayed:
    """Has somebody else send: `ask` takes a request and gives its answer, whatever happens."""

    def __init__(self, ask: Callable[[Request], Answer]) -> None:
        self._ask = ask

    def send(self, request: Request) -> Answer:
        """Ask whoever may use the network."""
        return self._ask(request)

    def close(self) -> None:
        """Nothing: the connection is another's."""


def _connect(parts: SplitResult, timeout_seconds: float) -> http.client.HTTPConnection:
    host = parts.hostname or ""
    if parts.scheme == "https":
        return http.client.HTTPSConnection(
            host, parts.port, timeout=timeout_seconds, context=ssl.create_default_context()
        )
    return http.client.HTTPConnection(host, parts.port, timeout=timeout_seconds)


def _headers(request: Request) -> Mapping[str, str]:
    found = {"Accept": "application/json"}
    if request.body:
        found["Content-Type"] = "application/json"
    if request.etag:
        found["If-None-Match"] = request.etag
    return found


def _reason(error: Exception) -> str:
    said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return said or type(error).__name__
