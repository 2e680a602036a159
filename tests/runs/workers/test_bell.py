import threading
import time

import pytest

from lakewright.runs.workers import bell
from lakewright.runs.workers.bell import Bell

SECONDS_MAX = 30.0


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks by himself: only a ring can wake."""
    monkeypatch.setattr(bell, "LOOK_SECONDS", 2 * SECONDS_MAX)
    monkeypatch.setattr(bell, "LOOK_SECONDS_MAX", 2 * SECONDS_MAX)


def test_a_ring_wakes_all_who_wait() -> None:
    rung = Bell()
    waiting = [threading.Thread(target=rung.wait, args=(0,)) for _ in range(3)]
    for each in waiting:
        each.start()
    rung.ring()
    ends_at = time.monotonic() + SECONDS_MAX
    for each in waiting:
        each.join(max(0.0, ends_at - time.monotonic()))
        assert not each.is_alive()


def test_a_ring_between_looking_and_waiting_is_not_missed() -> None:
    rung = Bell()
    heard = rung.rings
    rung.ring()
    waiting = threading.Thread(target=rung.wait, args=(heard,))
    waiting.start()
    waiting.join(SECONDS_MAX)
    assert not waiting.is_alive()


def test_a_ring_may_come_from_within_a_ring_as_signals_do() -> None:
    rung = Bell()
    with rung._condition:
        rung.ring()
    assert rung.rings == 1
