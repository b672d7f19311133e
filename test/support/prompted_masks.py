"""Prompted masks with the settings of the profile `full`, a few of them changed."""

from __future__ import annotations

from typing import Any, TypeVar

from motion_seg_ros.masks.prompted.backend import PromptedMasks
from motion_seg_ros.masks.prompted.clicks import PromptingRules
from motion_seg_ros.masks.prompted.segmenter import Segmenter

Masks = TypeVar("Masks", bound=PromptedMasks)


def prompted_as(kind: type[Masks], segmenter: Segmenter, **changed: Any) -> Masks:
    """An instance of `kind`."""
    settings: dict[str, Any] = {
        "rules": PromptingRules.online(),
        "discovery_interval": 4,
        "max_masklets": 12,
        "lost_after": 16,
        "static_after": 16,
        "memory_s": 3.0,
    }
    return kind(segmenter, **{**settings, **changed})


def prompted(segmenter: Segmenter, **changed: Any) -> PromptedMasks:
    return prompted_as(PromptedMasks, segmenter, **changed)
