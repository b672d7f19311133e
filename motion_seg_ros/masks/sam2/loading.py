"""Load SAM 2.1 and EdgeTAM from the folders that the transformers library reads."""

from __future__ import annotations

import importlib
import json
import math
from pathlib import Path
from typing import Any

import torch

from motion_seg_ros.errors import ConfigError, InputError, MissingDependencyError
from motion_seg_ros.networks.pretrained import CONFIG_FILE, load_pretrained

CLASSES = {"sam2_video": "Sam2Video", "edgetam_video": "EdgeTamVideo"}
"""Type of network in config.json -> prefix of the names of its classes."""


def load_network(folder: Path, image_side: int | None) -> tuple[Any, Any]:
    """Load a network on the CPU.

    Args:
        folder: see motion_seg_ros.masks.sam2.network.Sam2Network.
        image_side: see there.

    Returns:
        The network, and the class of its inference sessions.

    Raises:
        ConfigError: the network cannot take this image side.
        InputError: the weights are missing, damaged or of another network.
        MissingDependencyError: transformers, or timm for EdgeTAM, is not installed.
    """
    prefix = CLASSES[_model_type(folder)]
    if prefix == CLASSES["edgetam_video"]:
        _check_timm()
    settings = {}
    # Without a configuration, load_pretrained reports that.
    if image_side is not None and (folder / CONFIG_FILE).is_file():
        settings["config"] = _resized(_read_config(prefix, folder), image_side)
    network = load_pretrained(f"{prefix}Model", folder, **settings)
    return network, getattr(importlib.import_module("transformers"), f"{prefix}InferenceSession")


def _model_type(folder: Path) -> str:
    """Return the type of network in a folder; an unreadable one is left for load_pretrained to
    refuse."""
    try:
        config = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return next(iter(CLASSES))
    found = config.get("model_type") if isinstance(config, dict) else None
    if found not in CLASSES:
        raise InputError(
            f"{folder}: expected weights of the type {' or '.join(CLASSES)}, found {found}; name "
            "the folder of such a network"
        )
    return str(found)


def _check_timm() -> None:
    """Require timm: the library's own message does not name a version that fits."""
    try:
        importlib.import_module("timm")
    except (ImportError, RuntimeError) as error:  # also a torchvision built for another torch
        raise MissingDependencyError(
            "EdgeTAM: expected the Python package timm, and a torchvision that fits torch "
            f"{torch.__version__}, found: {error}; pip install 'motion_seg_ros[edgetam]', or "
            "choose SAM 2.1"
        ) from error


def _read_config(prefix: str, folder: Path) -> Any:
    try:
        cls = getattr(importlib.import_module("transformers"), f"{prefix}Config")
        return cls.from_pretrained(folder, local_files_only=True)
    except ImportError as error:
        reason = " ".join(str(error).split())
        raise MissingDependencyError(
            f"{prefix}: expected the Python package transformers with all that this network needs, "
            f"found: {reason}; pip install 'motion_seg_ros[full]'"
        ) from error
    except Exception as error:  # whatever the library raises on a damaged file
        reason = " ".join(str(error).split())
        raise InputError(
            f"{folder / CONFIG_FILE}: expected the configuration of {prefix}, found: "
            f"{type(error).__name__}: {reason}; get the folder again"
        ) from error


def _resized(config: Any, side: int) -> Any:
    """Change a configuration to another image side, and return it."""
    vision, patch = config.vision_config, config.prompt_encoder_config.patch_size
    # The image encoder's coarsest level is half as fine as the coarsest one that is used.
    unit = 2 * patch
    latents = getattr(config, "perceiver_resampler_num_latents_2d", None)
    if latents is not None:  # EdgeTAM cuts the coarsest level used into as many equal squares
        unit = math.lcm(unit, patch * math.isqrt(latents))
    if side <= 0 or side % unit:
        raise ConfigError(
            f"masks.sam2.image_side: expected a multiple of {unit} pixels, found {side}"
        )
    trained = config.image_size
    config.image_size = config.prompt_encoder_config.image_size = side
    if hasattr(vision.backbone_config, "image_size"):
        vision.backbone_config.image_size = [side, side]
    vision.backbone_feature_sizes = [
        [size * side // trained for size in sizes] for sizes in vision.backbone_feature_sizes
    ]
    config.memory_attention_rope_feat_sizes = list(vision.backbone_feature_sizes[-1])
    return config
