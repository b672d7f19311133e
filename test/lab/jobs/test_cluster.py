"""Jobs as tasks of a real Ray cluster: two nodes of one core each, on this machine."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import recordings
import small_jobs
from checkout import SUPPORT
from deadly_source import DeadlySource
from tally import Tally

from motion_seg_ros.cli import main, segment_inputs
from motion_seg_ros.errors import InputError, MissingDependencyError
from motion_seg_ros.io.sources import open_source
from motion_seg_ros.jobs import Job
from motion_seg_ros.lab.evaluation.results import read_results
from motion_seg_ros.lab.jobs.cluster import RayTasks
from motion_seg_ros.lab.jobs.runner import run_jobs

STORE_BYTES = 100_000_000
WITHOUT_NETWORKS = ("--set", "masks.backend=densifier", "--set", "labelling.backend=geometric")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Tests of the cluster."""
    cluster_utils = pytest.importorskip(
        "ray.cluster_utils", reason="ray: not installed (pip install 'motion_seg_ros[ray]')"
    )
    node = {"num_cpus": 1, "object_store_memory": STORE_BYTES}
    head = {**node, "include_dashboard": False}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))  # Ray keeps a token there
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        # The workers import small_jobs, and the package that is tested here.
        patch.setenv("PYTHONPATH", os.pathsep.join([str(SUPPORT), *sys.path]))
        cluster = cluster_utils.Cluster(initialize_head=True, head_node_args=head)
        try:
            cluster.add_node(**node)
            yield cluster.address
        finally:
            cluster.shutdown()


def test_jobs_are_done_failed_and_tried_again(
    address: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    jobs: list[Job[object]] = [
        Job("here", small_jobs.meet, (here, there)),
        Job("there", small_jobs.meet, (there, here)),
        Job("victim", small_jobs.die, (tmp_path / "died",)),
        Job("stumbler", small_jobs.stumble, (tmp_path / "stumbled",)),
        Job("refused", small_jobs.refuse, ()),
        Job("lost", small_jobs.die_always, ()),
        Job("warner", small_jobs.warn, ()),
        Job("threads", small_jobs.threads, ()),
    ]
    tally = Tally()
    outcomes = {each.name: each for each in run_jobs(jobs, RayTasks(address), tally)}
    assert list(outcomes) == [each.name for each in jobs]
    assert outcomes["here"].result != outcomes["there"].result  # two processes at once
    tries = {name: (each.tries, each.failure is None) for name, each in outcomes.items()}
    assert tries == {
        "here": (1, True),
        "there": (1, True),
        "victim": (2, True),
        "stumbler": (2, True),
        "refused": (1, False),
        "lost": (3, False),
        "warner": (1, True),
        "threads": (1, True),
    }
    assert outcomes["refused"].failure == "x.png: expected an image, found none; replace it"
    assert (outcomes["lost"].failure or "").startswith("its task was lost: ")
    assert [each.getMessage() for each in caplog.records] == ["half of it is missing"]
    assert outcomes["threads"].result == (1, "1")
    assert [what for what, name in tally.events if name == "lost"] == ["failed"] * 3


def test_segment_survives_a_killed_worker(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = [str(tmp_path / name) for name in ("one", "two")]
    for index, each in enumerate(inputs):
        recordings.write_images(Path(each), recordings.pan(5, (160, 120), seed=index))
    alone, spread = tmp_path / "alone", tmp_path / "spread"
    assert main.main(["segment", *inputs, *WITHOUT_NETWORKS, "-o", str(alone), "--jobs", "1"]) == 0

    flag = tmp_path / "killed"
    monkeypatch.setattr(
        segment_inputs,
        "open_sources",
        lambda path, **options: [DeadlySource(open_source(path), flag)],
    )
    monkeypatch.chdir(tmp_path)  # relative paths mean the same to the workers
    arguments = ["segment", "one", "two", *WITHOUT_NETWORKS, "-o", "spread", "--ray", address]
    assert main.main(arguments) == 0
    assert flag.exists()
    files = {each.relative_to(alone) for each in alone.rglob("*")}
    assert files == {each.relative_to(spread) for each in spread.rglob("*")}
    for each in files:
        if (alone / each).is_file():
            assert (alone / each).read_bytes() == (spread / each).read_bytes()


def test_evaluate_gives_the_same_as_here(address: str, tmp_path: Path) -> None:
    square = np.zeros((72, 96, 3), np.uint8)
    square[20:50, 30:60] = 255
    for index, name in enumerate(("one", "two")):
        recordings.write_images(tmp_path / "frames" / name, recordings.pan(4, seed=index))
        recordings.write_images(tmp_path / "masks" / name, [square] * 4)
    words = ["evaluate", "--dataset", "folder", "--root", str(tmp_path / "frames")]
    words += ["--truth", str(tmp_path / "masks"), "--against", "mog2", *WITHOUT_NETWORKS]
    for out, options in (("here", ["--jobs", "1"]), ("there", ["--ray", address])):
        assert main.main([*words, "-o", str(tmp_path / out), *options]) == 0
    here, there = read_results(tmp_path / "here"), read_results(tmp_path / "there")
    for one, other in ((here.scores, there.scores), (here.against["mog2"], there.against["mog2"])):
        assert list(one.per_sequence) == list(other.per_sequence) == ["one", "two"]
        assert (one.J_mean, one.F_mean) == (other.J_mean, other.F_mean)
        for name in one.per_sequence:
            assert one.per_sequence[name].per_frame == other.per_sequence[name].per_frame


def test_interrupt_cancels_the_tasks_which_clean_up(address: str, tmp_path: Path) -> None:
    def begin_and_interrupt() -> None:
        with RayTasks(address) as workers:
            workers.submit(Job("long", small_jobs.linger, (tmp_path / "long",)))
            deadline = time.monotonic() + 60
            while not (tmp_path / "long.pid").exists():
                assert time.monotonic() < deadline
                time.sleep(0.02)
            assert list(tmp_path.glob(".long.partial-*"))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        begin_and_interrupt()
    assert [each.name for each in tmp_path.iterdir()] == ["long.pid"]


@pytest.mark.parametrize("wrong", ["here", "127.0.0.1:1", "ray://127.0.0.1:1", "host:port"])
def test_wrong_address_is_named(wrong: str) -> None:
    pytest.importorskip("ray", reason="ray: not installed (pip install 'motion_seg_ros[ray]')")
    with pytest.raises(InputError, match=f"--ray {wrong}: expected the address of a Ray cluster"):
        RayTasks(wrong).__enter__()


def test_without_ray_the_install_command_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'motion_seg_ros\[ray\]'"):
        RayTasks("auto").__enter__()
