"""What the child process takes from itself before it looks at a user's bytes.

Any user may do this; nothing here needs privileges. On Linux the process

- leaves the network: into a namespace of its own, where the system permits it, and by a filter of
  system calls that refuses every socket, also to native code that a file has made run astray;
- may not look into other processes, nor gain privileges by starting a program;
- dies with its parent, before it if memory runs out, and without a core dump.

It is no prison: the process is still its user, and reads and writes what that user may. Elsewhere
than on Linux only its limits hold. That nothing is downloaded does not rest on any of this.
"""

import ctypes
import os
import platform
import resource
import signal
import struct
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_SECCOMP = 22
_PR_SET_NO_NEW_PRIVS = 38
_SECCOMP_MODE_FILTER = 2
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000


def confine(*, parent: int, open_files_max: int, is_offline: bool) -> None:
    """Set the limits of this process; what the system does not offer is left out.

    Memory is watched by the parent: a limit on address space would hit an engine that reserves
    far more than it uses.

    Args:
        parent: id of the process to die with.
        open_files_max: at once.
        is_offline: whether to leave the network.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    most = open_files_max if hard == resource.RLIM_INFINITY else min(open_files_max, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    if not sys.platform.startswith("linux"):
        return
    system = ctypes.CDLL(None, use_errno=True)
    if is_offline:
        _leave_network(system)
        _refuse_sockets(system)
    # When memory runs out, the system is to end this process rather than the journal's.
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500", "ascii")
    system.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # It died before we asked to be told.
        os._exit(0)


def limit_cpu(seconds_max: int) -> None:
    """Let the next request use so much processor time; a backstop to the parent's clock."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + seconds_max
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    limit = soft if hard == resource.RLIM_INFINITY else min(soft, hard)
    resource.setrlimit(resource.RLIMIT_CPU, (limit, hard))


def _leave_network(system: ctypes.CDLL) -> None:
    """Move to a network namespace of our own, which has no interface that is up.

    Without privileges that takes a user namespace too, in which we stay who we are. Where neither
    is permitted, the filter has to do.
    """
    user, group = os.geteuid(), os.getegid()
    if system.unshare(_CLONE_NEWNET) == 0 or system.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) != 0:
        return
    with suppress(OSError):
        for name, text in (
            ("uid_map", f"{user} {user} 1"),
            ("setgroups", "deny"),
            ("gid_map", f"{group} {group} 1"),
        ):
            Path("/proc/self", name).write_text(text, "ascii")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Machine:
    """What the kernel calls a kind of processor and the system calls that are refused on it."""

    audit: int
    refused: Sequence[int]


# From linux/audit.h and each asm/unistd.h: socket, ptrace, process_vm_readv and process_vm_writev,
# and io_uring_setup, which opens sockets without calling socket.
_MACHINES: Mapping[str, _Machine] = {
    "x86_64": _Machine(audit=0xC000003E, refused=(41, 101, 310, 311, 425)),
    "aarch64": _Machine(audit=0xC00000B7, refused=(198, 117, 270, 271, 425)),
}
_X32_CALLS = 0x40000000  # On x86_64 the calls of a second, rare interface start here.

_LOAD, _JUMP_EQUAL, _JUMP_FROM, _RETURN = 0x20, 0x15, 0x35, 0x06  # linux/bpf_common.h
_ALLOW, _FAIL_WITH_EPERM = 0x7FFF0000, 0x00050001  # linux/seccomp.h, errno 1
_NUMBER_OFFSET, _AUDIT_OFFSET = 0, 4  # struct seccomp_data


class _Program(ctypes.Structure):
    """struct sock_fprog of linux/filter.h."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def _refuse_sockets(system: ctypes.CDLL) -> None:
    machine = _MACHINES.get(platform.machine())
    if machine is None or sys.maxsize < 2**32:
        return
    instructions = _filter(machine)
    program = _Program(len(instructions) // 8, instructions)
    # Without this promise the kernel takes no filter from an ordinary user.
    if system.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0:
        system.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0)


def _filter(machine: _Machine) -> bytes:
    """A program that the kernel runs at each system call: calls of another kind are refused too."""
    checks = [(_JUMP_FROM, _X32_CALLS), *((_JUMP_EQUAL, number) for number in machine.refused)]
    program = [
        (_LOAD, 0, 0, _AUDIT_OFFSET),
        (_JUMP_EQUAL, 0, len(checks) + 2, machine.audit),
        (_LOAD, 0, 0, _NUMBER_OFFSET),
        # Each check that holds jumps to the end; `allow` stands between.
        *((code, len(checks) - place, 0, value) for place, (code, value) in enumerate(checks)),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _FAIL_WITH_EPERM),
    ]
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)
