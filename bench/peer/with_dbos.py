"""DBOS: a workflow of five steps, recorded in SQLite, carried out by threads of this process."""

import tempfile

from dbos import DBOS, DBOSConfig
from timing import tell


@DBOS.step()
def step(number: int) -> int:
    return number


@DBOS.workflow()
def run() -> None:
    for number in range(5):
        step(number)


def at_once(runs: int) -> None:
    handles = [DBOS.start_workflow(run) for _ in range(runs)]
    for handle in handles:
        handle.get_result()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = f"sqlite:///{folder}/dbos.sqlite"
        config: DBOSConfig = {
            "name": "bench",
            "system_database_url": database,
            "log_level": "ERROR",
            "run_admin_server": False,
        }
        DBOS(config=config)
        DBOS.launch()
        tell(lambda: DBOS.start_workflow(run).get_result(), at_once)
        DBOS.destroy()


main()
