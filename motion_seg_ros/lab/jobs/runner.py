"""Distribution of jobs over workers, and retries."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, Protocol

from motion_seg_ros.jobs import Job, Outcome, Result, Watch

REPORT_S = 0.1  # between two reports of progress: as often as tqdm draws its bar


class Workers(AbstractContextManager["Workers"], Protocol):
    """Processes that do jobs. Leaving the block ends the jobs under way, which clean up."""

    @property
    def room(self) -> int:
        """Number of jobs that may be under way at once."""
        ...

    @property
    def tries(self) -> int:
        """Number of times that a job is started at most."""
        ...

    def submit(self, job: Job[Any]) -> Future[Any]:
        """Start a job; there is room for it."""
        ...

    def report(self, watch: Watch) -> None:
        """Pass on the progress that the jobs under way have made, and log their warnings."""
        ...

    def outcome(self, job: Job[Any], future: Future[Any]) -> Outcome[Any]:
        """Return the outcome of a submitted job that has ended."""
        ...


def run_jobs(jobs: Sequence[Job[Result]], workers: Workers, watch: Watch) -> list[Outcome[Result]]:
    """Do all jobs; one that fails does not stop the others.

    Args:
        jobs: with unique names.
        workers: entered and left here.
        watch: notified of their progress.

    Returns:
        The outcomes in the order of `jobs`.
    """
    waiting, tries = deque(jobs), Counter[str]()
    under_way: dict[Future[Any], Job[Result]] = {}
    outcomes: dict[str, Outcome[Result]] = {}
    with workers:
        while waiting or under_way:
            while waiting and len(under_way) < workers.room:
                job = waiting.popleft()
                tries[job.name] += 1
                under_way[workers.submit(job)] = job
            ended, _ = wait(under_way, timeout=REPORT_S, return_when=FIRST_COMPLETED)
            workers.report(watch)
            for future in ended:
                job = under_way.pop(future)
                outcome = workers.outcome(job, future)
                watch.end(job.name, done=outcome.failure is None)
                if outcome.transient and tries[job.name] < workers.tries:
                    waiting.append(job)
                else:
                    outcomes[job.name] = replace(outcome, tries=tries[job.name])
    return [outcomes[each.name] for each in jobs]
