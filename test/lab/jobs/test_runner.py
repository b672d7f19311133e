"""Jobs in this process and in others: results, failures, processes that die, interruption."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import small_jobs
from checkout import SUPPORT
from tally import Tally

from motion_seg_ros.jobs import Job, Outcome, Watch, run_serially, usable_cores
from motion_seg_ros.lab.jobs.processes import Processes
from motion_seg_ros.lab.jobs.runner import run_jobs

Run = Callable[[Sequence[Job[Any]], Watch], list[Outcome[Any]]]


def two_processes(jobs: Sequence[Job[Any]], watch: Watch) -> list[Outcome[Any]]:
    return run_jobs(jobs, Processes(2), watch)


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


@pytest.mark.parametrize("run", [run_serially, two_processes])
class TestHereAndInProcesses:
    def test_results_come_in_the_order_of_the_jobs(self, run: Run) -> None:
        jobs = [Job(str(n), small_jobs.square, (n,), 2) for n in range(7)]
        tally = Tally()
        outcomes = run(jobs, tally)
        assert [each.result for each in outcomes] == [n * n for n in range(7)]
        assert [each.name for each in outcomes] == [each.name for each in jobs]
        assert {each.tries for each in outcomes} == {1}
        assert tally.steps == {str(n): 2 for n in range(7)}
        assert Counter(tally.events) == {("done", str(n)): 1 for n in range(7)}

    def test_one_that_fails_does_not_stop_the_others(
        self, run: Run, caplog: pytest.LogCaptureFixture
    ) -> None:
        jobs: list[Job[object]] = [
            Job("refused", small_jobs.refuse, ()),
            Job("blunder", small_jobs.blunder, ()),
            Job("good", small_jobs.square, (3,)),
        ]
        refused, blunder, good = run(jobs, Tally())
        assert refused.failure == "x.png: expected an image, found none; replace it"
        assert refused.tries == 1  # another try would end alike
        assert blunder.failure == "unexpected ZeroDivisionError: by zero"
        assert good.result == 9
        assert "small_jobs.py" in caplog.text  # the blunder's traceback

    def test_warnings_come_through(self, run: Run, caplog: pytest.LogCaptureFixture) -> None:
        run([Job("warner", small_jobs.warn, ())], Tally())
        (record,) = caplog.records
        assert (record.levelno, record.getMessage()) == (logging.WARNING, "half of it is missing")


class TestProcesses:
    def test_processes_are_used_again_and_share_the_cores(self) -> None:
        jobs = [Job(str(n), small_jobs.process, ()) for n in range(6)]
        pids = {each.result for each in run_jobs(jobs, Processes(2), Tally())}
        assert len(pids) <= 2
        assert os.getpid() not in pids
        before = os.environ.get("OMP_NUM_THREADS")
        (told,) = run_jobs([Job("threads", small_jobs.threads, ())], Processes(2), Tally())
        share = max(1, usable_cores() // 2)
        assert told.result == (share, str(share))
        assert os.environ.get("OMP_NUM_THREADS") == before

    def test_what_may_pass_is_tried_again(self, tmp_path: Path) -> None:
        job = Job("stumbler", small_jobs.stumble, (tmp_path / "flag",))
        (outcome,) = run_jobs([job], Processes(1), Tally())
        assert (outcome.result, outcome.tries, outcome.failure) == ("done", 2, None)

    def test_killed_once_is_tried_again(self, tmp_path: Path) -> None:
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

    def test_killed_always_is_a_failure(self) -> None:
        jobs = [Job("victim", small_jobs.die_always, ()), Job("good", small_jobs.square, (3,))]
        victim, good = run_jobs(jobs, Processes(2), Tally())
        assert victim.tries == 2
        assert victim.failure is not None
        assert "its process died" in victim.failure
        assert good.result == 9

    def test_interrupt_ends_the_processes_and_what_they_wrote(self, tmp_path: Path) -> None:
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

    def test_killed_parent_leaves_neither_processes_nor_files(self, tmp_path: Path) -> None:
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
