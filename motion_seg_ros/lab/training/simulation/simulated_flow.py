"""Dense flow as the real estimator would have found it, from the exact motion of a scene.

The estimator (DIS; Kroeger et al., ECCV 2016) matches patches from coarse to fine. Its flow at a
point is a mean of the motions around it, in which textured surfaces count more, and so do near
ones, which keep their texture while the far ones are covered. A motion that differs from the
coarser estimate by more than a patch can reach is not found: the coarser one stays. The model does
the same to the exact motion on a coarse grid, and adds smooth noise. Forward and backward flow are
computed from the same images: their errors are mostly opposite, so that the forward-backward check
does not see them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from motion_seg_ros.lab.synthetic.truth import GroundTruth
from motion_seg_ros.lab.training.simulation.flow_errors import FlowErrors
from motion_seg_ros.types import FloatArray

# Set by hand.
CELL_PX = 4  # of the grid, working pixels
SCALES = 3  # kernels, each twice as wide as the one before
HALF_NOISE_SPEED_PX = 0.3  # at which noise is half of a moving image's: a still one matches itself
NOISE_LIMIT_PX = 8.0  # even a lost match stays near its surroundings
NEAREST_PER_M = 0.02  # added to inverse depth, so that the sky counts a little
TEXTURE_FLOOR = 0.3  # added to texture, grey levels per pixel
AMPLITUDE_MEMORY = 0.9  # correlation of the noise amplitude from frame to frame
TEXTURE_MEMORY = 0.9


class FlowGrid(NamedTuple):
    """Exact motion at the cell centres of one frame; gh rows, gw columns.

    Attributes:
        backward, forward: (gh, gw, 2) float32 displacement to the frame before and after, working
            pixels.
        known: (gh, gw) float32 1, or 0 where a displacement leads behind the camera.
        inverse_depth: (gh, gw) float32 1/m.
        piece: (gh, gw) int16 index of the surface.
    """

    backward: FloatArray
    forward: FloatArray
    known: FloatArray
    inverse_depth: FloatArray
    piece: npt.NDArray[np.int16]


def exact_grid(truth: GroundTruth, frame: int, before: int, after: int) -> FlowGrid:
    """Return the exact motion at the grid of a frame, to the frames before and after."""
    camera = truth.scene.camera
    offset = (CELL_PX - 1) / 2
    x, y = np.meshgrid(
        np.arange(0, camera.width, CELL_PX) + offset, np.arange(0, camera.height, CELL_PX) + offset
    )
    xy_px = np.stack((x.ravel(), y.ravel()), axis=1)
    seen = truth.surface_motion(xy_px, frame, (before, after))
    known = np.asarray(np.isfinite(seen.moved_px).all(axis=(0, 2)), bool)
    moved = np.where(known[:, None], seen.moved_px, 0).astype(np.float32)
    return FlowGrid(
        moved[0].reshape(*x.shape, 2),
        moved[1].reshape(*x.shape, 2),
        np.asarray(known.reshape(x.shape), np.float32),
        np.asarray(seen.inverse_depth.reshape(x.shape), np.float32),
        seen.piece.reshape(x.shape),
    )


class SurfaceTextures:
    """Random texture strength of the surfaces of a scene.

    Args:
        errors: with the distribution of texture.
        pieces: number of surfaces.
        shape: gh, gw of the grid.
        rng: source of randomness.
    """

    def __init__(
        self, errors: FlowErrors, pieces: int, shape: tuple[int, int], rng: np.random.Generator
    ) -> None:
        self._errors, self._rng, self._shape = errors, rng, shape
        own = rng.standard_normal(pieces + 1)  # last the sky's, where index -1 finds it
        self._of_piece = (errors.texture_log_mean + errors.texture_between * own).astype(np.float32)
        self._uneven = rng.standard_normal(shape, np.float32)

    def of(self, grid: FlowGrid) -> FloatArray:
        """Return grey levels per pixel, (gh, gw) float32, at the grid of the next frame."""
        new = self._rng.standard_normal(self._shape, np.float32)
        self._uneven = _mixed(self._uneven, new, TEXTURE_MEMORY)
        log_texture = self._of_piece[grid.piece] + self._errors.texture_within * self._uneven
        return np.asarray(np.exp(log_texture), np.float32)


class FlowSimulator:
    """Simulated flow of one stream, with errors correlated from frame to frame.

    Args:
        errors: parameters of the errors.
        shape: gh, gw of the grid.
        rng: source of randomness.
    """

    def __init__(
        self, errors: FlowErrors, shape: tuple[int, int], rng: np.random.Generator
    ) -> None:
        self._errors = errors
        self._shape = shape
        self._rng = rng
        self._amplitude = self._field(1)[..., 0]
        self._noise = self._field(2)
        self._contrast = self._white()
        self._level = float(np.exp(errors.noise_scene_spread * rng.standard_normal()))

    def step(
        self, before: FlowGrid, after: FlowGrid, texture: tuple[FloatArray, FloatArray]
    ) -> tuple[FloatArray, FloatArray]:
        """Simulate the flow between two neighbouring frames.

        Args:
            before, after: the exact motion at their grids.
            texture: (gh, gw) each, mean grey levels per pixel at the grids.

        Returns:
            Forward flow at the grid of the frame before, and backward flow at that of the frame
            after: (gh, gw, 2) float32 each, working pixels.
        """
        errors = self._errors
        self._amplitude = _mixed(self._amplitude, self._field(1)[..., 0], AMPLITUDE_MEMORY)
        self._noise = _mixed(self._noise, self._field(2), errors.memory)
        self._contrast = _mixed(self._contrast, self._white(), errors.memory)
        back_noise = _mixed(-self._noise, self._field(2), errors.opposition)
        forward = self._estimate(before.forward, before, texture[0])
        backward = self._estimate(after.backward, after, texture[1])
        forward += self._noise_px(forward, texture[0]) * self._noise
        backward += self._noise_px(backward, texture[1]) * back_noise
        return forward, backward

    def _estimate(self, exact: FloatArray, grid: FlowGrid, texture: FloatArray) -> FloatArray:
        errors = self._errors
        weight = grid.known * np.exp(errors.contrast * self._contrast)
        weight *= (texture + TEXTURE_FLOOR) ** errors.texture_power
        weight *= (grid.inverse_depth + NEAREST_PER_M) ** errors.nearness_power
        weight /= weight.mean() + 1e-12
        channels = np.dstack((exact * weight[..., None], weight, texture)).astype(np.float32)
        estimate: npt.NDArray[Any] | None = None
        for scale in reversed(range(SCALES)):
            kernel_px = errors.kernel_px * 2**scale
            _, kernel = _kernel(kernel_px)
            summed = cv2.sepFilter2D(channels, -1, kernel, kernel, borderType=cv2.BORDER_REPLICATE)
            found = summed[..., :2] / np.maximum(summed[..., 2:3], 1e-6)
            if estimate is not None:
                missed = np.linalg.norm(found - estimate, axis=2, keepdims=True)
                found_share = 1 / (1 + (missed / (errors.reach * kernel_px)) ** 8)
                found_share *= summed[..., 3:] / (summed[..., 3:] + errors.fine_texture)
                found = estimate + found_share * (found - estimate)
            estimate = found
        return np.asarray(estimate, np.float32)

    def _noise_px(self, flow: FloatArray, texture: FloatArray) -> FloatArray:
        """Return the standard deviation of the noise, (gh, gw, 1)."""
        errors = self._errors
        speed = np.linalg.norm(flow, axis=2)
        sigma = errors.noise_still_px + errors.noise_per_speed * speed
        sigma = sigma + errors.noise_moving_px * speed / (speed + HALF_NOISE_SPEED_PX)
        sigma = sigma * (1 + errors.noise_texture / (texture + TEXTURE_FLOOR))
        sigma = sigma * np.exp(errors.noise_spread * self._amplitude) * self._level
        return np.asarray(np.minimum(sigma, NOISE_LIMIT_PX)[..., None], np.float32)

    def _field(self, channels: int) -> FloatArray:
        return smooth_noise(self._rng, (*self._shape, channels), self._errors.noise_length_px)

    def _white(self) -> FloatArray:
        return self._rng.standard_normal(self._shape, np.float32)


def upsampled(grid: FloatArray, working: tuple[int, int]) -> FloatArray:
    """Interpolate a field (gh, gw) or (gh, gw, C) at cell centres to the pixels of a working
    image."""
    height, width = working
    size = (grid.shape[1] * CELL_PX, grid.shape[0] * CELL_PX)
    return np.asarray(cv2.resize(grid, size)[:height, :width], np.float32)


def smooth_noise(
    rng: np.random.Generator, shape: tuple[int, int, int], length_px: float
) -> FloatArray:
    """Gaussian noise (gh, gw, C) of standard deviation 1 and a correlation length in working
    pixels."""
    size, kernel = _kernel(length_px)
    margin = size // 2
    rows, columns, channels = shape
    white = rng.standard_normal((rows + 2 * margin, columns + 2 * margin, channels), np.float32)
    smooth = cv2.sepFilter2D(white, -1, kernel, kernel).reshape(*white.shape)
    return np.asarray(
        smooth[margin : margin + rows, margin : margin + columns] / (kernel**2).sum(), np.float32
    )


def _mixed(old: FloatArray, new: FloatArray, memory: float) -> FloatArray:
    """Return noise of unchanged variance whose correlation with the old one is `memory`."""
    return np.asarray(memory * old + np.sqrt(1 - memory**2) * new, np.float32)


def _kernel(sigma_px: float) -> tuple[int, FloatArray]:
    """Return size and weights of a Gaussian kernel on the grid."""
    size = 2 * int(np.ceil(2.5 * sigma_px / CELL_PX)) + 1
    return size, np.asarray(cv2.getGaussianKernel(size, sigma_px / CELL_PX), np.float32)
