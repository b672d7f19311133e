"""Random materials: strong and weak, regular and irregular texture, and none at all.

All shares and spreads were set by hand.
"""

from __future__ import annotations

import colorsys

from motion_seg_ros.lab.synthetic.scene import Material
from motion_seg_ros.lab.synthetic.textures import Colour, Pattern, Texture
from motion_seg_ros.lab.training.simulation.random_motion import Rng, chance, log_uniform

_PATTERNS: tuple[Pattern, ...] = (
    *("noise", "noise", "noise", "stains", "stains", "stains", "speckle", "speckle"),
    *("checker", "stripes", "bricks", "facade", "grass", "grass"),
)
_NATURAL: tuple[Pattern, ...] = ("noise", "stains", "stains", "speckle", "grass")


def material(
    rng: Rng,
    tile_m: float | None = None,
    *,
    natural: bool = False,
    side_px: int = 128,
    contrast: float = 1.0,
) -> Material:
    """Draw a material with tiles of `tile_m` metres.

    Args:
        rng: source of randomness.
        tile_m: None stretches one tile over the surface.
        natural: leave out regular patterns.
        side_px: of the tile.
        contrast: factor on that of the texture.
    """
    return Material(texture(rng, natural=natural, side_px=side_px, factor=contrast), tile_m)


def texture(rng: Rng, *, natural: bool = False, side_px: int = 128, factor: float = 1.0) -> Texture:
    """Draw a texture; one in four is weak, down to almost flat. `factor` is on its contrast."""
    patterns = _NATURAL if natural else _PATTERNS
    pattern = patterns[int(rng.integers(len(patterns)))]
    contrast = log_uniform(rng, 0.2, 0.9)
    if chance(rng, 0.25):
        contrast = log_uniform(rng, 0.01, 0.2)
    contrast *= factor
    return Texture(
        pattern,
        _colours(rng, contrast),
        cells=int(rng.integers(2, 9)),
        grain=min(0.6, 1.5 * contrast) * float(rng.uniform(0.1, 1)),
        seed=int(rng.integers(2**31)),
        size_px=side_px,
    )


def _colours(rng: Rng, contrast: float) -> tuple[Colour, Colour]:
    """Draw two colours, mostly of about the same hue, whose brightness differs by `contrast`."""
    hue, saturation = rng.random(), rng.beta(1.2, 3.5)
    value = rng.uniform(0.08, 1.0)
    other_hue = rng.random() if chance(rng, 0.25) else hue + rng.normal(0, 0.05)
    other_value = min(1.0, value + contrast) if value < 0.5 else max(0.03, value - contrast)
    first = _bgr(hue, saturation, value)
    return first, _bgr(other_hue, min(1, saturation * rng.uniform(0.5, 1.5)), other_value)


def _bgr(hue: float, saturation: float, value: float) -> Colour:
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, saturation, value)
    return round(255 * blue), round(255 * green), round(255 * red)
