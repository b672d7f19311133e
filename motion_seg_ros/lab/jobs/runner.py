"""Hands jobs out, and begins again what was lost."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from typing import cast

from motion_seg_ros.lab.jobs.base import Crew, Job, Outcome, Result, Watch


def run_jobs(jobs: Sequence[Job[Result]], crew: Crew, watch: Watch) -> list[Outcome[Result]]:
    """Do all jobs; one that fails does not stop the others.

    Args:
        jobs: with names of their own.
        crew: does them; entered and left here.
        watch: is told how they come along.

    Returns:
        What became of each, in the order of `jobs`.
    """
    waiting, tries = deque(jobs), Counter[str]()
    under_way: dict[str, Job[Result]] = {}
    outcomes: dict[str, Outcome[Result]] = {}
    with crew:
        while waiting or under_way:
            while waiting and len(under_way) < crew.room:
                job = waiting.popleft()
                under_way[job.name] = job
                tries[job.name] += 1
                watch.begin(job.name)
                crew.start(job)
            ended = crew.wait(watch)
            job = under_way.pop(ended.name)
            watch.end(ended.name, done=ended.failure is None)
            if ended.again and tries[job.name] < crew.tries:
                waiting.append(job)
                continue
            result = cast("Result | None", ended.result)
            outcomes[job.name] = Outcome(
                job.name, result, ended.failure, tries[job.name], ended.seconds
            )
    return [outcomes[each.name] for each in jobs]
