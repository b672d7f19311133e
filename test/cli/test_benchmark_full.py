"""`motion_seg benchmark --random-weights`, with toy networks on the CPU."""

from __future__ import annotations

import importlib.util
import json
import pickle
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from idle_follower import IdleFollower
from tiny_networks import transformers_library

from motion_seg_ros.cli import main
from motion_seg_ros.lab.benchmark import full_profile
from motion_seg_ros.tracking.tapir.tracker import TapirTracker

transformers_library()
import torch  # noqa: E402

from motion_seg_ros.tracking.tapir import network as tapir_network  # noqa: E402

TOY = ["--profile", "full", "--random-weights", "--size", "toy"]
SHORT = ["--frame-size", "96x64", "--frames", "16", "--official-frames", "4"]
SMALL = ["--set", "window.size=4", "--set", "labelling.interval=1"]
FLOW = ["--set", "tracking.backend=flow", "--set", "labelling.backend=geometric"]
needs_tapnet = pytest.mark.skipif(
    importlib.util.find_spec("tapnet") is None, reason="tapnet: not installed (it is not on PyPI)"
)


@pytest.fixture(autouse=True)
def _in_this_process(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Each process of its own would load the libraries anew, which takes seconds."""

    def call(function: Any, *arguments: Any) -> Any:
        # What would go to another process and back must be able to.
        function, arguments = pickle.loads(pickle.dumps((function, arguments)))
        return pickle.loads(pickle.dumps(function(*arguments)))

    monkeypatch.setattr(full_profile, "in_own_process", call)
    threads = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    yield
    torch.set_num_threads(threads[0])
    cv2.setNumThreads(threads[1])


@pytest.fixture
def idle_tapir(monkeypatch: pytest.MonkeyPatch) -> None:
    """No tracker's network runs, ours or the authors'."""

    def load(tracker: type[TapirTracker], weights: Path, **settings: Any) -> TapirTracker:
        assert weights.is_file()
        return tracker(
            IdleFollower(), points=settings["points"], query_interval=settings["query_interval"]
        )

    monkeypatch.setattr(TapirTracker, "load", classmethod(load))
    monkeypatch.setattr(full_profile, "_write_tapir", lambda file, *_, **__: file.touch())
    monkeypatch.setattr(tapir_network, "TapnetNetwork", lambda *_, **__: None)


def run(*arguments: str) -> int:
    return main.main(["benchmark", *TOY, *SHORT, "--device", "cpu", *arguments])


def values(said: str, name: str) -> list[float]:
    """The first number behind a name, of all lines that begin with it."""
    lines = (each for each in said.splitlines() if each.startswith(name))
    return [float(line.removeprefix(name).split()[0]) for line in lines]


def test_prints_and_writes_figures_that_agree(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], idle_tapir: None
) -> None:
    file = tmp_path / "cost.json"
    against = ["--against", "official-schedule", "--json", str(file)]
    assert run(*SMALL, *against) == 0
    said, figures = capsys.readouterr().out, json.loads(file.read_text())
    assert figures["size_px"] == [96, 64]
    assert (figures["warm_up"], figures["frames"]) == (8, 8)
    assert figures["backends"] == {
        "tracking": "tapir",
        "depth": "depth_anything",
        "features": "dino",
        "labelling": "official",
        "masks": "sam2",
    }
    in_step, live = figures["in_step"], figures["live"]
    assert set(in_step["cost"]["stage_ms"]) == {*figures["backends"], "geometry"}
    assert {"follow", "masks"} <= set(live["cost"]["stage_ms"])
    frame_ms = [each["cost"]["frame_ms"] for each in (in_step, live)]
    for each, ms in zip((in_step, live), frame_ms, strict=True):
        assert each["device"] == "cpu"
        assert each["allocated_mb"] is None, "no GPU memory on a CPU"
        assert 2 < each["objects"] <= 3
        assert len(ms) == 8
        assert each["frames_per_s"] == pytest.approx(1e3 / np.mean(ms))
        assert each["frame_to_mask_p95_ms"] == pytest.approx(np.percentile(ms, 95))
    assert values(said, "frame to mask") == pytest.approx(np.median(frame_ms, axis=1), abs=0.1)
    assert in_step["searches"] is None
    floor = figures["floor"]
    slowest = max(
        floor["work"]["flops"] / floor["rates"]["flops_per_s"],
        floor["work"]["bytes"] / floor["rates"]["bytes_per_s"],
    )
    assert floor["ms"] == pytest.approx(1e3 * slowest)
    assert floor["work"]["flops"] > 1e7
    over = np.mean(frame_ms[0]) / floor["ms"]
    assert floor["mean_frame_in_step_over_floor"] == pytest.approx(over)
    official = figures["official_schedule"]
    assert official["frames"] == 4
    per_s = 1e3 * 4 / sum(official["stage_ms"].values())
    assert official["frames_per_s"] == pytest.approx(per_s)
    ratios = {
        name: figures[name]["frames_per_s"] / official["frames_per_s"]
        for name in ("in_step", "live")
    }
    assert figures["frames_per_s_over_official"] == pytest.approx(ratios)
    for name, ratio in ratios.items():
        line = next(each for each in said.splitlines() if f", {name.replace('_', ' ')} /" in each)
        assert float(line.split()[-1]) == pytest.approx(ratio, abs=0.01)
    assert not {"J_mean", "F_mean"} & figures.keys(), "nothing that depends on what was learned"


def test_in_step_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*FLOW, *SMALL, "--set", "masks.sam2.discovery=in_step", "--objects", "1") == 0
    said = capsys.readouterr().out
    assert len(values(said, "frame to mask")) == 1
    assert "official" not in said
    assert not values(said, "depth"), "the labelling takes none"
    assert values(said, "objects in sight, mean") == [pytest.approx(1, abs=0.2)]


def test_ours_is_told_where_theirs_does_not_fit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from motion_seg_ros.lab.benchmark import official_schedule

    def full(*_: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 1 TiB")

    monkeypatch.setattr(official_schedule, "run_official", full)
    file = tmp_path / "cost.json"
    alone = ["--set", "masks.sam2.discovery=in_step", "--json", str(file)]
    assert run(*FLOW, *SMALL, *alone, "--against", "official-schedule") == 2
    said = capsys.readouterr()
    assert "the authors' schedule: expected enough memory" in said.err
    assert len(said.err.splitlines()) == 1
    assert len(values(said.out, "frame to mask")) == 1
    assert json.loads(file.read_text())["in_step"]["frames_per_s"] > 0


def test_what_of_the_authors_schedule_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    against = ["--against", "official-schedule", "--official-frames", "2"]
    assert run(*FLOW, *SMALL, "--set", "masks.sam2.discovery=in_step", *against) == 0
    said = capsys.readouterr().out
    left_out = [each.split()[0] for each in said.splitlines() if "not run" in each]
    assert left_out == ["tracking", "depth", "features", "geometry"]


@needs_tapnet
def test_with_tapir_too(capsys: pytest.CaptureFixture[str]) -> None:
    few = ["--set", "tracking.tapir.points=60", "--set", "tracking.tapir.tail=1", "--frames", "12"]
    assert run(*SMALL, *few, "--against", "official-schedule", "--official-frames", "2") == 0
    said = capsys.readouterr().out
    assert "not run" not in said
    assert "tapir" in said


def test_without_tapnet_its_installation_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tapnet", None)
    monkeypatch.setitem(sys.modules, "tapnet.torch.tapir_model", None)
    assert run() == 2
    said = capsys.readouterr().err
    assert "pip install --no-deps git+https://github.com/google-deepmind/tapnet" in said
    assert "tracking.backend flow" in said
    assert len(said.splitlines()) == 1


def test_without_a_gpu_that_is_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for device in ([], ["--device", "cuda"]):  # cuda is what the profile asks for
        assert main.main(["benchmark", *TOY, *device, *FLOW]) == 2
        assert "device cuda: expected that GPU" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--random-weights", "--size", "toy"], "expected masks.backend sam2, found learned"),
        (["--size", "published"], "benchmark --size published: expected --random-weights"),
        (["--against", "official-schedule"], "expected --random-weights beside it"),
        ([*TOY, "--device", "cpu", "--input", "x.mp4"], "expected no --input, found x.mp4"),
        ([*TOY, "--device", "cpu", "--objects", "0"], "--objects: expected 1 to 12"),
        ([*TOY, "--device", "cpu", *FLOW, "--frames", "10"], "expected at least 16 frames"),
        ([*TOY, "--device", "cpu", *FLOW, "--official-frames", "33"], "expected 2 to 32"),
        (
            [*TOY, "--device", "cpu", "--set", "features.dino.weights=dinov3"],
            "random weights: expected one of dinov2_small",
        ),
        (
            [*TOY, "--device", "cpu", "--set", "tracking.backend=flow"],
            "set tracking.backend=tapir, or labelling.backend=transformer",
        ),
    ],
)
def test_what_cannot_be_measured_is_refused(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(["benchmark", *arguments]) == 2
    found = capsys.readouterr().err
    assert said in found
    assert len(found.splitlines()) == 1
