"""A corner of the ROS graph for the tests alone."""

from __future__ import annotations

import fcntl
import os
import random
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest


def reserve_domain() -> tuple[int, IO[str]]:
    """A ROS domain that nobody else here has, as long as the returned file is open."""
    for domain in random.sample(range(1, 102), 101):
        try:
            lock = (Path(tempfile.gettempdir()) / f"motion_seg_test_domain_{domain}").open("w")
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # another run's
            continue
        return domain, lock
    raise RuntimeError("all ROS domains are in use by test runs")


@pytest.fixture
def fresh_domain(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A ROS domain where nothing of an earlier test is left.

    A node of rclpy that was destroyed stays in the graph until Python collects it, and a test that
    looks for a node by its name finds it.
    """
    domain, lock = reserve_domain()
    with lock:
        monkeypatch.setenv("ROS_DOMAIN_ID", str(domain))
        yield domain


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--fuzz-examples",
        type=int,
        help="hostile inputs to try in all, others in each run; without it the same 10,000 always",
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--fuzz-examples"):
        os.environ["MOTION_SEG_FUZZ_EXAMPLES"] = str(config.getoption("--fuzz-examples"))


DOMAIN, DOMAIN_LOCK = reserve_domain()
os.environ["ROS_DOMAIN_ID"] = str(DOMAIN)
os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
LOGS = tempfile.TemporaryDirectory(prefix="motion_seg_test_log_", ignore_cleanup_errors=True)
os.environ["ROS_LOG_DIR"] = LOGS.name  # removed when the tests end
# Where ROS comes from wheels, nothing else says where they are.
os.environ.setdefault("AMENT_PREFIX_PATH", sys.prefix)
# The tests play the camera: without this, best effort loses large images. Fast DDS 2 (until Jazzy)
# reads the one, 3 the other.
for variable in ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE"):
    os.environ[variable] = str(Path(__file__).parents[1] / "config" / "fastdds_large_images.xml")
# Humble checks the fields of messages always, newer versions only when told to.
os.environ["ROS_PYTHON_CHECK_FIELDS"] = "1"
