"""Processes end with the block, and what ended by itself is told with its last words."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from motion_seg_ros.cli.child_processes import ChildProcesses
from motion_seg_ros.errors import MotionSegError

MODULES = {
    "sleeper": "import time; print('asleep', flush=True); time.sleep(60)",
    "stubborn": (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    ),
    "polite": (
        "import signal, sys, time; signal.signal(signal.SIGINT, lambda *_: sys.exit(0));"
        "open('ready', 'w').close(); time.sleep(60)"
    ),
    "deaf": (
        "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN);"
        "open('ready', 'w').close(); time.sleep(60)"
    ),
    "failing": "import sys; print('first'); sys.exit('no camera here')",
    "crashing": "import os; os.abort()",
    "done": "pass",
    "warning": (
        "for each in ('INFO', 'WARN', 'ERROR', 'WARN'):"
        " print(f'[{each}] [1700000000.5] [motion_seg]: {each.lower()}: [x]')\n"
        "print('[WARN] of something else')"
    ),
}


@pytest.fixture
def children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ChildProcesses:
    for name, code in MODULES.items():
        (tmp_path / f"{name}_module.py").write_text(code)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("motion_seg_ros.cli.child_processes.GRACE_S", 1.0)
    return ChildProcesses({**os.environ, "PYTHONPATH": str(tmp_path)}, tmp_path)


def running(children: ChildProcesses) -> list[str]:
    return [name for name, each in children._running.items() if each.poll() is None]


def start(children: ChildProcesses, *names: str) -> None:
    for name in names:
        children.start(name, f"{name}_module")


def test_waits_for_the_end(children: ChildProcesses) -> None:
    with children:
        start(children, "done")
        children.wait("done")


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_ends_all_when_the_block_ends(children: ChildProcesses, error: type) -> None:
    def work() -> None:
        with children:
            start(children, "sleeper", "stubborn")
            raise error

    with pytest.raises(error):
        work()
    assert running(children) == []


def test_tells_status_and_last_words(children: ChildProcesses) -> None:
    with children:
        start(children, "failing")
        with pytest.raises(MotionSegError, match=r"failing process ended with status 1.*no camera"):
            children.wait("failing")


def test_tells_which_process_that_is_needed_crashed(children: ChildProcesses) -> None:
    with children:
        start(children, "sleeper", "crashing")
        with pytest.raises(MotionSegError, match="the crashing process ended by signal 6"):
            children.wait("sleeper", needs=("crashing",))
    assert running(children) == []


def test_asks_a_process_to_finish(children: ChildProcesses, tmp_path: Path) -> None:
    with children:
        start(children, "polite")
        while not (tmp_path / "ready").exists():
            time.sleep(0.01)
        children.finish("polite", timeout_s=10)
        assert running(children) == []


def test_says_so_when_a_process_does_not_finish(children: ChildProcesses, tmp_path: Path) -> None:
    with children:
        start(children, "deaf")
        while not (tmp_path / "ready").exists():
            time.sleep(0.01)
        with pytest.raises(MotionSegError, match="did not within"):
            children.finish("deaf", timeout_s=0.5)
    assert running(children) == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends them")
def test_ends_with_this_process_when_that_is_killed(tmp_path: Path) -> None:
    (tmp_path / "sleeper.py").write_text("import time; time.sleep(60)")
    program = (
        "import os, pathlib, time\n"
        "from motion_seg_ros.cli.child_processes import ChildProcesses\n"
        f"with ChildProcesses(os.environ, pathlib.Path({str(tmp_path)!r})) as children:\n"
        "    children.start('sleeper', 'sleeper')\n"
        "    print(children._running['sleeper'].pid, flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = Path("/proc") / parent.stdout.readline().strip()
        assert child.exists()
        parent.kill()
    deadline = time.monotonic() + 20
    while _runs(child) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not _runs(child)


def _runs(process: Path) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return (process / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def test_warnings_of_a_ros_process_are_kept_once(children: ChildProcesses) -> None:
    with children:
        start(children, "warning", "done")
        children.wait("warning")
        children.wait("done")
        assert children.warnings("warning") == ["warn: [x]", "error: [x]"]
        assert children.warnings("done") == []
