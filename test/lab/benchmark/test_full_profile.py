"""Random weights in the places of published ones, and what a run of them amounts to."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from tiny_networks import transformers_library

from motion_seg_ros.build import (
    build_depth,
    build_features,
    build_labeller,
    build_masks,
    build_tracker,
)
from motion_seg_ros.flow.dense import DenseFlow
from motion_seg_ros.lab.benchmark import full_profile
from motion_seg_ros.lab.benchmark.timing import Cost
from motion_seg_ros.plan import resolve
from motion_seg_ros.settings.pipeline import make_config
from motion_seg_ros.types import Discovery
from motion_seg_ros.weights.catalogue import PUBLISHED

transformers_library()
from motion_seg_ros.labelling.official.labeller import OfficialLabeller  # noqa: E402

needs_tapnet = pytest.mark.skipif(
    importlib.util.find_spec("tapnet") is None, reason="tapnet: not installed (it is not on PyPI)"
)


def test_frames_that_come_at_a_rate() -> None:
    def cost(rate: float | None, *frame_ms: float) -> full_profile.FullCost:
        times = Cost(frame_ms=frame_ms, stage_ms={"follow": frame_ms}, cpu_ms=1, peak_mb=1)
        searches = full_profile.Searches.of(
            [Discovery(0.1, 30, {"tracking": 20, "follow": 6}, found=1, too_late=0)] * 2
        )
        return full_profile.FullCost(
            times, rate, searches, "cpu", "float32", 1, None, None, objects=3, tracks=9
        )

    assert cost(None, 5, 15, 10).frames_per_s == pytest.approx(100)
    assert cost(10, 5, 15, 10).frames_per_s == pytest.approx(3 / 0.21)
    assert cost(10, 5, 15, 10).stage_mean_ms == pytest.approx({"follow": 14, "tracking": 40 / 3})
    assert cost(10, 5).searches == full_profile.Searches(
        (30, 30), {"tracking": (20, 20), "follow": (6, 6)}, found=2, too_late=0
    )


def test_random_weights_go_the_way_of_published_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(full_profile, "_write_tapir", lambda file, *_, **__: file.touch())
    depth = {"depth.depth_anything.weights": "depth_anything_v2_base"}
    asked = {"profile": "full", "device": "cpu", **depth}
    config = full_profile.with_random_weights(make_config(asked), tmp_path, toy=True)
    assert config.depth.depth_anything.weights == str(tmp_path / "depth_anything_v2_base")
    assert config.masks.sam2.weights == str(tmp_path / "sam2.1_hiera_tiny")
    plan = resolve(config)
    features = build_features(plan)
    assert isinstance(build_labeller(plan, features, build_depth(plan)), OfficialLabeller)
    assert build_masks(plan, DenseFlow(64)) is not None


@needs_tapnet
@pytest.mark.parametrize("causal", [False, True])
def test_toy_weights_of_tapir_are_a_smaller_network(causal: bool, tmp_path: Path) -> None:
    asked = {"profile": "full", "device": "cpu", "tracking.tapir.causal": causal}
    asked |= {f"{stage}.backend": "none" for stage in ("depth", "features")}
    asked |= {"masks.backend": "densifier", "labelling.backend": "transformer"}
    config = full_profile.with_random_weights(make_config(asked), tmp_path, toy=True)
    file = Path(config.tracking.tapir.weights)
    published = PUBLISHED["bootstapir"].megabytes
    assert published is not None
    assert file.stat().st_size < 0.6e6 * published
    assert build_tracker(resolve(config), DenseFlow(64)) is not None


def test_other_settings_stay_as_they_are(tmp_path: Path) -> None:
    asked = {"profile": "full", "device": "cpu", "tracking.backend": "flow", "window.size": 9}
    asked |= {f"{stage}.backend": "none" for stage in ("depth", "features")}
    asked |= {"masks.backend": "densifier", "labelling.backend": "transformer"}
    config = make_config(asked)
    assert full_profile.with_random_weights(config, tmp_path, toy=True) == config
    assert not list(tmp_path.iterdir())
