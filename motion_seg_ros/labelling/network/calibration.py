"""Calibration of the logits of trained weights: to probabilities and a threshold."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from motion_seg_ros.errors import InputError

Float64Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Calibration:
    """probability = sigmoid(logit / temperature + bias); a track moves above `threshold`.

    Attributes:
        temperature: above 0.
        bias: of the log-odds.
        threshold: probability in [0, 1].
    """

    temperature: float = 1.0
    bias: float = 0.0
    threshold: float = 0.5

    def probability(self, logits: npt.NDArray[np.floating[Any]]) -> Float64Array:
        """Return moving probabilities, float64 in [0, 1], for logits of any shape."""
        log_odds = logits.astype(np.float64) / self.temperature + self.bias
        return np.asarray(0.5 * (1 + np.tanh(log_odds / 2)))

    def to_metadata(self) -> dict[str, str]:
        """Convert to metadata of a file of weights."""
        return {name: repr(value) for name, value in dataclasses.asdict(self).items()}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str], path: Path) -> Calibration:
        """Read the values that to_metadata wrote.

        Args:
            metadata: of the weights in `path`; other keys are ignored.
            path: for the error message.

        Raises:
            InputError: a value is missing, no number or out of range.
        """
        names = [each.name for each in dataclasses.fields(cls)]
        try:
            found = cls(**{name: float(metadata[name]) for name in names})
        except (KeyError, ValueError) as error:
            raise InputError(
                f"{path}: expected {', '.join(names)} in the metadata of the weights, found "
                f"{error}; use weights that motion_seg train made"
            ) from error
        if not (
            0 < found.temperature < math.inf
            and math.isfinite(found.bias)
            and 0 <= found.threshold <= 1
        ):
            raise InputError(
                f"{path}: expected temperature > 0, a finite bias and a threshold in [0, 1] in the "
                f"metadata of the weights, found {found}; use weights that motion_seg train made"
            )
        return found
