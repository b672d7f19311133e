"""Jobs as tasks of a Ray cluster."""

from __future__ import annotations

import logging
import os
import platform
import socket
import sys
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from motion_seg_ros.errors import InputError, MissingDependencyError
from motion_seg_ros.lab.jobs.base import Ended, Job, Watch, attempt
from motion_seg_ros.lab.jobs.threads import limit_opencv, usable_cores

LOCAL = "local"
GRACE_S = 10.0
STORE_BYTES = 100_000_000  # for objects; what tasks are given and give is small
_THREADS = 1

logger = logging.getLogger(__name__)


class RayTasks:
    """Does each job as a task on one core of a cluster, tried again where it or its process fails.
    See motion_seg_ros.lab.jobs.base.Crew.

    All nodes have this package installed, and see the same files under the same names; tasks run
    in the folder that this process is in.

    Args:
        address: as of `ray.init`: auto, host:port or ray://host:port of a cluster; or local, for
            one of this machine's cores that lasts as long as the work.
        gpu: each task takes a GPU, if the cluster has any.
        room: how many tasks may be under way; None: as many as the cluster has room for.
    """

    tries = 3

    def __init__(self, address: str, *, gpu: bool = False, room: int | None = None) -> None:
        self.room = sys.maxsize if room is None else room
        self._address = address
        self._gpu = gpu
        self._under_way: dict[Any, str] = {}  # by Ray's reference to what the task will give

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

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        import ray

        for each in self._under_way:
            ray.cancel(each)  # a KeyboardInterrupt, after which the task cleans up
        if self._under_way:
            ray.wait(list(self._under_way), num_returns=len(self._under_way), timeout=GRACE_S)
        self._under_way.clear()
        ray.shutdown()

    def start(self, job: Job[Any]) -> None:
        """See Crew."""
        self._under_way[self._task.options(name=job.name).remote(job, os.getcwd())] = job.name

    def wait(self, watch: Watch) -> Ended:
        """See Crew. Ray tells of a job only when it has ended."""
        import ray

        (first, *_), _ = ray.wait(list(self._under_way), num_returns=1)
        name = self._under_way.pop(first)
        try:
            ended, logged = ray.get(first)
        except ray.exceptions.RayError as error:
            # An error of the task, such as that the node lacks this package, ends with its reason;
            # of others the first line says what happened.
            line = -1 if isinstance(error, ray.exceptions.RayTaskError) else 0
            reason = str(error).strip().split("\n")[line]
            return Ended(name, failure=f"its task was lost: {reason}", again=True)
        for level, text in logged:
            logger.log(level, "%s", text)
        assert isinstance(ended, Ended)
        return ended


def _check_reachable(address: str) -> None:
    """Look whether anything listens at HOST:PORT or ray://HOST:PORT; Ray tries for minutes.

    Raises:
        InputError: nothing does.
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
    """Keeps what is logged, to be said where the user is."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[tuple[int, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one record."""
        self.said.append((record.levelno, self.format(record)))


def _attempt(job: Job[Any], folder: str) -> tuple[Ended, list[tuple[int, str]]]:
    """Do a job in a folder, in a Ray worker; how it ended, and what was logged meanwhile."""
    try:
        os.chdir(folder)
    except OSError as error:
        why = f"{folder}: node {platform.node()} does not see this folder: {error.strerror}"
        return Ended(job.name, failure=why, again=True), []
    limit_opencv(_THREADS)
    collect = _Collect()
    root = logging.getLogger()
    root.addHandler(collect)
    collect.setLevel(logging.WARNING)
    try:
        return attempt(job, _nobody_listens), collect.said
    finally:
        root.removeHandler(collect)


def _nobody_listens(count: int) -> None:
    """Ray has no cheap way to tell how a task comes along."""
