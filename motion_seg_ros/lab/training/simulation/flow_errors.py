"""Parameters of the error model of dense flow, and the file that keeps them."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

SHIPPED = "tracker_errors.json"


@dataclass(frozen=True)
class FlowErrors:
    """Parameters of simulated_flow; lengths in working pixels.

    The defaults were set by hand and are only where `fit_error_model` starts from.

    Attributes:
        kernel_px: standard deviation of the finest averaging kernel.
        texture_power: exponent of texture in the weight of a pixel.
        nearness_power: exponent of inverse depth in that weight.
        contrast: standard deviation of the logarithm of its random part.
        reach: largest difference to the coarser estimate that a scale can find, in standard
            deviations of its kernel.
        fine_texture: texture in grey levels per pixel at which a scale and the coarser one weigh
            the same.
        noise_still_px, noise_moving_px: standard deviation of the noise at speed 0, and what is
            added when the image moves.
        noise_per_speed: noise added per pixel of speed.
        noise_texture: texture in grey levels per pixel at which noise is twice that of a well
            textured surface.
        noise_spread: standard deviation of the logarithm of the noise amplitude.
        noise_scene_spread: the same between scenes.
        noise_length_px: correlation length of the noise.
        memory: correlation of the noise from one frame to the next.
        opposition: share of the forward noise that the backward noise undoes, 0 to 1.
        texture_log_mean: mean logarithm of texture, grey levels per pixel.
        texture_between, texture_within: its standard deviation between surfaces and over one
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
    """Return the errors fitted to this package's tracker."""
    text = resources.files(__package__).joinpath(SHIPPED).read_text(encoding="utf-8")
    return FlowErrors(**json.loads(text))


def write_errors(path: Path, errors: FlowErrors) -> None:
    """Write errors as JSON, four digits each."""
    values = {name: float(f"{value:.4g}") for name, value in dataclasses.asdict(errors).items()}
    path.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
