"""Each source of evidence by itself, on pictures whose answer is known."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from motion_seg_ros.flow.dense import pixel_grid
from motion_seg_ros.masks.fusion.background import BackgroundViews
from motion_seg_ros.masks.fusion.colour import ColourModel, colour_bins
from motion_seg_ros.masks.fusion.flow_evidence import fit_flow, flow_log_odds, flow_trust
from motion_seg_ros.masks.fusion.smoothing import EdgeAwareFilter

SIZE = (120, 160)
GRID = pixel_grid(SIZE)
DISC = np.hypot(GRID[..., 0] - 90, GRID[..., 1] - 60) < 18
FloatImage = npt.NDArray[np.float32]


def texture(seed: int, size: tuple[int, int] = SIZE) -> npt.NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    noise = rng.integers(0, 255, (*size, 3), np.uint8)
    return np.asarray(cv2.GaussianBlur(noise, (0, 0), 1.5), np.uint8)


def disc_flow(step: tuple[float, float]) -> FloatImage:
    """A camera that turns, and a disc that moves besides."""
    flow = np.float32([1.5, -0.5]) + 0.01 * (GRID - np.float32([80, 60]))
    flow[DISC] += np.float32(step)
    return np.asarray(flow, np.float32)


def test_flow_of_a_mover_disagrees() -> None:
    fit = fit_flow(disc_flow((2, 1)), GRID, np.ones(SIZE, np.float32))
    assert fit is not None
    assert fit.disagreement[DISC].min() > 8
    assert fit.disagreement[~DISC].max() < 0.5
    np.testing.assert_allclose(fit.surface[~DISC], disc_flow((0, 0))[~DISC], atol=0.02)


def test_flow_log_odds_divide_mover_and_ground() -> None:
    fit = fit_flow(disc_flow((2, 1)), GRID, np.ones(SIZE, np.float32))
    assert fit is not None
    image = texture(0)
    image[DISC] = texture(1)[DISC] // 2
    log_odds = flow_log_odds(
        fit.disagreement, np.ones(SIZE, np.float32), EdgeAwareFilter(image, 100, 10)
    )
    core = cv2.erode(DISC.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    far = cv2.dilate(DISC.astype(np.uint8), np.ones((25, 25), np.uint8)) == 0
    assert np.mean(log_odds[core]) > 0.5
    assert np.mean(log_odds[far]) < -1.5


def test_noise_of_the_flow_is_no_motion() -> None:
    noise = np.random.default_rng(0).normal(0, 0.05, (*SIZE, 2)).astype(np.float32)
    fit = fit_flow(noise, GRID, np.ones(SIZE, np.float32))
    assert fit is not None
    log_odds = flow_log_odds(
        fit.disagreement, np.ones(SIZE, np.float32), EdgeAwareFilter(texture(0), 100, 10)
    )
    assert log_odds.max() < 0


def test_chaotic_flow_has_no_fit() -> None:
    chaos = np.random.default_rng(0).normal(0, 60, (*SIZE, 2)).astype(np.float32)
    assert fit_flow(chaos, GRID, np.ones(SIZE, np.float32)) is None


def test_flow_is_not_trusted_in_flat_areas_and_where_it_does_not_lead_back() -> None:
    gray = np.ascontiguousarray(texture(0)[..., 1])
    gray[:, :60] = 100
    there = np.tile(np.float32([2, 0]), (*SIZE, 1))
    back = -there
    back[DISC] += 5
    trust = flow_trust(gray, there, back, GRID)
    assert trust[20:100, 10:50].max() < 0.05
    assert trust[50:70, 80:98].max() < 0.1
    assert np.median(trust[20:100, 120:150]) > 0.5


def test_what_no_earlier_view_shows_is_new() -> None:
    views = BackgroundViews()
    ground = texture(2, (SIZE[0], SIZE[1] + 40))
    found = None
    for index in range(5):
        image = ground[:, 4 * index : 4 * index + SIZE[1]].copy()
        if index == 4:
            image[DISC] = (20, 30, 220)
        pan = np.tile(np.float32([4, 0]), (*SIZE, 1)) if index else None
        found = views.evidence(image, GRID, pan, 1, 0.1)
    assert found is not None
    core = cv2.erode(DISC.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    ground_seen = ~DISC & (GRID[..., 0] < SIZE[1] - 30)
    assert np.mean(found[core] > 1) > 0.9
    assert np.mean(found[ground_seen] < 0) > 0.95


def test_badly_registered_views_say_little() -> None:
    images = [texture(3), texture(4)]
    said = []
    for parallax_px in (0.0, 10.0):
        views = BackgroundViews()
        still = np.zeros((*SIZE, 2), np.float32)
        views.evidence(images[0], GRID, None, 1, 0.0)
        found = views.evidence(images[1], GRID, still, 1, parallax_px)
        assert found is not None
        said.append(np.abs(found).mean())
    assert said[1] < 0.02 * said[0]


def test_the_first_view_says_nothing() -> None:
    assert BackgroundViews().evidence(texture(0), GRID, None, 1, 0.0) is None


def test_colours_are_learned() -> None:
    image = np.full((*SIZE, 3), (60, 140, 60), np.uint8)
    image[DISC] = (30, 30, 210)
    bins, model = colour_bins(image), ColourModel()
    assert not model.log_odds(bins).any()
    model.learn(bins, np.where(DISC, 0.95, 0.05).astype(np.float32))
    log_odds = model.log_odds(bins)
    assert log_odds is not None
    assert log_odds[DISC].min() > 1.5
    assert log_odds[~DISC].max() < -1.5


def test_uncertain_pixels_teach_no_colour() -> None:
    model = ColourModel()
    bins = colour_bins(texture(0))
    model.learn(bins, np.full(SIZE, 0.5, np.float32))
    assert not model.log_odds(bins).any()


def test_spreading_stops_at_edges() -> None:
    image = np.zeros((*SIZE, 3), np.uint8)
    image[:, 80:] = 255
    values, weight = np.zeros(SIZE, np.float32), np.zeros(SIZE, np.float32)
    values[60, 60] = weight[60, 60] = 1
    spread = EdgeAwareFilter(image, 500, 8).spread(values, weight, 1e-6)
    assert spread[60, 66] > 10 * max(spread[60, 90], 1e-3)
