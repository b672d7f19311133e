"""Units of work that need nothing of each other, and what becomes of them.

The same work is done in this process (jobs.serial), in processes of this machine (jobs.processes)
or as tasks of a Ray cluster (jobs.cluster); jobs.runner hands it out.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Generic, Protocol, TypeVar

from motion_seg_ros.errors import (
    ConfigError,
    FrameError,
    InputError,
    MissingDependencyError,
    MotionSegError,
)

Result = TypeVar("Result")
ResultOut = TypeVar("ResultOut", covariant=True)

Advance = Callable[[int], None]
"""Told how much more of a job is done, such as 1 for a frame."""

# Another try would end alike.
CERTAIN = (ConfigError, FrameError, InputError, MissingDependencyError)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job(Generic[ResultOut]):
    """One unit of work. All of it can be pickled, and so can what it gives.

    Attributes:
        name: unique among the jobs that run together.
        work: called as `work(*arguments, advance=...)` with an Advance; a function of a module. It
            may be begun again after it was cut off anywhere, and may then find what it had
            finished.
        arguments: see `work`.
        size: how much there is to be done, in the unit of `advance`; None: not known.
    """

    name: str
    work: Callable[..., ResultOut]
    arguments: tuple[Any, ...]
    size: int | None = None


@dataclass(frozen=True)
class Outcome(Generic[ResultOut]):
    """What became of a job.

    Attributes:
        name: of the job.
        result: what it gave; None where it failed.
        failure: one line that says why it failed; None where it did not.
        tries: how often it was begun.
        seconds: wall time of the last try; 0 where its process was lost.
    """

    name: str
    result: ResultOut | None
    failure: str | None
    tries: int
    seconds: float


@dataclass(frozen=True)
class Ended:
    """How one try at a job ended.

    Attributes:
        name: of the job.
        result: what it gave; None where it failed.
        failure: one line that says why it failed; None where it did not.
        again: whether another try may go better.
        seconds: wall time; 0 where its process was lost.
    """

    name: str
    result: Any = None
    failure: str | None = None
    again: bool = False
    seconds: float = 0.0


class Watch(Protocol):
    """Is told how all jobs come along."""

    def begin(self, name: str) -> None:
        """A try at a job begins, or will as soon as there is a worker for it."""
        ...

    def advance(self, name: str, count: int) -> None:
        """So much more of a job is done."""
        ...

    def end(self, name: str, *, done: bool) -> None:
        """A try at a job ended; it is done, or has failed."""
        ...


class Crew(Protocol):
    """Does jobs. A context manager: leaving the block ends what is under way, in order."""

    @property
    def room(self) -> int:
        """How many jobs may be under way at once."""
        ...

    @property
    def tries(self) -> int:
        """How often a job is begun at most."""
        ...

    def __enter__(self) -> Crew: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    def start(self, job: Job[Any]) -> None:
        """Begin a job; there is room for it."""
        ...

    def wait(self, watch: Watch) -> Ended:
        """Wait until one of the jobs that were started ends."""
        ...


def attempt(job: Job[Any], advance: Advance) -> Ended:
    """Do a job here and now; whatever it raises becomes a failure.

    What no user can cause is logged with its traceback.
    """
    started = time.perf_counter()
    result, failure, again = None, None, False
    try:
        result = job.work(*job.arguments, advance=advance)
    except CERTAIN as error:
        failure = str(error)
    except Exception as error:
        failure, again = _said(job.name, error), True
    return Ended(job.name, result, failure, again, time.perf_counter() - started)


def _said(name: str, error: Exception) -> str:
    if isinstance(error, MotionSegError):
        return str(error)
    if isinstance(error, OSError):
        return f"{error.filename or 'output'}: {error.strerror or error}"
    logger.error("%s: unexpected error", name, exc_info=error)
    return f"unexpected {type(error).__name__}: {error}"
