"""Prefect: a flow of five tasks, recorded in SQLite by a server that it starts by itself."""

import os
import tempfile

from timing import tell


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {
            "PREFECT_HOME": folder,
            "PREFECT_LOGGING_LEVEL": "ERROR",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
            "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
            "DO_NOT_TRACK": "1",
        }
        from prefect import flow, task

        @task
        def step(number: int) -> int:
            return number

        @flow
        def run() -> None:
            for number in range(5):
                step(number)

        def at_once(runs: int) -> None:
            for _ in range(runs):
                run()

        tell(run, at_once)


main()
