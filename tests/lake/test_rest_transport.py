"""A question reaches its server once, with what proves who asks; a lost one is told as lost."""

import base64
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest

from lakewright.lake.rest_transport import Answer, Credentials, HttpTransport, Relayed, Request


@dataclass
class Heard:
    """What a server was asked, and what it answers: status and body; None: it hangs up."""

    url: str = ""
    requests: list[tuple[str, str, Mapping[str, str], str]] = field(default_factory=list)
    answers: list[tuple[int, str] | None] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Heard]:
    heard = Heard()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
            heard.requests.append((self.command, self.path, dict(self.headers), body))
            answer = heard.answers.pop(0) if heard.answers else (200, "{}")
            if answer is None:
                self.close_connection = True
                return
            self.send_response(answer[0])
            self.send_header("ETag", '"7"')
            self.send_header("Content-Length", str(len(answer[1].encode())))
            self.end_headers()
            self.wfile.write(answer[1].encode())

        def do_POST(self) -> None:
            self.do_GET()

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listening.daemon_threads = True
    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    heard.url = f"http://127.0.0.1:{listening.server_address[1]}/api"
    yield heard
    listening.shutdown()
    listening.server_close()
    thread.join()


@pytest.fixture
def transport(server: Heard) -> Iterator[HttpTransport]:
    made = HttpTransport(server.url, timeout_seconds=20)
    yield made
    made.close()


def test_a_question_and_its_answer_come_as_they_were_given(
    server: Heard, transport: HttpTransport
) -> None:
    server.answers = [(201, '{"ä": 1}')]
    asked = Request(method="POST", path="v1/a%1Fb", query={"x": "ü 1"}, body='{"é": 2}', etag='"6"')
    assert transport.send(asked) == Answer(status=201, body='{"ä": 1}', etag='"7"')
    [(method, path, headers, body)] = server.requests
    assert (method, path, body) == ("POST", "/api/v1/a%1Fb?x=%C3%BC+1", '{"é": 2}')
    assert headers["If-None-Match"] == '"6"'
    assert "Authorization" not in headers


def test_a_refusal_is_an_answer_like_any_other(server: Heard, transport: HttpTransport) -> None:
    server.answers = [(503, "busy"), (409, "no")]
    asked = Request(method="POST", path="v1/x")
    assert [transport.send(asked).status for _ in range(2)] == [503, 409]


def test_a_server_that_is_not_there_was_sent_nothing() -> None:
    answer = HttpTransport("http://127.0.0.1:9").send(Request(method="POST", path="v1/x"))
    assert (answer.status, answer.is_sent) == (0, False)
    assert answer.why


@pytest.mark.parametrize(("method", "times"), [("POST", 1), ("GET", 2)])
def test_only_what_changes_nothing_is_sent_again(
    server: Heard, transport: HttpTransport, method: str, times: int
) -> None:
    server.answers = [None, None, (200, "{}")]
    answer = transport.send(Request(method=method, path="v1/x"))
    assert (answer.status, answer.is_sent) == (0, True)
    assert len(server.requests) == times
    server.answers = []
    assert transport.send(Request(method=method, path="v1/x")).status == 200


def test_a_token_is_shown_and_no_other_is_looked_for(server: Heard) -> None:
    server.answers = [(401, "")]
    transport = HttpTransport(server.url, Credentials(token="abc"))
    assert transport.send(Request(method="GET", path="v1/x")).status == 401
    transport.close()
    assert [headers["Authorization"] for *_, headers, _ in server.requests] == ["Bearer abc"]


def test_a_token_is_got_for_a_credential_and_again_when_it_is_refused(server: Heard) -> None:
    server.answers = [
        (200, '{"access_token": "one"}'), (200, "{}"),
        (401, ""), (200, '{"access_token": "two"}'), (200, "{}"),
    ]  # fmt: skip
    credentials = Credentials(credential="me:se:cret", url=f"{server.url}/token", scope="lake")
    transport = HttpTransport(server.url, credentials)
    for _ in range(2):
        assert transport.send(Request(method="POST", path="v1/x")).status == 200
    transport.close()
    first, *others = server.requests
    assert first[:2] == ("POST", "/api/token")
    shown = base64.b64encode(b"me:se:cret").decode()
    assert first[2]["Authorization"] == f"Basic {shown}"
    assert parse_qs(first[3]) == {"grant_type": ["client_credentials"], "scope": ["lake"]}
    assert [headers["Authorization"] for *_, headers, _ in others] == [
        "Bearer one", "Bearer one", f"Basic {shown}", "Bearer two",
    ]  # fmt: skip


def test_a_credential_that_is_refused_is_no_commit(server: Heard) -> None:
    server.answers = [(403, "")]
    credentials = Credentials(credential="me:secret", url=f"{server.url}/token")
    answer = HttpTransport(server.url, credentials).send(Request(method="POST", path="v1/x"))
    assert (answer.status, answer.is_sent) == (0, False)
    assert "403" in answer.why
    assert "secret" not in answer.why


def test_a_question_may_be_sent_by_another() -> None:
    asked = Request(method="GET", path="v1/x")
    answers = {asked.path: Answer(status=200)}
    relayed = Relayed(lambda request: answers[request.path])
    assert relayed.send(asked) == Answer(status=200)
    relayed.close()
