"""Child processes that end with the block that started them."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from motion_seg_ros.errors import MotionSegError

GRACE_S = 5.0
"""Seconds between SIGTERM and SIGKILL. Set by hand."""
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
POLL_S = 0.05
_WARNING = re.compile(r"^\[(?:WARN|ERROR|FATAL)\] \[[\d.]+\] \[[^]]*\]: (.+)$", re.MULTILINE)
"""A line of rcutils' console, https://docs.ros.org/en/jazzy/Concepts/Intermediate/About-Logging.html"""


class ChildProcesses:
    """Starts Python modules as processes; leaving the block ends those that still run.

    Ctrl-C reaches only this process, which then ends the others in order. If this one is killed,
    Linux ends them.

    Args:
        environment: environment of the processes.
        logs: existing folder for their output.
    """

    def __init__(self, environment: Mapping[str, str], logs: Path) -> None:
        self._environment = environment
        self._logs = logs
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> ChildProcesses:
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._running.values():
            with contextlib.suppress(ProcessLookupError):
                each.terminate()
        for each in self._running.values():
            try:
                each.wait(GRACE_S)
            except subprocess.TimeoutExpired:
                each.kill()
                each.wait()

    def start(self, name: str, module: str, *arguments: str) -> None:
        """Start `python -m module` under a name."""
        with_this_one = _ends_with_parent()
        with self._log(name).open("wb") as log:
            self._running[name] = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                env=dict(self._environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=with_this_one,
            )

    def pid(self, name: str) -> int:
        """Return the id of a process that was started."""
        return self._running[name].pid

    def wait(
        self,
        name: str,
        *,
        needs: Sequence[str] = (),
        meanwhile: Callable[[], object] = lambda: None,
    ) -> None:
        """Wait until a process has ended with status 0.

        Args:
            name: name of the process.
            needs: other processes that must outlive it.
            meanwhile: called repeatedly while it runs, to show progress.

        Raises:
            MotionSegError: it failed, or one of `needs` ended first.
        """
        while (status := self._running[name].poll()) is None:
            for each in needs:
                if (early := self._running[each].poll()) is not None:
                    raise self._ended(each, early)
            meanwhile()
            time.sleep(POLL_S)
        if status != 0:
            raise self._ended(name, status)

    def finish(self, name: str, timeout_s: float) -> None:
        """Send SIGINT to a process and wait for it to end with status 0.

        Raises:
            MotionSegError: it failed, or did not end within `timeout_s`.
        """
        process = self._running[name]
        process.send_signal(signal.SIGINT)
        try:
            status = process.wait(timeout_s)
        except subprocess.TimeoutExpired as error:
            raise MotionSegError(
                f"the {name} process was asked to end, and did not within {timeout_s:g} s"
            ) from error
        if status != 0:
            raise self._ended(name, status)

    def warnings(self, name: str) -> list[str]:
        """Return the different warnings and errors that a ROS process has logged."""
        text = self._log(name).read_text(encoding="utf-8", errors="replace")
        return list(dict.fromkeys(_WARNING.findall(text)))

    def _log(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    def _ended(self, name: str, status: int) -> MotionSegError:
        how = f"by signal {-status}" if status < 0 else f"with status {status}"
        said = "; ".join(words for each in self._running if (words := self._last_words(each)))
        return MotionSegError(f"the {name} process ended {how}; last words: {said or 'none'}")

    def _last_words(self, name: str) -> str:
        lines = self._log(name).read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return f"{name}: {lines[-1]}" if lines else ""


def _ends_with_parent() -> Callable[[], object] | None:
    """Return the preexec function that makes a process get SIGTERM when its parent thread ends;
    None if the system is not Linux."""
    if sys.platform != "linux":
        return None
    return functools.partial(ctypes.CDLL(None).prctl, _PR_SET_PDEATHSIG, signal.SIGTERM.value)
