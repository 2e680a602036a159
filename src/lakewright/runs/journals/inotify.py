"""Hear at once that a file is written, where the system tells: Linux does, by inotify.

Python's own library has no door to it, so its three calls are made here.
"""

import os
import select
from collections.abc import Callable
from pathlib import Path

_IN_MODIFY = 0x2
_READ_BYTES = 2**16


class Watch:
    """Waits for writes to one file.

    Raises:
        OSError: the system cannot tell, or will not tell more.
    """

    def __init__(self, path: Path) -> None:
        import ctypes  # Few listen, and every command would load it.

        try:
            libc = ctypes.CDLL(None, use_errno=True)
            begin, add = libc.inotify_init1, libc.inotify_add_watch
        except AttributeError as cause:
            raise OSError("this system has no inotify") from cause
        errno = ctypes.get_errno
        self._descriptor = _checked(begin(os.O_CLOEXEC | os.O_NONBLOCK), errno)
        try:
            _checked(add(self._descriptor, os.fsencode(path), _IN_MODIFY), errno)
        except OSError:
            self.close()
            raise
        self._poll = select.poll()
        self._poll.register(self._descriptor, select.POLLIN)

    def wait(self, seconds: float) -> bool:
        """Wait for a write, for so long at most; whether one came since the last was told."""
        if not self._poll.poll(1000 * seconds):
            return False
        os.read(self._descriptor, _READ_BYTES)
        return True

    def close(self) -> None:
        """Watch no longer."""
        os.close(self._descriptor)


def _checked(answer: int, errno: Callable[[], int]) -> int:
    if answer < 0:
        number = errno()
        raise OSError(number, os.strerror(number))
    return answer
