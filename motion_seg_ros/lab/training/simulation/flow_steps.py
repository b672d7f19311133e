"""Errors of dense flow on clips with exact motion, sampled on a regular grid over the image.

The real estimator and the simulated flow are measured alike, so that the two can be compared number
by number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from motion_seg_ros.flow.dense import DenseFlow, gradient_magnitude, pixel_grid, sample
from motion_seg_ros.lab.synthetic.renderer import Renderer
from motion_seg_ros.lab.synthetic.scene import Scene
from motion_seg_ros.lab.synthetic.truth import GroundTruth
from motion_seg_ros.lab.training.simulation.flow_errors import FlowErrors
from motion_seg_ros.lab.training.simulation.simulated_flow import (
    FlowGrid,
    FlowSimulator,
    exact_grid,
    upsampled,
)
from motion_seg_ros.lab.training.simulation.working_images import enlarged
from motion_seg_ros.tracking.flow import step_mismatch
from motion_seg_ros.types import BoolArray, FloatArray, Frame
from motion_seg_ros.window import SlidingWindow

# Set by hand, in working pixels: the spacing of the samples, the difference of motion that makes a
# motion boundary, and how far boundaries are searched for, in DIRECTIONS directions.
STRIDE_PX = 6
BOUNDARY_PX = 1.0
SEARCH_PX = 14
DIRECTIONS = 16
FAR_PX = 12  # from a boundary, where nothing bleeds any more
# Bins of `statistics`, set by hand.
RELATIVE = (1.0, 2.0, 4.0, 8.0, 30.0)
DISTANCE = (0.5, 2.5, 4.5, 6.5, 9.5, 13.5)
SPEED = (0.0, 0.05, 0.25, 1.0, 3.0, 8.0, 30.0)
TEXTURE = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 256.0)
QUANTILES = (0.5, 0.9, 0.99, 0.999)
MIN_STEPS = 100  # of a bin


@dataclass(frozen=True, eq=False)
class FlowSteps:
    """Flow at P samples over S steps of a clip; lengths in working pixels.

    Attributes:
        exact: (S, P, 2) float32 true displacement; NaN where it leads behind the camera.
        error: (S, P, 2) float32 estimated minus true.
        mismatch: (S, P) float32 forward-backward error, in the tracker's tolerances.
        texture: (S, P) float32 grey levels per pixel.
        distance: (S, P) float32 to the next motion boundary, infinite where there is none.
        across: (S, P, 2) float32 motion across that boundary minus the sample's own.
        nearer: (S, P) bool, True where the sample is nearer to the camera than what is across.
        cells: (rows, columns) of the P samples.
    """

    exact: FloatArray
    error: FloatArray
    mismatch: FloatArray
    texture: FloatArray
    distance: FloatArray
    across: FloatArray
    nearer: BoolArray
    cells: tuple[int, int]


@dataclass(frozen=True, eq=False)
class MeasuredScene:
    """A rendered clip with the real flow, and the input of its simulation.

    Attributes:
        steps: of the real estimator.
        grids: exact motion at each frame.
        textures: (gh, gw) float32 at each frame.
        working: h, w of the working images.
    """

    steps: FlowSteps
    grids: tuple[FlowGrid, ...]
    textures: tuple[FloatArray, ...]
    working: tuple[int, int]


def sample_grid(working: tuple[int, int]) -> tuple[FloatArray, tuple[int, int]]:
    """Return sample positions (P, 2) float32 of a working image (h, w), and their rows and
    columns."""
    height, width = working
    rows = np.arange(STRIDE_PX // 2, height, STRIDE_PX, dtype=np.float32)
    columns = np.arange(STRIDE_PX // 2, width, STRIDE_PX, dtype=np.float32)
    x, y = np.meshgrid(columns, rows)
    return np.stack((x.ravel(), y.ravel()), axis=1), (len(rows), len(columns))


def measure_scene(scene: Scene) -> MeasuredScene:
    """Render a clip, run the real estimator over it, and compare with the exact motion.

    The scene's pixels are the working pixels.
    """
    working = (scene.camera.height, scene.camera.width)
    renderer, flow = Renderer(scene), DenseFlow(max(working))
    truth = GroundTruth(scene, renderer.geometry)
    window = SlidingWindow(2, float("inf"))
    last = scene.frames - 1
    grids = [
        exact_grid(truth, index, max(0, index - 1), min(last, index + 1))
        for index in range(scene.frames)
    ]
    rows, textures = [], []
    for rendered in renderer:
        frames = window.push(Frame(enlarged(rendered.image_bgr), rendered.stamp_ns))
        gradient = gradient_magnitude(flow.image(frames).gray)
        shape = grids[0].known.shape
        textures.append(
            np.asarray(cv2.resize(gradient, shape[::-1], interpolation=cv2.INTER_AREA), np.float32)
        )
        if rendered.index == 0:
            continue
        exact, context = _context(truth, rendered.index - 1, working)
        error, mismatch, end = _compared(flow.forward(frames), flow.backward(frames, 1), exact)
        rows.append((exact, error, mismatch, sample(gradient, end), *context))
    exact, error, mismatch, texture, distance, across, nearer = map(
        np.stack, zip(*rows, strict=True)
    )
    cells = sample_grid(working)[1]
    steps = FlowSteps(exact, error, mismatch, texture, distance, across, nearer, cells)
    return MeasuredScene(steps, tuple(grids), tuple(textures), working)


def simulate_steps(
    measured: MeasuredScene, errors: FlowErrors, rng: np.random.Generator
) -> FlowSteps:
    """Return the same steps of the same clip with simulated flow."""
    grids, textures, working = measured.grids, measured.textures, measured.working
    simulator = FlowSimulator(errors, grids[0].known.shape, rng)
    rows = []
    for index, exact in enumerate(measured.steps.exact):
        forward, backward = simulator.step(
            grids[index], grids[index + 1], (textures[index], textures[index + 1])
        )
        rows.append(_compared(upsampled(forward, working), upsampled(backward, working), exact))
    error, mismatch, _ = map(np.stack, zip(*rows, strict=True))
    return replace(measured.steps, error=error, mismatch=mismatch)


def _compared(
    forward: FloatArray, backward: FloatArray, exact: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the error (P, 2), the mismatch (P,) in tolerances, and the end positions (P, 2)."""
    start = sample_grid((forward.shape[0], forward.shape[1]))[0]
    step = sample(forward, start)
    end = start + step
    return step - exact, step_mismatch(step, sample(backward, end)), end


def _context(
    truth: GroundTruth, frame: int, working: tuple[int, int]
) -> tuple[FloatArray, tuple[FloatArray, FloatArray, BoolArray]]:
    """Return the exact displacement (P, 2) of the samples to the next frame, and their next motion
    boundary: `distance`, `across` and `nearer` of FlowSteps."""
    grid = pixel_grid(working).reshape(-1, 2).astype(np.float64)
    seen = truth.surface_motion(grid, frame, (frame + 1,))
    moved = seen.moved_px[0].reshape(*working, 2).astype(np.float32)
    inverse_depth = seen.inverse_depth.reshape(working)
    xy = sample_grid(working)[0].astype(np.int64)
    own, own_inverse_depth = moved[xy[:, 1], xy[:, 0]], inverse_depth[xy[:, 1], xy[:, 0]]
    distance = np.full(len(xy), np.inf, np.float32)
    across, nearer = np.zeros((len(xy), 2), np.float32), np.zeros(len(xy), bool)
    angles = np.arange(DIRECTIONS) * 2 * np.pi / DIRECTIONS
    rays = np.stack((np.cos(angles), np.sin(angles)), axis=1)
    for radius in range(SEARCH_PX, 0, -1):  # the nearest boundary is written last
        for ray in rays:
            x, y = (xy + np.rint(radius * ray).astype(np.int64)).T
            inside = (x >= 0) & (y >= 0) & (x < working[1]) & (y < working[0])
            x, y = np.where(inside, x, 0), np.where(inside, y, 0)
            difference = moved[y, x] - own
            other = inside & (np.linalg.norm(difference, axis=1) > BOUNDARY_PX)
            distance[other] = radius
            across[other] = difference[other]
            nearer[other] = own_inverse_depth[other] > inverse_depth[y[other], x[other]]
    return own, (distance, across, nearer)


def statistics(clips: Sequence[FlowSteps]) -> dict[str, FloatArray]:
    """Return statistics of the flow errors of clips; NaN where there are too few steps.

    Returns:
        "bleed": (2, R, D, 3) mean share of the motion across a boundary, share of steps with more
            than half of it, and with 0.15 to 0.85 of it; by side (farther, nearer), RELATIVE and
            DISTANCE bins.
        "lost": (2, R, D) share of steps beyond the forward-backward tolerance.
        "error": (V, 4) quantiles QUANTILES of the error far from boundaries, by SPEED bins.
        "texture": (X, 4) the same by TEXTURE bins.
        "mismatch": (4,) quantiles of the mismatch far from boundaries.
        "correlation": (4,) of errors far from boundaries: with the next step; with samples 6, 12
            and 24 working pixels to the side.
    """
    exact, error, mismatch, texture, distance, across, nearer = (
        np.concatenate([getattr(clip, name).reshape(-1, *shape) for clip in clips])
        for name, shape in (
            *(("exact", (2,)), ("error", (2,)), ("mismatch", ()), ("texture", ())),
            *(("distance", ()), ("across", (2,)), ("nearer", ())),
        )
    )
    known = np.isfinite(exact).all(axis=1) & np.isfinite(across).all(axis=1)
    far = known & (distance > FAR_PX)
    size, speed = np.linalg.norm(error, axis=1), np.linalg.norm(exact, axis=1)
    relative = np.linalg.norm(across, axis=1)
    share = np.clip((error * across).sum(axis=1) / np.maximum(relative, 1e-6) ** 2, 0, 1)
    bleed = np.full((2, len(RELATIVE) - 1, len(DISTANCE) - 1, 3), np.nan, np.float32)
    lost = np.full(bleed.shape[:3], np.nan, np.float32)
    for side, r, d in np.ndindex(*lost.shape):
        chosen = known & (nearer == bool(side)) & _within(relative, RELATIVE, r)
        chosen &= _within(distance, DISTANCE, d)
        if np.count_nonzero(chosen) >= MIN_STEPS:
            found = share[chosen]
            mixed = (found > 0.15) & (found < 0.85)
            bleed[side, r, d] = found.mean(), (found > 0.5).mean(), mixed.mean()
            lost[side, r, d] = (mismatch[chosen] > 1).mean()
    return {
        "bleed": bleed,
        "lost": lost,
        "error": _quantiles(size, [far & _within(speed, SPEED, i) for i in range(len(SPEED) - 1)]),
        "texture": _quantiles(
            size, [far & _within(texture, TEXTURE, i) for i in range(len(TEXTURE) - 1)]
        ),
        "mismatch": _quantiles(mismatch, [far])[0],
        "correlation": _correlation(clips),
    }


def _within(values: FloatArray, edges: Sequence[float], index: int) -> BoolArray:
    return np.asarray((values >= edges[index]) & (values < edges[index + 1]))


def _quantiles(values: FloatArray, chosen: Sequence[BoolArray]) -> FloatArray:
    """Return QUANTILES (len(chosen), 4) of the chosen values of each row."""
    rows = np.full((len(chosen), len(QUANTILES)), np.nan, np.float32)
    for row, which in zip(rows, chosen, strict=True):
        if np.count_nonzero(which) >= MIN_STEPS:
            row[:] = np.quantile(values[which], QUANTILES)
    return rows


def _correlation(clips: Sequence[FlowSteps]) -> FloatArray:
    """Return the "correlation" (4,) of `statistics`."""
    products: list[list[FloatArray]] = [[], [], [], []]
    for clip in clips:
        far = (clip.distance > FAR_PX) & np.isfinite(clip.error).all(axis=2)
        if not far.any():
            continue
        # A few large errors would decide alone.
        error = np.where(far[..., None], np.clip(clip.error, -0.3, 0.3), np.nan)
        error = error.reshape(len(error), *clip.cells, 2)
        spread = np.nanstd(error) + 1e-9
        error = error / spread
        products[0].append((error[1:] * error[:-1]).ravel())
        for index, cells in enumerate((1, 2, 4)):
            products[index + 1].append((error[:, :, cells:] * error[:, :, :-cells]).ravel())
    means = [np.nanmean(np.concatenate(each)) if each else np.nan for each in products]
    return np.array(means, np.float32)
