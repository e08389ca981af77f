"""The name under which this process holds the lease, and whether such a one still lives."""

from __future__ import annotations

import os
import socket
from pathlib import Path

STARTED = 19  # of the fields of /proc/PID/stat that follow the name


def instance_name() -> str:
    """Who we are: machine, process, and what tells it from others that bear the same number."""
    pid = os.getpid()
    return f"{socket.gethostname()}:{pid}:{_room()}-{_began(pid) or 0}"


def process_lives(holder: str) -> bool:
    """Whether the process of that instance may still be alive (another machine's: yes).

    A container counts as a machine of its own, whatever its host name.
    """
    host, _, rest = holder.partition(":")
    pid, _, known = rest.partition(":")
    room, _, began = known.partition("-")
    if host != socket.gethostname() or room != _room() or not pid.isdigit():
        return True
    if Path("/proc/self/stat").exists():
        return _began(int(pid)) == int(began or 0)
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _room() -> str:
    """The set of processes that ours can see, by the kernel's number; empty where it has none."""
    try:
        return str(Path("/proc/self/ns/pid").readlink()).strip("pid:[]")
    except OSError:
        return ""


def _began(pid: int) -> int | None:
    """When a process began, in the kernel's ticks; None: it is not there, or dead already."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    # The name in brackets may hold anything; after it come the state and numbers.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in {"Z", "X"} else int(fields[STARTED])
