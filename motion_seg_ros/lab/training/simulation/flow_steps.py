"""What dense flow got wrong on clips whose exact motion is known, sampled evenly over the image.

The same record is made of the real estimator's flow and of simulated flow, so that the two can be
compared number by number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from motion_seg_ros.flow.dense import DenseFlow, gradient_magnitude, pixel_grid, sample
from motion_seg_ros.lab.synthetic.renderer import Renderer
from motion_seg_ros.lab.synthetic.scene import Scene
from motion_seg_ros.lab.training.simulation.flow_errors import FlowErrors
from motion_seg_ros.lab.training.simulation.simulated_flow import (
    FlowGrid,
    FlowSimulator,
    exact_grid,
    upsampled,
)
from motion_seg_ros.lab.training.simulation.surface_motion import SurfaceMotion
from motion_seg_ros.lab.training.simulation.working_images import enlarged
from motion_seg_ros.tracking.flow import step_mismatch
from motion_seg_ros.types import BoolArray, FloatArray, Frame
from motion_seg_ros.window import SlidingWindow

STRIDE_PX = 6  # between the places looked at, working pixels
BOUNDARY_PX = 1.0  # difference of motion that makes a boundary
SEARCH_PX = 14  # how far boundaries are looked for
DIRECTIONS = 16
FAR_PX = 12  # from a boundary nothing bleeds any more


@dataclass(frozen=True, eq=False)
class FlowSteps:
    """Flow at P places over S steps of a clip; lengths in working pixels.

    Attributes:
        exact: (S, P, 2) float32 true displacement; NaN where it leads behind the camera.
        error: (S, P, 2) float32 found minus true.
        mismatch: (S, P) float32 by how much the way back misses the start, in the tracker's
            tolerances.
        texture: (S, P) float32 grey levels per pixel.
        distance: (S, P) float32 to the next place of another motion, infinite where there is none.
        across: (S, P, 2) float32 that motion minus the own one.
        nearer: (S, P) bool, whether the own place is nearer to the camera than that one.
        cells: (rows, columns) of the P places.
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
    """A rendered clip with the real flow, and all that simulating its flow needs.

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


def places(working: tuple[int, int]) -> tuple[FloatArray, tuple[int, int]]:
    """(P, 2) float32 places of a working image (h, w), and the rows and columns they stand in."""
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
    motion = SurfaceMotion(scene, renderer.geometry)
    window = SlidingWindow(2, float("inf"))
    last = scene.frames - 1
    grids = [
        exact_grid(motion, index, max(0, index - 1), min(last, index + 1))
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
        exact, context = _context(motion, rendered.index - 1, working)
        error, mismatch, end = _compared(flow.forward(frames), flow.backward(frames, 1), exact)
        rows.append((exact, error, mismatch, sample(gradient, end), *context))
    exact, error, mismatch, texture, distance, across, nearer = map(
        np.stack, zip(*rows, strict=True)
    )
    cells = places(working)[1]
    steps = FlowSteps(exact, error, mismatch, texture, distance, across, nearer, cells)
    return MeasuredScene(steps, tuple(grids), tuple(textures), working)


def simulate_steps(
    measured: MeasuredScene, errors: FlowErrors, rng: np.random.Generator
) -> FlowSteps:
    """The same steps of the same clip with simulated flow."""
    grids, textures, exact = measured.grids, measured.textures, measured.steps.exact
    simulator = FlowSimulator(errors, grids[0].known.shape, rng)
    rows = []
    for index in range(1, len(grids)):
        forward, backward = simulator.step(
            grids[index - 1], grids[index], (textures[index - 1], textures[index])
        )
        working = measured.working
        rows.append(
            _compared(upsampled(forward, working), upsampled(backward, working), exact[index - 1])
        )
    steps = measured.steps
    return FlowSteps(
        exact,
        np.stack([error for error, _, _ in rows]),
        np.stack([mismatch for _, mismatch, _ in rows]),
        steps.texture,
        steps.distance,
        steps.across,
        steps.nearer,
        steps.cells,
    )


def _compared(
    forward: FloatArray, backward: FloatArray, exact: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Error (P, 2), mismatch (P,) in tolerances, and where the places (P, 2) were led to."""
    start = places((forward.shape[0], forward.shape[1]))[0]
    step = sample(forward, start)
    end = start + step
    return step - exact, step_mismatch(step, sample(backward, end)), end


def _context(
    motion: SurfaceMotion, frame: int, working: tuple[int, int]
) -> tuple[FloatArray, tuple[FloatArray, FloatArray, BoolArray]]:
    """The exact displacement of the places (P, 2) of a frame to the next, and the next boundary:
    distance (P,), motion across it (P, 2), and whether the own side is nearer (P,)."""
    grid = pixel_grid(working).reshape(-1, 2).astype(np.float64)
    seen = motion.seen(grid, frame, (frame + 1,))
    moved = seen.moved_px[0].reshape(*working, 2).astype(np.float32)
    nearness = seen.inverse_depth.reshape(working)
    xy = places(working)[0].astype(np.int64)
    own, own_nearness = moved[xy[:, 1], xy[:, 0]], nearness[xy[:, 1], xy[:, 0]]
    distance = np.full(len(xy), np.inf, np.float32)
    across, nearer = np.zeros((len(xy), 2), np.float32), np.zeros(len(xy), bool)
    angles = np.arange(DIRECTIONS) * 2 * np.pi / DIRECTIONS
    rays = np.stack((np.cos(angles), np.sin(angles)), axis=1)
    for radius in range(SEARCH_PX, 0, -1):  # the next one is written last
        for ray in rays:
            x, y = (xy + np.rint(radius * ray).astype(np.int64)).T
            inside = (x >= 0) & (y >= 0) & (x < working[1]) & (y < working[0])
            x, y = np.where(inside, x, 0), np.where(inside, y, 0)
            difference = moved[y, x] - own
            other = inside & (np.linalg.norm(difference, axis=1) > BOUNDARY_PX)
            distance[other] = radius
            across[other] = difference[other]
            nearer[other] = own_nearness[other] > nearness[y[other], x[other]]
    return own, (distance, across, nearer)


def statistics(clips: Sequence[FlowSteps]) -> dict[str, FloatArray]:
    """What clips of steps have in common, in numbers; NaN where there are too few steps.

    Returns:
        "bleed": (2, R, D, 3) mean share of the motion across a boundary, of shares above a half,
            and between 0.15 and 0.85; by own side (farther, nearer), RELATIVE and DISTANCE bins.
        "lost": (2, R, D) steps that do not lead back.
        "error": (V, 4) quantiles QUANTILES of the error far from boundaries, by SPEED bins.
        "texture": (X, 4) the same by TEXTURE bins.
        "mismatch": (4,) quantiles of the mismatch far from boundaries.
        "alike": (4,) correlation of errors far from boundaries: one step later; 6, 12, 24 working
            pixels to the side.
    """
    exact, error, mismatch, texture, distance, across, nearer = (
        np.concatenate([getattr(clip, name).reshape(-1, *shape) for clip in clips])
        for name, shape in (
            ("exact", (2,)),
            ("error", (2,)),
            ("mismatch", ()),
            ("texture", ()),
            ("distance", ()),
            ("across", (2,)),
            ("nearer", ()),
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
        "alike": _likeness(clips),
    }


RELATIVE = (1.0, 2.0, 4.0, 8.0, 30.0)
DISTANCE = (0.5, 2.5, 4.5, 6.5, 9.5, 13.5)
SPEED = (0.0, 0.05, 0.25, 1.0, 3.0, 8.0, 30.0)
TEXTURE = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 256.0)
QUANTILES = (0.5, 0.9, 0.99, 0.999)
MIN_STEPS = 100


def _within(values: FloatArray, edges: Sequence[float], index: int) -> BoolArray:
    return np.asarray((values >= edges[index]) & (values < edges[index + 1]))


def _quantiles(values: FloatArray, chosen: Sequence[BoolArray]) -> FloatArray:
    """(len(chosen), 4) QUANTILES of some values each."""
    rows = np.full((len(chosen), len(QUANTILES)), np.nan, np.float32)
    for row, which in zip(rows, chosen, strict=True):
        if np.count_nonzero(which) >= MIN_STEPS:
            row[:] = np.quantile(values[which], QUANTILES)
    return rows


def _likeness(clips: Sequence[FlowSteps]) -> FloatArray:
    """(4,) correlation of errors far from boundaries with those one step later and 6, 12, 24
    working pixels aside."""
    products: list[list[FloatArray]] = [[], [], [], []]
    for clip in clips:
        far = (clip.distance > FAR_PX) & np.isfinite(clip.error).all(axis=2)
        if not far.any():
            continue
        # Few large errors would decide alone.
        error = np.where(far[..., None], np.clip(clip.error, -0.3, 0.3), np.nan)
        error = error.reshape(len(error), *clip.cells, 2)
        spread = np.nanstd(error) + 1e-9
        error = error / spread
        products[0].append((error[1:] * error[:-1]).ravel())
        for index, cells in enumerate((1, 2, 4)):
            products[index + 1].append((error[:, :, cells:] * error[:, :, :-cells]).ravel())
    means = [np.nanmean(np.concatenate(each)) if each else np.nan for each in products]
    return np.array(means, np.float32)
