"""Settings of earlier versions: their new names, and those that are gone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType

from motion_seg_ros.settings.declaration import hint

RENAMED: Mapping[str, str] = MappingProxyType(
    {
        "tracking.weights": "tracking.tapir.weights",
        "tracking.points": "tracking.tapir.points",
        "tracking.query_interval": "tracking.tapir.query_interval",
        "tracking.causal": "tracking.tapir.causal",
        "tracking.update_interval": "tracking.tapir.update_interval",
        "tracking.tail": "tracking.tapir.tail",
        "tracking.resolution": "tracking.tapir.resolution",
        "tracking.memory_budget_mb": "tracking.tapir.memory_budget_mb",
        "depth.weights": "depth.depth_anything.weights",
        "depth.short_side_px": "depth.depth_anything.short_side_px",
        "depth_sync.slop_s": "depth.slop_s",
        "depth_sync.max_wait_s": "depth.max_wait_s",
        "features.weights": "features.dino.weights",
        "features.variant": "features.dino.variant",
        "features.short_side_px": "features.dino.short_side_px",
        "labelling.threshold": "labelling.transformer.threshold",
        "labelling.weights": "labelling.transformer.weights, or labelling.official.weights",
        "labelling.official_threshold": "labelling.official.threshold",
        "masks.image_side": "masks.sam2.image_side",
        "masks.prompting": "masks.sam2.prompting",
        "masks.discovery": "masks.sam2.discovery",
        "masks.discovery_interval": "masks.sam2.discovery_interval",
        "masks.lost_after": "masks.sam2.lost_after",
        "masks.static_after": "masks.sam2.static_after",
        "masks.weights": "masks.learned.weights, or masks.sam2.weights",
        "masks.memories": "masks.sam2.memory_frames",
        "masks.pointers": "masks.sam2.pointer_frames",
        "masks.prompt_interval": "masks.sam2.reprompt_interval",
        "masks.max_strands": "masks.sam2.max_masklets",
        "masks.memory_s": "masks.sam2.reidentification_s",
    }
)
"""Old name -> new name, or both where it depends on the back end."""

REMOVED: Mapping[str, str] = MappingProxyType(
    {
        "depth_sync.queue_size": "it was removed, as an image waits for its depth for "
        "depth.max_wait_s at most, however many there are: leave it out",
        "compile": "it was removed, as networks are no longer compiled: leave it out",
        "masks.runtime": "it was removed, as SAM 2 runs through transformers only: leave it out",
    }
)
"""Old name -> why it is gone and what to do."""


def suggest(name: str, known: Collection[str]) -> str:
    """Return what to write instead of `name`, which is not among the `known` settings."""
    if name in RENAMED:
        return f"it is now {RENAMED[name]}"
    return REMOVED.get(name) or hint(name, known)
