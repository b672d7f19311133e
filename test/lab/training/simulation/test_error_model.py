"""The errors of flow: planted ones are found again, and simulated ones are what they should be."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from motion_seg_ros.errors import InputError
from motion_seg_ros.lab.synthetic import scenes
from motion_seg_ros.lab.synthetic.truth import Truth
from motion_seg_ros.lab.training.simulation import error_model
from motion_seg_ros.lab.training.simulation.error_model import (
    disagreement,
    fit_error_model,
    table,
)
from motion_seg_ros.lab.training.simulation.flow_errors import (
    FlowErrors,
    read_errors,
    shipped_errors,
    write_errors,
)
from motion_seg_ros.lab.training.simulation.flow_steps import (
    FAR_PX,
    FlowSteps,
    MeasuredScene,
    measure_scene,
    places,
    simulate_steps,
    statistics,
)
from motion_seg_ros.lab.training.simulation.simulated_flow import (
    CELL_PX,
    exact_grid,
    smooth_noise,
    upsampled,
)
from motion_seg_ros.lab.training.simulation.surface_motion import SurfaceMotion
from motion_seg_ros.lab.training.simulation.track_errors import (
    real_track_errors,
    simulated_track_errors,
)

SIZE = (160, 120)


@pytest.fixture(scope="module")
def measured() -> list[MeasuredScene]:
    return [
        measure_scene(scenes.pan_only(0, SIZE, 5)),
        measure_scene(scenes.mover_under_parallax(1, SIZE, 5)),
        measure_scene(scenes.crossing_movers(2, SIZE, 5)),
    ]


def test_the_grid_holds_the_exact_motion() -> None:
    scene = scenes.mover_under_parallax(1, SIZE, 5)
    grid = exact_grid(SurfaceMotion(scene), 2, 1, 3)
    y, x = np.indices(grid.known.shape)
    xy = np.stack((x, y), axis=-1).reshape(-1, 2) * CELL_PX + (CELL_PX - 1) / 2
    truth = Truth(scene)
    for found, other in ((grid.backward, 1), (grid.forward, 3)):
        np.testing.assert_allclose(
            found.reshape(-1, 2), truth.track(xy, 2, other).xy_px - xy, atol=1e-4
        )


def test_a_linear_field_is_upsampled_exactly() -> None:
    y, x = np.indices((30, 40)).astype(np.float32) * CELL_PX + (CELL_PX - 1) / 2
    found = upsampled(np.dstack((2 * x + y, x - 3 * y)), (119, 158))
    rows, columns = np.indices((119, 158)).astype(np.float32)
    inner = np.s_[4:-4, 4:-4]
    np.testing.assert_allclose(found[..., 0][inner], (2 * columns + rows)[inner], atol=1e-3)
    np.testing.assert_allclose(found[..., 1][inner], (columns - 3 * rows)[inner], atol=1e-3)


@pytest.mark.parametrize("length", [1.0, 8.0, 20.0])
def test_smooth_noise_has_unit_spread_and_is_alike_over_its_length(length: float) -> None:
    noise = smooth_noise(np.random.default_rng(0), (200, 200, 2), length)
    assert noise.std() == pytest.approx(1, abs=0.1)
    apart = max(1, round(length / CELL_PX))
    alike = (noise[:, apart:] * noise[:, :-apart]).mean()
    # Blurred white noise: the correlation at distance d is exp(-d^2 / (4 length^2)).
    expected = np.exp(-((apart * CELL_PX / length) ** 2) / 4)
    assert alike == pytest.approx(expected, abs=0.12)


def test_the_real_flow_is_right_far_from_boundaries(measured: list[MeasuredScene]) -> None:
    steps = measured[0].steps
    far = steps.distance > FAR_PX
    assert far.mean() > 0.5
    assert np.median(np.linalg.norm(steps.error, axis=2)[far]) < 0.1
    assert np.median(steps.mismatch[far]) < 0.3


def test_boundaries_are_found_where_the_mover_is() -> None:
    scene = scenes.one_mover_still_camera(0, SIZE, 4)
    steps = measure_scene(scene).steps
    xy = places((SIZE[1], SIZE[0]))[0].astype(np.float64)
    on_mover = Truth(scene).instances(xy, 0) != 0
    assert on_mover.any()
    assert np.isfinite(steps.distance[0, on_mover]).any()
    # The floor before its feet is nearer than the mover, everything else is farther.
    assert steps.nearer[0, on_mover & np.isfinite(steps.distance[0])].mean() > 0.6
    beside = ~on_mover & np.isfinite(steps.distance[0])
    assert beside.any()
    assert steps.nearer[0, beside].mean() < 0.4
    moved = np.linalg.norm(steps.across[0], axis=1)
    assert np.median(moved[beside]) == pytest.approx(
        np.median(np.linalg.norm(steps.exact[0, on_mover], axis=1)), rel=0.1
    )


def test_planted_errors_are_found_again(monkeypatch: pytest.MonkeyPatch) -> None:
    # Searching all of them takes minutes.
    monkeypatch.setattr(error_model, "_SEARCHED", ("noise_moving_px",))
    monkeypatch.setattr(error_model, "_CORRELATIONS", ("opposition",))
    # One scene, so that no scene is noisier than another one.
    start = replace(FlowErrors(), noise_scene_spread=0.0)
    planted = replace(start, noise_moving_px=0.15, opposition=0.5)
    clip = measure_scene(scenes.mover_under_parallax(1, SIZE, 5))

    def simulated(errors: FlowErrors, seed: int) -> FlowSteps:
        return simulate_steps(clip, errors, np.random.default_rng(seed))

    fitted = fit_error_model([replace(clip, steps=simulated(planted, 100))])
    real = statistics([simulated(planted, 200)])
    off = [disagreement(real, statistics([simulated(e, 300)])) for e in (planted, fitted, start)]
    assert off[1] < off[0] + 0.3 * (off[2] - off[0])
    median = [
        np.nanmedian(np.linalg.norm(simulated(errors, 400).error, axis=2))
        for errors in (planted, fitted, start)
    ]
    assert median[1] == pytest.approx(median[0], rel=0.25)
    assert median[2] < 0.6 * median[0]


def test_real_and_simulated_tracks_are_compared_by_the_same_measures() -> None:
    scene = scenes.pan_only(0, SIZE, 6)
    real = real_track_errors(scene)
    simulated = simulated_track_errors(scene, shipped_errors(), np.random.default_rng(0))
    for found in (real, simulated):
        old = found.age == scene.frames - 1
        assert old.sum() > 100
        assert np.nanmedian(found.drift_px[old]) < 1
        assert np.isnan(found.drift_px[found.age == 0]).all()
    flow = statistics([measure_scene(scene).steps])
    assert "mean age" in table((flow, flow), (real, simulated))


def test_errors_are_written_and_read(tmp_path: Path) -> None:
    path = tmp_path / "errors.json"
    errors = replace(FlowErrors(), kernel_px=2.345)
    write_errors(path, errors)
    assert read_errors(path) == errors


@pytest.mark.parametrize(
    "text", ["", "[]", '{"kernel_px": "wide"}', '{"kernels": 1.0}', '{"kernel_px": null}']
)
def test_a_file_of_something_else_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "errors.json"
    with pytest.raises(InputError, match=r"errors\.json"):
        read_errors(path)
    path.write_text(text)
    with pytest.raises(InputError, match=r"errors\.json"):
        read_errors(path)


def test_the_shipped_errors_are_those_of_a_tracker_that_works() -> None:
    errors = shipped_errors()
    assert all(np.isfinite(value) for value in dataclasses.astuple(errors))
    assert 0 < errors.noise_moving_px < 1
    assert 0 <= errors.opposition <= 1
    assert 0 <= errors.memory <= 1


def test_the_comparison_is_drawn(tmp_path: Path, measured: list[MeasuredScene]) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib: extra `train` is not installed")
    from motion_seg_ros.lab.training.simulation.error_plots import draw_comparison

    flow = statistics([scene.steps for scene in measured])
    tracks = real_track_errors(scenes.pan_only(0, SIZE, 4))
    path = tmp_path / "errors.png"
    draw_comparison(path, (flow, flow), (tracks, tracks))
    assert path.read_bytes()[:4] == b"\x89PNG"
