"""A real REST catalog for the tests: Iceberg's own server, on a port of this machine alone.

`make test` fetches it where there are Java and Maven. A shell beside it waits for the end of the
tests, however they end, and ends the server.
"""

import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

HERE = Path(__file__).parent
JARS = HERE.parents[1] / ".venv" / "rest-catalog"

START_SECONDS_MAX = 120

GUARD = '"$@" & read -r end; kill -KILL $! 2>/dev/null; wait $!'
LISTENING = re.compile(r"Started .*ServerConnector@.*\{127\.0\.0\.1:(\d+)\}")

JAVA = ("java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")
"""A small server that is there soon: compiling well takes longer than all that it does here."""


def need() -> None:
    """Skip the test, and say why, where the server cannot run."""
    if shutil.which("java") is None or not JARS.is_dir():
        pytest.skip("NO REST CATALOG: install Java 17 and Maven, then run `tools/rest_catalog.sh`")


class RestServer:
    """One server. Use it as a context."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="lakewright-rest-"))
        self._namespaces = 0
        database = f"{self._folder}/catalog.sqlite"
        options = "journal_mode=WAL&synchronous=OFF&busy_timeout=30000"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                ("sh", "-c", GUARD, "sh", *JAVA, "-cp", f"{JARS}/*",
                 "org.eclipse.jetty.xml.XmlConfiguration", "port=0",
                 f"warehouse=file://{self._folder}/warehouse",
                 f"uri=jdbc:sqlite:{database}?{options}", HERE / "server.xml"),
                stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=self._folder,
            )  # fmt: skip
        self.url = f"http://127.0.0.1:{self._port()}"

    @property
    def _log(self) -> Path:
        return self._folder / "log"

    def _port(self) -> int:
        deadline = time.monotonic() + START_SECONDS_MAX
        while True:
            said = self._log.read_text("utf-8", "replace")
            found = LISTENING.search(said)
            if found:
                return int(found[1])
            is_over = time.monotonic() > deadline or self._process.poll() is not None
            assert not is_over, said
            time.sleep(0.05)

    def new_namespace(self) -> str:
        """A namespace that nobody has used."""
        self._namespaces += 1
        return f"test_{self._namespaces}"

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
