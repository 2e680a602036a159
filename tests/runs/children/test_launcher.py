import errno
import os
import platform
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lakewright import errors
from lakewright.runs.children.launcher import Launcher, Limits
from lakewright.runs.records import Json

COMMAND = (sys.executable, str(Path(__file__).with_name("echo_child.py")))
LIMITS = Limits(memory_max_bytes=500 * 2**20)


@pytest.fixture
def launcher() -> Iterator[Launcher]:
    with Launcher(COMMAND, LIMITS) as opened:
        yield opened


def test_an_answer_comes_back_as_it_was_given(launcher: Launcher) -> None:
    payloads: list[Json] = [None, 3, "ä\n\u2028", [1, {"a": None}], {"big": "x" * 3_000_000}]
    for payload in payloads:
        assert launcher.call("echo", payload, timeout_seconds=30) == payload


def test_an_operation_may_ask_the_parent_what_it_may_not_find_out_itself() -> None:
    asked: list[Json] = []

    def reply(question: Json) -> Json:
        asked.append(question)
        return {"said": question}

    questions: list[Json] = [1, "ä\n", None, {"big": "x" * 300_000}]
    with Launcher(COMMAND, LIMITS, reply=reply) as asking:
        answers = asking.call("ask", questions, timeout_seconds=30)
        assert answers == [{"said": question} for question in questions]
        assert asking.call("echo", "after", timeout_seconds=30) == "after"
    assert asked == questions


def test_a_call_is_watched_while_the_parent_looks_for_an_answer() -> None:
    is_over = threading.Event()

    def reply(question: Json) -> Json:
        is_over.wait(30)
        return question

    def look() -> None:
        raise KeyboardInterrupt

    with Launcher(COMMAND, LIMITS, reply=reply) as asking:
        with pytest.raises(KeyboardInterrupt):
            asking.call("ask", [1], timeout_seconds=30, on_wait=look)
        is_over.set()
        assert asking.call("echo", 1, timeout_seconds=30) == 1


def test_a_question_that_nobody_can_answer_is_a_mistake_of_ours(launcher: Launcher) -> None:
    with pytest.raises(errors.InternalError):
        launcher.call("ask", [1], timeout_seconds=30)


def test_one_child_serves_many_requests(launcher: Launcher) -> None:
    first = launcher.call("chatter", None, timeout_seconds=30)
    assert launcher.call("chatter", None, timeout_seconds=30) == first
    assert first != os.getpid()


def test_a_child_with_nothing_to_do_imports_what_it_will_need(launcher: Launcher) -> None:
    for name in ("colorsys", "tabnanny"):
        while not launcher.call("is_imported", name, timeout_seconds=30):
            time.sleep(0.01)


def test_what_a_child_prints_does_not_reach_the_protocol(launcher: Launcher) -> None:
    assert isinstance(launcher.call("chatter", None, timeout_seconds=30), int)
    assert launcher.call("echo", "fine", timeout_seconds=30) == "fine"


def test_progress_is_told_while_the_work_goes_on(launcher: Launcher) -> None:
    told: list[int] = []
    assert launcher.call("count", 12, timeout_seconds=30, on_progress=told.append) == 12
    assert told == sorted(set(told))
    assert 2 <= len(told) < 12


def test_an_answer_comes_with_what_it_took_the_child(launcher: Launcher) -> None:
    launcher.call("echo", 1, timeout_seconds=20)
    assert launcher.spent is not None
    assert 0 <= launcher.spent.milliseconds < 20_000
    with pytest.raises(errors.StepCrashed):
        launcher.call("kill", "SIGKILL", timeout_seconds=20)
    assert launcher.spent is None


def test_an_error_crosses_with_all_that_it_says(launcher: Launcher) -> None:
    with pytest.raises(errors.FileUnreadable) as refused:
        launcher.call("refuse", None, timeout_seconds=30)
    error = refused.value
    assert (error.what, error.why, error.hint) == (
        "a.csv cannot be read",
        "it is empty",
        "deliver it again",
    )
    assert str(error.where) == "a.csv:3"
    assert [problem.what for problem in error.problems] == ["empty"]


@pytest.mark.parametrize(
    ("operation", "kind", "says"),
    [
        ("blunder", errors.InternalError, "KeyError"),
        ("no_room", errors.RunFailed, "`no_room` could not read or write a file"),
        ("unknown", errors.InternalError, "'unknown'"),
    ],
)
def test_what_nobody_foresaw_is_reported_and_the_child_lives(
    launcher: Launcher, operation: str, kind: type[errors.LakewrightError], says: str
) -> None:
    with pytest.raises(kind, match=says):
        launcher.call(operation, None, timeout_seconds=30)
    assert launcher.call("echo", 1, timeout_seconds=30) == 1


def test_a_child_that_cannot_load_answers_with_the_reason(
    launcher: Launcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROKEN_PROJECT", "1")
    for _ in range(2):
        with pytest.raises(errors.ProjectInvalid, match="the project is broken"):
            launcher.call("echo", 1, timeout_seconds=30)


@pytest.mark.parametrize("name", ["SIGKILL", "SIGSEGV", "SIGABRT", "SIGTERM"])
def test_a_childs_death_is_named_and_the_next_request_has_another_child(
    launcher: Launcher, name: str
) -> None:
    with pytest.raises(errors.StepCrashed) as crashed:
        launcher.call("kill", name, timeout_seconds=30)
    assert name in crashed.value.why
    assert "something native broke" in crashed.value.why
    assert launcher.call("echo", 1, timeout_seconds=30) == 1


def test_a_child_that_exits_is_a_crash(launcher: Launcher) -> None:
    with pytest.raises(errors.StepCrashed, match="it exited with 3"):
        launcher.call("leave", 3, timeout_seconds=30)


def test_a_child_that_dies_while_idle_is_replaced(launcher: Launcher) -> None:
    pid = launcher.call("chatter", None, timeout_seconds=30)
    assert isinstance(pid, int)
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert launcher.call("chatter", None, timeout_seconds=30) != pid


def test_a_request_that_takes_too_long_ends_the_child(launcher: Launcher) -> None:
    with pytest.raises(errors.StepTimedOut, match="`sleep` took too long"):
        launcher.call("sleep", 60, timeout_seconds=0.3)
    assert launcher.call("echo", 1, timeout_seconds=30) == 1


def test_a_child_that_holds_too_much_memory_is_ended() -> None:
    with Launcher(COMMAND, Limits(memory_max_bytes=100 * 2**20)) as launcher:
        with pytest.raises(errors.StepCrashed, match="of memory"):
            launcher.call("hog", 1000, timeout_seconds=30)
        assert launcher.call("hog", 1, timeout_seconds=30) == 1


def test_a_wait_that_is_broken_off_ends_the_child(launcher: Launcher) -> None:
    pid = launcher.call("chatter", None, timeout_seconds=30)
    assert isinstance(pid, int)

    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        launcher.call("sleep", 60, timeout_seconds=30, on_wait=stop)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_child_that_cannot_be_started_leaves_no_descriptor_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    before = set(Path("/proc/self/fd").iterdir())
    for broken in (tempfile, subprocess):
        with monkeypatch.context() as patched, Launcher(COMMAND, LIMITS) as launcher:
            name = "TemporaryFile" if broken is tempfile else "Popen"
            patched.setattr(broken, name, lambda *_, **__: full())
            with pytest.raises(errors.RunFailed, match="could not be started"):
                launcher.start()
    assert set(Path("/proc/self/fd").iterdir()) == before


def test_a_command_that_cannot_be_started_is_refused_with_the_reason(tmp_path: Path) -> None:
    plain = tmp_path / "python"
    plain.write_text("#!/bin/sh\n", "utf-8")
    for command, why in (("/nowhere/python", "No such file"), (str(plain), "Permission denied")):
        with Launcher((command,), LIMITS) as launcher, pytest.raises(errors.RunFailed) as told:
            launcher.call("echo", 1, timeout_seconds=30)
        assert why in told.value.why
        assert "install Lakewright anew" in told.value.hint


def test_a_child_has_no_network_where_the_system_permits_that(launcher: Launcher) -> None:
    permitted = subprocess.run(("unshare", "-n", "true"), capture_output=True, check=False)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        found = launcher.call("is_online", port, timeout_seconds=30)
        assert found is False or permitted.returncode != 0
        with Launcher(COMMAND, Limits(memory_max_bytes=2**30, is_offline=False)) as other:
            assert other.call("is_online", port, timeout_seconds=30) is True


CALLS = {  # getpid; then socket, ptrace and io_uring_setup
    "x86_64": ([39], [41, 1, 1, 0], [101, 16, 1, 0, 0], [425, 1, 0], [0x40000000 + 39]),
    "aarch64": ([172], [198, 1, 1, 0], [117, 16, 1, 0, 0], [425, 1, 0]),
}


def test_native_code_of_a_child_opens_no_socket_and_looks_into_no_process_on_linux(
    launcher: Launcher,
) -> None:
    calls = CALLS.get(platform.machine(), ()) if sys.platform == "linux" else ()
    found = [launcher.call("call", list(each), timeout_seconds=30) for each in calls]
    assert found == [0, *[errno.EPERM] * (len(calls) - 1)][: len(calls)]


def test_a_confined_childs_files_are_its_users(launcher: Launcher, tmp_path: Path) -> None:
    path = str(tmp_path / "file")
    assert launcher.call("owns_new_files", path, timeout_seconds=30) is True


def test_a_child_dies_with_its_parent_even_when_it_is_busy() -> None:
    script = (
        "import sys, os\n"
        "from lakewright.runs.children.launcher import Launcher, Limits\n"
        f"launcher = Launcher({COMMAND!r}, Limits(memory_max_bytes=2**30))\n"
        "print(launcher.call('chatter', None, timeout_seconds=30), flush=True)\n"
        "launcher.call('sleep', 60, timeout_seconds=90)\n"
    )
    parent = subprocess.Popen((sys.executable, "-c", script), stdout=subprocess.PIPE)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    for _ in range(200):
        if not is_running(pid):
            return
        time.sleep(0.05)
    pytest.fail("the child outlived its parent by ten seconds")


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
