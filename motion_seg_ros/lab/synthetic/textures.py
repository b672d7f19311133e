"""Procedural surface textures: seamless square tiles that depend on their description only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from motion_seg_ros.errors import InputError

Pattern = Literal[
    "plain", "noise", "stains", "speckle", "checker", "stripes", "bricks", "facade", "grass", "sky"
]
Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Texture:
    """Description of a texture.

    Attributes:
        pattern: `plain` has no texture at all; `sky` is a panorama, 360
            degrees wide, from the horizon (bottom) to the zenith (top).
        colours_bgr: the two main colours, each 0 to 255 blue, green, red.
        cells: repetitions of checker, stripes, bricks and facade within the tile; for speckle,
            which is irregular, about the number of spots along it.
        grain: amplitude of the multi-octave noise laid over the pattern, as a share of its
            brightness.
        seed: of the noise.
        size_px: side of the tile in texels, a power of two from 16 to 2048.
    """

    pattern: Pattern
    colours_bgr: tuple[Colour, Colour]
    cells: int = 8
    grain: float = 0.15
    seed: int = 0
    size_px: int = 256

    def __post_init__(self) -> None:
        size = self.size_px
        if not 16 <= size <= 2048 or size & (size - 1):
            raise InputError(
                f"texture size: expected a power of two in 16..2048, found {size}; try 256"
            )

    def tile_bgr(self) -> npt.NDArray[np.uint8]:
        """Return a seamless tile (size_px, size_px, 3) uint8, blue, green, red."""
        rng = np.random.default_rng(self.seed)
        size = self.size_px
        axis = ((np.arange(size) + 0.5) / size).astype(np.float32)
        u, v = (np.asarray(grid, np.float32) for grid in np.meshgrid(axis, axis))
        blend, gain = _pattern(self, u, v, rng)
        first, second = np.array(self.colours_bgr, np.float32)
        colour = first + blend[..., None] * (second - first)
        if self.pattern not in ("plain", "sky"):
            gain = gain * (1 + self.grain * fractal_noise(size, 4, size // 2, rng))
        return np.asarray(np.clip(np.rint(colour * gain[..., None]), 0, 255), np.uint8)


FloatImage = npt.NDArray[np.float32]


def fractal_noise(
    size: int, coarsest: int, finest: int, rng: np.random.Generator, falloff: float = 0.85
) -> FloatImage:
    """Seamless multi-octave value noise.

    Args:
        size: side of the square in pixels, a power of two.
        coarsest: lattice cells per side of the slowest octave, a power of two up to `size`.
        finest: cells per side of the fastest octave; each octave doubles the one before.
        rng: source of the lattice values.
        falloff: amplitude of each octave relative to the one before.

    Returns:
        (size, size) float32 in [-1, 1], mean about 0.
    """
    total = np.zeros((size, size), np.float32)
    amplitude, cells = 1.0, coarsest
    while cells <= finest:
        lattice = rng.uniform(-1, 1, (cells, cells)).astype(np.float32)
        scale = size // cells
        # A wrapped margin makes the interpolation periodic, and with it the tile seamless.
        wide = np.pad(lattice, 2, mode="wrap")
        enlarged = cv2.resize(wide, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        total += amplitude * enlarged[2 * scale : 2 * scale + size, 2 * scale : 2 * scale + size]
        amplitude *= falloff
        cells *= 2
    return np.asarray(total / np.abs(total).max(), np.float32)


def _pattern(
    texture: Texture, u: FloatImage, v: FloatImage, rng: np.random.Generator
) -> tuple[FloatImage, FloatImage]:
    """Return blend of the two colours in [0, 1] and brightness gain, (size, size) float32 each."""
    ones = np.ones_like(u)
    size, cells = texture.size_px, texture.cells
    match texture.pattern:
        case "plain":
            return np.zeros_like(u), ones
        case "noise":
            return 0.5 + 0.5 * fractal_noise(size, 4, size // 2, rng), ones
        case "stains":  # like noise, but as in nature the larger, the stronger
            stains = fractal_noise(size, 2, size // 2, rng, falloff=0.55)
            return np.clip(0.5 + 0.9 * stains, 0, 1), ones
        case "speckle":
            lattice = min(1 << (2 * cells - 1).bit_length(), size // 2)
            spots = fractal_noise(size, lattice, 2 * lattice, rng)
            return np.clip(0.5 + 6 * (spots - 0.25), 0, 1), ones
        case "checker":
            odd = (np.floor(u * cells) + np.floor(v * cells)) % 2
            return odd.astype(np.float32), ones
        case "stripes":
            return np.clip(0.5 + 4 * np.sin(2 * np.pi * cells * u), 0, 1), ones
        case "bricks":
            return _bricks(u, v, cells, rng)
        case "facade":
            return _facade(u, v, cells, rng)
        case "grass":
            blades = fractal_noise(size, 8, size // 2, rng, falloff=0.95)
            meadow = fractal_noise(size, 2, 16, rng)
            return np.clip(0.5 + 0.35 * meadow + 0.3 * blades, 0, 1), 1 + 0.35 * blades
        case "sky":
            clouds = fractal_noise(size, 4, size // 4, rng, falloff=0.55)
            whiteness = np.clip(3.5 * (clouds + 0.02), 0, 1) * np.clip(2.5 * v, 0, 1)
            # From the first colour at the zenith to the second at the horizon, and whiter in the
            # clouds.
            return np.maximum(v**2, 0.85 * whiteness), ones


def _bricks(
    u: FloatImage, v: FloatImage, cells: int, rng: np.random.Generator
) -> tuple[FloatImage, FloatImage]:
    """Running bond, bricks twice as wide as high, with mortar in the second colour."""
    rows = 2 * cells
    row = np.floor(v * rows)
    along = u * cells + 0.5 * (row % 2)
    column = np.floor(along) % cells
    to_edge = np.minimum(
        np.minimum(along % 1, 1 - along % 1) * 2, np.minimum(v * rows % 1, 1 - v * rows % 1)
    )
    mortar = np.clip(1.5 - to_edge / 0.08, 0, 1)
    shades = rng.uniform(0.75, 1.2, (rows, cells)).astype(np.float32)
    gain = shades[row.astype(np.intp), column.astype(np.intp)]
    return mortar, np.where(mortar > 0.5, np.float32(1), gain)


def _facade(
    u: FloatImage, v: FloatImage, cells: int, rng: np.random.Generator
) -> tuple[FloatImage, FloatImage]:
    """House front in the first colour, with rows of windows in shades of the second."""
    across, down = u * cells % 1, v * cells % 1
    window = (np.abs(across - 0.5) < 0.28) & (np.abs(down - 0.48) < 0.32)
    bar = (np.abs(across - 0.5) < 0.025) | (np.abs(down - 0.4) < 0.025)
    sill = (np.abs(down - 0.84) < 0.035) & (np.abs(across - 0.5) < 0.34)
    shades = rng.uniform(0.5, 1.3, (cells, cells)).astype(np.float32)
    glass = shades[np.floor(v * cells).astype(np.intp), np.floor(u * cells).astype(np.intp)]
    pane = window & ~bar
    blend = pane.astype(np.float32)
    gain = np.where(pane, glass * (1.15 - 0.4 * down), 1.0)
    gain = np.where(sill | (window & bar), 1.25, gain)
    return blend, gain.astype(np.float32)
