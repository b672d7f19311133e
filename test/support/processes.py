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
                files = [os.readlink(link) for link in (each / "fd").iterdir()]
            except OSError:
                continue
            if str(folder) in command or any(str(folder) in file for file in files):
                found.append(int(each.name))
    return found
