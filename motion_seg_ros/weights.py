"""Trained weights by name: where they are, and what proves that they are the right ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from motion_seg_ros.errors import InputError


@dataclass(frozen=True)
class Weights:
    """A file of weights.

    Attributes:
        path: the file.
        sha256: its digest in hexadecimal; None where any will do.
    """

    path: Path
    sha256: str | None


_FOLDER = Path(__file__).parent / "labelling"
SHIPPED: Mapping[str, Weights] = MappingProxyType(
    {
        "track_transformer_lite": Weights(
            _FOLDER / "track_transformer_lite.safetensors",
            "8f314cd0af447097d9b369b7c5e7ffb319eb06da8991b57ad0ab660c2a64912a",
        ),
    }
)
"""What comes with the package; each has a model card beside it."""


def find_weights(name: str) -> Weights:
    """The weights of a name in SHIPPED, or of a path.

    Raises:
        InputError: neither a name nor an existing file.
    """
    if name in SHIPPED:
        return SHIPPED[name]
    path = Path(name).expanduser()
    if not path.is_file():
        raise InputError(
            f"weights {name}: expected a file or one of {', '.join(SHIPPED)}, found neither"
        )
    return Weights(path, None)
