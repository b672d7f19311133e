"""Commands with many inputs: distribution over processes, one progress bar, a table at the end."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from tqdm import tqdm

from motion_seg_ros.cli import argument_types
from motion_seg_ros.errors import MotionSegError
from motion_seg_ros.jobs import Job, Outcome, Result, run_serially, usable_cores
from motion_seg_ros.plan import uses_device, without_unused
from motion_seg_ros.settings.pipeline import Config

SHOWN_FAILURES = 5  # in the one line of an error; set by hand
SHOWN_ROWS = 20  # of the table, unless more failed; set by hand


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add --jobs and --ray; `work_through` understands them."""
    group = parser.add_argument_group("many inputs")
    group.add_argument(
        "--jobs",
        type=argument_types.positive_count,
        metavar="N",
        help="sequences processed at once, in processes that share the cores; the output is the "
        "same (default: one for each core; 1 where networks run on a device; with --ray as many as "
        "there is room for)",
    )
    group.add_argument(
        "--ray",
        metavar="ADDRESS",
        help="use the cores of a Ray cluster: auto, HOST:PORT, ray://HOST:PORT, or local for one "
        "on this machine. All nodes need this package, and input and output under the same paths "
        "(a shared file system). A job is tried three times at most",
    )


def work_through(
    arguments: argparse.Namespace, jobs: Sequence[Job[Result]], config: Config
) -> list[Outcome[Result]]:
    """Do all jobs where the options demand; one that fails does not stop the others.

    Args:
        arguments: including those of `add_options`.
        jobs: one for each sequence, which report each frame.
        config: of their pipelines.

    Raises:
        InputError: there is no cluster at the address.
        MissingDependencyError: Ray is not installed.
    """
    if not jobs:
        return []
    with _Bar(jobs) as bar:
        return _run(jobs, arguments, config, bar)


def _run(
    jobs: Sequence[Job[Result]], arguments: argparse.Namespace, config: Config, bar: _Bar
) -> list[Outcome[Result]]:
    wanted: int | None = arguments.jobs
    on_device = uses_device(without_unused(config))
    count = min(len(jobs), wanted or (1 if on_device else usable_cores()))
    if arguments.ray is None and count == 1:
        return run_serially(jobs, bar)
    from motion_seg_ros.lab.jobs.cluster import RayTasks
    from motion_seg_ros.lab.jobs.processes import Processes
    from motion_seg_ros.lab.jobs.runner import run_jobs

    if arguments.ray is None:
        return run_jobs(jobs, Processes(count), bar)
    gpu = on_device and config.device != "cpu"
    return run_jobs(jobs, RayTasks(arguments.ray, gpu=gpu, room=wanted), bar)


def check_outcomes(outcomes: Sequence[Outcome[Any]]) -> None:
    """Print the outcomes of jobs, if there were several.

    Raises:
        MotionSegError: some failed.
    """
    if len(outcomes) > 1:
        print(summary(outcomes))
    failures = {each.name: each.failure for each in outcomes if each.failure is not None}
    if not failures:
        return
    if len(outcomes) == 1:
        raise MotionSegError(*failures.values())
    by_reason: dict[str, list[str]] = {}
    for name, reason in failures.items():
        by_reason.setdefault(reason, []).append(name)
    said = [f"{_listed(names)}: {reason}" for reason, names in by_reason.items()]
    if len(said) > SHOWN_FAILURES:
        said = [*said[:SHOWN_FAILURES], f"and {len(said) - SHOWN_FAILURES} more, see above"]
    raise MotionSegError(f"{len(failures)} of {len(outcomes)} failed: {'; '.join(said)}")


def summary(outcomes: Sequence[Outcome[Any]]) -> str:
    """Return a table of outcomes: tries, seconds of the last one, reason of a failure. Of many
    jobs, it shows those that failed or were tried again first, and some of the others."""
    failed = sum(each.failure is not None for each in outcomes)
    again = sum(each.tries > 1 for each in outcomes)
    seconds = sum(each.seconds for each in outcomes)
    rows = list(outcomes)
    if len(rows) > SHOWN_ROWS:
        rows.sort(key=lambda each: (each.failure is None, each.tries <= 1))
        rows = rows[: max(SHOWN_ROWS, sum(each.failure is not None for each in rows))]
    names = [_in_a_line(each.name) for each in rows]
    width = max(8, *map(len, names))
    lines = [f"{'sequence':<{width}}  tries  seconds"]
    for name, each in zip(names, rows, strict=True):
        why = "" if each.failure is None else f"  failed: {' '.join(each.failure.split())}"
        lines.append(f"{name:<{width}}  {each.tries:>5}  {each.seconds:>7.1f}{why}")
    if len(rows) < len(outcomes):
        lines.append(f"and {len(outcomes) - len(rows)} more, done")
    lines.append(
        f"{len(outcomes) - failed} done, {failed} failed, {again} tried again; "
        f"{seconds:.1f} s of work"
    )
    return "\n".join(lines)


def _in_a_line(name: str) -> str:
    """Return a name with line breaks and unprintable characters as escapes."""
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in name)


def _listed(names: Sequence[str]) -> str:
    rest = len(names) - SHOWN_FAILURES
    return ", ".join(names[:SHOWN_FAILURES]) + (f" and {rest} more" if rest > 0 else "")


class _Bar:
    """A progress bar of the frames of all jobs. See motion_seg_ros.jobs.Watch."""

    def __init__(self, jobs: Sequence[Job[Any]]) -> None:
        self._sizes = {each.name: each.size for each in jobs}
        self._counts = dict.fromkeys(self._sizes, 0)
        self._done = 0
        known = [size for size in self._sizes.values() if size is not None]
        total = sum(known) if len(known) == len(jobs) else None
        self._bar = tqdm(total=total, unit="frame", disable=None)
        self._describe()

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def advance(self, name: str, count: int) -> None:
        """See Watch."""
        self._counts[name] += count
        self._bar.update(count)

    def end(self, name: str, *, done: bool) -> None:
        """See Watch; sets the bar to all of the job, or to none."""
        size = self._sizes[name]
        place = (self._counts[name] if size is None else size) if done else 0
        self.advance(name, place - self._counts[name])
        self._done += done
        self._describe()

    def _describe(self) -> None:
        names = list(self._sizes)
        several = f"{self._done} of {len(names)} done"
        self._bar.set_description(_in_a_line(names[0]) if len(names) == 1 else several)
