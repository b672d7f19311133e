"""One line of `motion_seg doctor`, and the means to look at what may be broken."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shlex
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

State = Literal["ok", "note", "missing"]

PATIENCE_S = 120.0
"""Longest time that one look may take. Set by hand: torch from a cold disk takes 30 s."""
COLOUR = re.compile(r"\x1b\[[\d;]*m")


@dataclass(frozen=True)
class Finding:
    """The state of one thing.

    Attributes:
        name: of the thing.
        state: "missing": the default profile does not run with ROS before this is mended; "note":
            it runs, but something else does not or may not.
        found: one line.
        remedy: the command that mends it; empty: nothing to mend, or no command does it.
    """

    name: str
    state: State
    found: str
    remedy: str = ""


Check = Callable[[], Iterator[Finding]]


@dataclass(frozen=True)
class Answer:
    """The outcome of a program.

    Attributes:
        good: with status 0.
        text: the last line that it printed; on failure that of its stderr.
        complaint: if it ended well, the first other line of both; "": none.
    """

    good: bool
    text: str
    complaint: str = ""


def looked_at(check: Check) -> list[Finding]:
    """Return the findings of a check; if the check fails itself, that is the finding."""
    found = []
    try:
        for each in check():
            found.append(each)
    except Exception as error:
        name = check.__name__.replace("_", " ")
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        found.append(Finding(name, "note", f"could not be looked at: {reason}"))
    return found


def python(*arguments: str, without: Collection[str] = ()) -> Answer:
    """Run Python, with this one's search path, in a process of its own: what is broken may crash
    or hang.

    Args:
        arguments: of the interpreter.
        without: environment variables that it does not get.
    """
    environment = {
        **{name: value for name, value in os.environ.items() if name not in without},
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "PYTHONSAFEPATH": "1",  # not the folder that the user happens to be in
    }
    return run([sys.executable, *arguments], environment)


def run(command: Sequence[str], environment: dict[str, str] | None = None) -> Answer:
    """Run a program to its end.

    Args:
        command: program and arguments.
        environment: its environment; None: that of this process.
    """
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE_S,
            text=True,
            errors="replace",
        )
    except subprocess.TimeoutExpired:
        return Answer(False, f"no answer within {PATIENCE_S:g} s")
    except OSError as error:
        return Answer(False, f"{command[0]}: {error.strerror}")
    printed, said = _lines(done.stdout), _lines(done.stderr)
    if done.returncode == 0:
        complaints = [*printed[:-1], *said]  # Fast DDS complains on stdout
        return Answer(True, printed[-1] if printed else "", complaints[0] if complaints else "")
    if done.returncode < 0:
        return Answer(False, f"it crashed: {signal.Signals(-done.returncode).name}")
    return Answer(False, said[-1] if said else f"status {done.returncode}")


def _lines(text: str) -> list[str]:
    """Return the lines that are not empty, without colours."""
    return [line for each in COLOUR.sub("", text).splitlines() if (line := each.strip())]


def version_of(module: str) -> Answer:
    """Import a module and return its version; "" if it has none.

    Args:
        module: import name.
    """
    code = "import importlib, sys; print(getattr(importlib.import_module(sys.argv[1]), "
    return python("-c", f"{code}'__version__', ''))", module)


def pip_install(*packages: str) -> str:
    """Return the command that installs packages of PyPI for this Python."""
    options: list[str] = []
    if sys.prefix == sys.base_prefix and _is_managed_by_the_system():
        options = ["--user", "--break-system-packages"]
    return shlex.join([sys.executable, "-m", "pip", "install", *options, *packages])


def _is_managed_by_the_system() -> bool:
    """Return whether pip refuses to install into this Python (PEP 668)."""
    return (Path(sysconfig.get_path("stdlib")) / "EXTERNALLY-MANAGED").exists()


def wheels() -> str:
    """Return the name of the ROS distribution whose wheels are installed, such as "jazzy"; ""
    without them."""
    for each in importlib.metadata.distributions():
        match = re.fullmatch(r"ros-([a-z]+)-rclpy", str(each.metadata["Name"]))
        if match is not None:
            return match[1]
    return ""


def ros_package(name: str) -> str:
    """Return the command that installs a ROS package beside a full ROS 2 installation; "" where
    there is none: the wheels lack what is asked for here.

    Args:
        name: with "-" for "_".
    """
    distribution = os.environ.get("ROS_DISTRO", "")
    return f"sudo apt install ros-{distribution}-{name}" if distribution else ""
