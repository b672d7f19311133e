"""Jobs as tasks of a Ray cluster."""

from __future__ import annotations

import logging
import os
import platform
import socket
import sys
from concurrent.futures import Future, wait
from typing import Any
from urllib.parse import urlsplit

import cv2

from motion_seg_ros.errors import InputError, MissingDependencyError
from motion_seg_ros.jobs import Job, Outcome, Watch, attempt, usable_cores

LOCAL = "local"
GRACE_S = 10.0  # for a connection, and for the cleaning up of cancelled tasks; set by hand
STORE_BYTES = 100_000_000  # object store, of which the small jobs and outcomes need little
_THREADS = 1

logger = logging.getLogger(__name__)


class RayTasks:
    """Tasks of one core each. See motion_seg_ros.lab.jobs.runner.Workers.

    All nodes have this package installed, and see the same files under the same paths; tasks run
    in the working folder of this process.

    Args:
        address: as of `ray.init`: auto, host:port or ray://host:port of a cluster; or local, for
            one of this machine's cores that lasts as long as the work.
        gpu: each task takes a GPU, if the cluster has any.
        room: number of tasks that may be under way; None: as many as the cluster has room for.
    """

    tries = 3

    def __init__(self, address: str, *, gpu: bool = False, room: int | None = None) -> None:
        self.room = sys.maxsize if room is None else room
        self._address = address
        self._gpu = gpu
        self._under_way: dict[Future[Any], Any] = {}  # Ray's reference to the result of a task

    def __enter__(self) -> RayTasks:
        """Connect.

        Raises:
            InputError: no cluster answers at the address.
            MissingDependencyError: Ray, or what it needs for this address, is not installed.
        """
        _check_reachable(self._address)
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # before it is loaded
        try:
            import ray
        except ImportError as error:
            raise MissingDependencyError(
                "--ray: expected Ray, which is not installed; pip install 'motion_seg_ros[ray]'"
            ) from error
        options: dict[str, Any] = {}
        if self._address == LOCAL:
            options = {
                "num_cpus": usable_cores(),
                "object_store_memory": STORE_BYTES,
                "include_dashboard": False,
            }
        try:
            ray.init(self._address, log_to_driver=False, logging_level=logging.ERROR, **options)
        except ImportError as error:
            raise MissingDependencyError(
                f"--ray {self._address}: {error}; pip install 'ray[client]'"
            ) from error
        except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
            raise _no_cluster(self._address, error) from error
        gpus = 1 if self._gpu and ray.cluster_resources().get("GPU", 0) >= 1 else 0
        # Tried again by the runner, which counts the tries.
        self._task = ray.remote(num_cpus=_THREADS, num_gpus=gpus, max_retries=0)(_attempt)
        return self

    def __exit__(self, *_: object) -> None:
        import ray

        for reference in self._under_way.values():
            ray.cancel(reference)  # a KeyboardInterrupt, after which the task cleans up
        wait(self._under_way, timeout=GRACE_S)
        ray.shutdown()

    def submit(self, job: Job[Any]) -> Future[Any]:
        """See Workers."""
        reference = self._task.options(name=job.name).remote(job, os.getcwd())
        future: Future[Any] = reference.future()
        self._under_way[future] = reference
        return future

    def report(self, watch: Watch) -> None:
        """See Workers. Ray has no cheap way to tell the progress of a task."""

    def outcome(self, job: Job[Any], future: Future[Any]) -> Outcome[Any]:
        """See Workers."""
        import ray

        del self._under_way[future]
        outcome: Outcome[Any]
        try:
            outcome, logged = future.result()
        except ray.exceptions.RayError as error:
            # An error of the task, such as that the node lacks this package, ends with its reason;
            # other errors begin with it.
            line = -1 if isinstance(error, ray.exceptions.RayTaskError) else 0
            reason = str(error).strip().split("\n")[line]
            return Outcome(job.name, failure=f"its task was lost: {reason}", transient=True)
        for level, text in logged:
            logger.log(level, "%s", text)
        return outcome


def _check_reachable(address: str) -> None:
    """Refuse HOST:PORT or ray://HOST:PORT where nothing listens: Ray would try for minutes.

    Raises:
        InputError: nothing listens there.
    """
    try:
        place = urlsplit(address if "://" in address else f"//{address}")
        if place.hostname is not None and place.port is not None:
            socket.create_connection((place.hostname, place.port), timeout=GRACE_S).close()
    except (OSError, ValueError) as error:
        raise _no_cluster(address, error) from error


def _no_cluster(address: str, error: Exception) -> InputError:
    reason = str(error).strip().partition("\n")[0] or type(error).__name__
    return InputError(
        f"--ray {address}: expected the address of a Ray cluster, found: {reason}; start one with "
        "`ray start --head`, or give `local`"
    )


class _Collect(logging.Handler):
    """Keeps log records for the process that submitted the task."""

    def __init__(self, level: int) -> None:
        super().__init__(level)
        self.records: list[tuple[int, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one record."""
        self.records.append((record.levelno, self.format(record)))


def _attempt(job: Job[Any], folder: str) -> tuple[Outcome[Any], list[tuple[int, str]]]:
    """Do a job in a folder, in a Ray worker; return its outcome and the warnings it logged."""
    try:
        os.chdir(folder)
    except OSError as error:
        reason = f"{folder}: node {platform.node()} does not see this folder: {error.strerror}"
        return Outcome(job.name, failure=reason, transient=True), []
    cv2.setNumThreads(_THREADS)
    collect = _Collect(logging.WARNING)
    root = logging.getLogger()
    root.addHandler(collect)
    try:
        return attempt(job, lambda count: None), collect.records
    finally:
        root.removeHandler(collect)
