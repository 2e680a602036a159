"""Fetching from servers as they are outside: TLS, SSH and S3's protocol, each on this machine."""

import datetime as dt
import ipaddress
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import paramiko
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

SCRIPT = """
import json, sys
from pathlib import Path
from lakewright import errors
from lakewright.ingest import fetching
from lakewright.lake.raw import LocalRawStore
from lakewright.plan import codec
facts = json.loads(sys.argv[1])
root = Path(facts.pop("root"))
order = fetching.Order(source="orders", folder=root, **facts)
try:
    batch = fetching.fetch(order, LocalRawStore(root / "raw"), lambda _: None)
    print(json.dumps(codec.encode(batch)))
except errors.LakewrightError as error:
    print(json.dumps({"code": error.code, "what": error.what, "why": error.why}))
"""
"""Each place is asked by a process of its own, as in earnest: they read the environment once."""


def ask(
    root: Path, location: str, env: Mapping[str, str], marks: Mapping[str, str] | None = None
) -> dict[str, object]:
    facts = json.dumps({"root": str(root), "location": location, "marks": marks or {}})
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, facts], env={**os.environ, **env, "HOME": str(root)},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def files(answer: Mapping[str, object]) -> list[dict[str, str]]:
    found = answer["files"]
    assert isinstance(found, list), answer
    return found


def check_each_is_fetched_once(
    root: Path, location: str, env: Mapping[str, str], change: Path
) -> None:
    """Of the two files there, both are fetched, then none, then the one that has changed."""
    first = files(ask(root, location, env))
    assert [each["file_name"] for each in first] == ["a.csv", "b c.csv"]
    for each in first:
        stored = root / "raw" / "orders" / each["sha256"][:2] / each["sha256"]
        assert stored.read_text("utf-8") == each["file_name"] * 1000
    marks = {each["name"]: each["mark"] for each in first}
    assert len(marks) == 2
    assert all(marks.values())
    assert files(ask(root, location, env, marks)) == []
    change.write_text("changed", "utf-8")
    os.utime(change, (1, 2))
    (again,) = files(ask(root, location, env, marks))
    assert again["file_name"] == change.name


@pytest.fixture
def served(tmp_path: Path) -> Path:
    folder = tmp_path / "served"
    folder.mkdir()
    for name in ("a.csv", "b c.csv", "note.txt"):
        (folder / name).write_text(name * 1000, "utf-8")
    return folder


@contextmanager
def serving(server: ThreadingHTTPServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def certificate(folder: Path) -> Path:
    """A certificate for this machine with its key, which nobody has signed but itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    found = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(private + found.public_bytes(serialization.Encoding.PEM))
    return path


class Web(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


def test_a_web_server_with_a_certificate_that_is_trusted(tmp_path: Path, served: Path) -> None:
    path = certificate(tmp_path)
    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), lambda *given: Web(*given, directory=str(served))
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with serving(server) as port:
        url = f"https://127.0.0.1:{port}"
        trusting = {"SSL_CERT_FILE": str(path)}
        (one,) = files(ask(tmp_path, f"{url}/b%20c.csv?key=1", trusting))
        assert one["file_name"] == "b c.csv"
        marks = {one["name"]: one["mark"]}
        assert files(ask(tmp_path, f"{url}/b%20c.csv?key=1", trusting, marks)) == []
        (served / "b c.csv").write_text("changed", "utf-8")
        assert len(files(ask(tmp_path, f"{url}/b%20c.csv?key=1", trusting, marks))) == 1
        missing = ask(tmp_path, f"{url}/missing.csv", trusting)
        assert (missing["code"], "404" in str(missing["why"])) == ("fetch-failed", True)
        refused = ask(tmp_path, f"{url}/a.csv", {"SSL_CERT_FILE": ""})
        assert refused["code"] == "fetch-failed"
        assert "certificate" in str(refused["why"]).lower()


class Login(paramiko.ServerInterface):  # type: ignore[misc]
    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        return int(paramiko.AUTH_SUCCESSFUL)

    def get_allowed_auths(self, username: str) -> str:
        return "publickey"

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return int(paramiko.OPEN_SUCCEEDED)


class Shelf(paramiko.SFTPServerInterface):  # type: ignore[misc]
    root = Path()

    def list_folder(self, path: str) -> list[paramiko.SFTPAttributes]:
        found = sorted((self.root / path.lstrip("/")).iterdir())
        return [paramiko.SFTPAttributes.from_stat(each.stat(), each.name) for each in found]

    def stat(self, path: str) -> paramiko.SFTPAttributes | int:
        try:
            return paramiko.SFTPAttributes.from_stat((self.root / path.lstrip("/")).stat())
        except OSError as error:
            return int(paramiko.SFTPServer.convert_errno(error.errno))

    lstat = stat

    def open(self, path: str, flags: int, attr: object) -> paramiko.SFTPHandle:
        handle = paramiko.SFTPHandle(flags)
        handle.readfile = (self.root / path.lstrip("/")).open("rb")
        return handle


@contextmanager
def secure_shell(root: Path, key: paramiko.PKey) -> Iterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))
    transports: list[paramiko.Transport] = []
    kind = type("Shelf", (Shelf,), {"root": root})

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            transport = paramiko.Transport(connection)
            transport.add_server_key(key)
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, kind)
            transports.append(transport)
            try:
                transport.start_server(server=Login())
            except (paramiko.SSHException, EOFError):
                continue  # The client does not trust us.

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for transport in transports:
            transport.close()
        thread.join()


def test_an_sftp_server_whose_key_is_known(tmp_path: Path, served: Path) -> None:
    key = paramiko.ECDSAKey.generate()
    keys = tmp_path / ".ssh"
    keys.mkdir()
    paramiko.ECDSAKey.generate().write_private_key_file(str(keys / "id_ecdsa"))
    with secure_shell(served, key) as port:
        location = f"sftp://someone@127.0.0.1:{port}/*.csv"
        stranger = ask(tmp_path, location, {})
        assert stranger["code"] == "fetch-failed"
        assert "not found in known_hosts" in str(stranger["why"])
        line = f"[127.0.0.1]:{port} {key.get_name()} {key.get_base64()}\n"
        (keys / "known_hosts").write_text(line, "utf-8")
        check_each_is_fetched_once(tmp_path, location, {}, served / "a.csv")
        missing = ask(tmp_path, f"sftp://someone@127.0.0.1:{port}/missing.csv", {})
        assert missing["code"] == "not-found"


class Bucket(BaseHTTPRequestHandler):
    """As much of S3 as listing a bucket and reading an object takes."""

    root = Path()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        key = unquote(parts.path).removeprefix("/shop").lstrip("/")
        if not key:
            self._send(200, self._listing(parse_qs(parts.query).get("prefix", [""])[0]), {})
            return
        path = self.root / key.removeprefix("out/")
        if not path.is_file():
            self._send(404, b"", {})
            return
        data, code = path.read_bytes(), 200
        if wanted := self.headers.get("Range"):
            start, _, end = wanted.removeprefix("bytes=").partition("-")
            data, code = data[int(start) : int(end) + 1 if end else None], 206
        self._send(code, data, {"ETag": self._tag(path)})

    def _tag(self, path: Path) -> str:
        return f'"{hash(path.read_bytes()) & 0xFFFFFFFF:x}"'

    def _listing(self, prefix: str) -> bytes:
        keys = [f"out/{path.name}" for path in sorted(self.root.iterdir())]
        rows = "".join(
            f"<Contents><Key>{key}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
            f"<ETag>{self._tag(self.root / key[4:])}</ETag>"
            f"<Size>{(self.root / key[4:]).stat().st_size}</Size></Contents>"
            for key in keys
            if key.startswith(prefix)
        )
        space = "http://s3.amazonaws.com/doc/2006-03-01/"
        return (
            f'<ListBucketResult xmlns="{space}"><IsTruncated>false</IsTruncated>'
            f"{rows}</ListBucketResult>"
        ).encode()

    def _send(self, code: int, data: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(code)
        for name, value in {"Last-Modified": formatdate(0, usegmt=True), **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)


def test_a_bucket(tmp_path: Path, served: Path) -> None:
    kind = type("Bucket", (Bucket,), {"root": served})
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), kind)) as port:
        env = {
            "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{port}",
            "AWS_ACCESS_KEY_ID": "someone",
            "AWS_SECRET_ACCESS_KEY": "something",
            "AWS_DEFAULT_REGION": "eu-central-1",
        }
        check_each_is_fetched_once(tmp_path, "s3://shop/out/*.csv", env, served / "a.csv")
        missing = ask(tmp_path, "s3://shop/nothing/", env)
        assert missing["code"] == "not-found"


def test_a_server_that_is_not_there_is_told_and_may_be_asked_again(tmp_path: Path) -> None:
    for location in ("https://127.0.0.1:9/a.csv", "sftp://127.0.0.1:9/a.csv"):
        assert ask(tmp_path, location, {})["code"] == "fetch-failed"
