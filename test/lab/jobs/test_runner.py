"""Jobs in this process and in others: results, failures, warnings."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import small_jobs
from tally import Tally

from motion_seg_ros.jobs import Job, Outcome, Watch, run_serially
from motion_seg_ros.lab.jobs.processes import Processes
from motion_seg_ros.lab.jobs.runner import run_jobs

Run = Callable[[Sequence[Job[Any]], Watch], list[Outcome[Any]]]


def two_processes(jobs: Sequence[Job[Any]], watch: Watch) -> list[Outcome[Any]]:
    return run_jobs(jobs, Processes(2), watch)


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
