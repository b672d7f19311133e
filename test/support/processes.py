"""Processes of this machine."""

from __future__ import annotations

import os
from pathlib import Path


def processes_in(folder: Path) -> list[int]:
    """Processes but this one that keep files of a folder open or have it in their command line."""
    found = []
    for each in Path("/proc").iterdir():
        if each.name.isdecimal() and int(each.name) != os.getpid():
            try:
                command = (each / "cmdline").read_bytes().decode()
                links = list((each / "fd").iterdir())
            except OSError:  # it has ended
                continue
            if str(folder) in command or any(str(folder) in _target(link) for link in links):
                found.append(int(each.name))
    return found


def _target(link: Path) -> str:
    try:
        return os.readlink(link)
    except OSError:  # closed in the meantime: a process that starts opens and closes many files
        return ""
