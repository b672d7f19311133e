"""The errors of estimated flow, in numbers, and the file that they are kept in."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from motion_seg_ros.errors import InputError

SHIPPED = "tracker_errors.json"


@dataclass(frozen=True)
class FlowErrors:
    """What is wrong with estimated flow; lengths in working pixels.

    Attributes:
        kernel_px: standard deviation of the finest kernel that motions are averaged with.
        texture_power: exponent of texture in the weight of a place.
        nearness_power: exponent of inverse depth in it.
        contrast: standard deviation of the logarithm of its random part.
        reach: difference to the coarser estimate that a scale can find, in standard deviations of
            its kernel.
        fine_texture: texture in grey levels per pixel at which a scale is half believed against the
            coarser one.
        noise_still_px, noise_moving_px: standard deviation of the noise at speed 0, and what is
            added when the image moves.
        noise_per_speed: what is added for each pixel of speed.
        noise_texture: texture in grey levels per pixel at which noise is twice that of a well
            textured place.
        noise_spread: standard deviation of the logarithm of the noise's amplitude.
        noise_scene_spread: the same from scene to scene.
        noise_length_px: over which noise is alike.
        memory: correlation of noise from a frame to the next.
        opposition: how far noise on the way back undoes that on the way there, 0 to 1.
        texture_log_mean: mean logarithm of texture, grey levels per pixel.
        texture_between, texture_within: its standard deviation from surface to surface, and over a
            surface.
    """

    kernel_px: float = 4.0
    texture_power: float = 1.0
    nearness_power: float = 1.0
    contrast: float = 0.7
    reach: float = 2.0
    fine_texture: float = 2.0
    noise_still_px: float = 0.005
    noise_moving_px: float = 0.03
    noise_per_speed: float = 0.002
    noise_texture: float = 1.0
    noise_spread: float = 1.3
    noise_scene_spread: float = 0.5
    noise_length_px: float = 8.0
    memory: float = 0.4
    opposition: float = 0.9
    texture_log_mean: float = 1.4
    texture_between: float = 1.0
    texture_within: float = 0.8


def shipped_errors() -> FlowErrors:
    """The errors fitted to the tracker of this package."""
    text = resources.files(__package__).joinpath(SHIPPED).read_text(encoding="utf-8")
    return FlowErrors(**json.loads(text))


def read_errors(path: Path) -> FlowErrors:
    """Errors written by `write_errors`.

    Raises:
        InputError: the file is missing or is none of these.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return FlowErrors(**{name: float(value) for name, value in values.items()})
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path}: expected the parameters of flow errors, found {error}; fit them again"
        ) from error


def write_errors(path: Path, errors: FlowErrors) -> None:
    """Write errors as JSON, four digits each."""
    values = {name: float(f"{value:.4g}") for name, value in dataclasses.asdict(errors).items()}
    path.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
