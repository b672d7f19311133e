"""Jobs in processes that die, are interrupted, or lose their parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import small_jobs
from checkout import SUPPORT
from tally import Tally

from motion_seg_ros.jobs import Job, usable_cores
from motion_seg_ros.lab.jobs.processes import Processes
from motion_seg_ros.lab.jobs.runner import run_jobs


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.02)


def ended(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    # One that nobody has asked about is a zombie.
    return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()


def test_processes_are_used_again_and_share_the_cores() -> None:
    jobs = [Job(str(n), small_jobs.process, ()) for n in range(6)]
    pids = {each.result for each in run_jobs(jobs, Processes(2), Tally())}
    assert len(pids) <= 2
    assert os.getpid() not in pids
    before = os.environ.get("OMP_NUM_THREADS")
    (told,) = run_jobs([Job("threads", small_jobs.threads, ())], Processes(2), Tally())
    share = max(1, usable_cores() // 2)
    assert told.result == (share, str(share))
    assert os.environ.get("OMP_NUM_THREADS") == before


def test_what_may_pass_is_tried_again(tmp_path: Path) -> None:
    job = Job("stumbler", small_jobs.stumble, (tmp_path / "flag",))
    (outcome,) = run_jobs([job], Processes(1), Tally())
    assert (outcome.result, outcome.tries, outcome.failure) == ("done", 2, None)


def test_killed_once_is_tried_again(tmp_path: Path) -> None:
    tally = Tally()
    jobs: list[Job[object]] = [
        Job("victim", small_jobs.die, (tmp_path / "flag",)),
        *(Job(str(n), small_jobs.square, (n,)) for n in range(4)),
    ]
    victim, *others = run_jobs(jobs, Processes(2), tally)
    assert (victim.result, victim.tries, victim.failure) == ("done", 2, None)
    assert [each.result for each in others] == [0, 1, 4, 9]
    of_victim = [what for what, name in tally.events if name == "victim"]
    assert of_victim == ["failed", "done"]


def test_killed_always_is_a_failure() -> None:
    jobs = [Job("victim", small_jobs.die_always, ()), Job("good", small_jobs.square, (3,))]
    victim, good = run_jobs(jobs, Processes(2), Tally())
    assert victim.tries == 2
    assert victim.failure is not None
    assert "its process died" in victim.failure
    assert good.result == 9


def test_interrupt_ends_the_processes_and_what_they_wrote(tmp_path: Path) -> None:
    class Interrupter(Tally):
        def advance(self, name: str, count: int) -> None:
            super().advance(name, count)
            if len(self.steps) == 2:
                raise KeyboardInterrupt

    jobs = [Job(name, small_jobs.linger, (tmp_path / name,)) for name in ("one", "two")]
    with pytest.raises(KeyboardInterrupt):
        run_jobs(jobs, Processes(2), Interrupter())
    pids = [int(each.read_text()) for each in tmp_path.glob("*.pid")]
    assert len(pids) == 2
    assert all(ended(each) for each in pids)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["one.pid", "two.pid"]


def test_killed_parent_leaves_neither_processes_nor_files(tmp_path: Path) -> None:
    code = f"""
import sys
sys.path.insert(0, {str(SUPPORT)!r})
import small_jobs, tally
from pathlib import Path
from motion_seg_ros.jobs import Job
from motion_seg_ros.lab.jobs.processes import Processes
from motion_seg_ros.lab.jobs.runner import run_jobs
if __name__ == "__main__":
    job = Job("long", small_jobs.linger, (Path({str(tmp_path)!r}) / "long",))
    run_jobs([job], Processes(1), tally.Tally())
"""
    script = tmp_path / "parent.py"
    script.write_text(code)
    parent = subprocess.Popen([sys.executable, str(script)])
    try:
        wait_for((tmp_path / "long.pid").exists)
    finally:
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    wait_for(lambda: not list(tmp_path.glob(".long.*")))
    wait_for(lambda: ended(int((tmp_path / "long.pid").read_text())))
    assert not (tmp_path / "long").exists()
