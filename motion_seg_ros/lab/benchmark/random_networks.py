"""Networks of published classes with random weights, to measure speed and memory.

Toy sizes test the code around them on any machine. torch and transformers are imported when a
function is called.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from motion_seg_ros.errors import InputError, MissingDependencyError
from motion_seg_ros.weights.catalogue import PUBLISHED

TOY_SIDE_PX = 64  # of the square that the toy SAM 2 takes
TOY_PATCHES = 4  # along a side of the images that the toy DINOv2 has position codes for
PATCH_PX = 14
DINOV2_IMAGE_PX = 518
OFFICIAL_TRACKS = "segment_any_motion_tracks"


def random_network(name: str, *, toy: bool = False, seed: int = 0) -> Any:
    """Return a network of transformers with random weights, in evaluation mode.

    Args:
        name: one of RANDOM; a name in motion_seg_ros.weights.catalogue.PUBLISHED.
        toy: of the same class and structure, as small as possible.
        seed: of PyTorch's generator, which is left as it was.

    Raises:
        InputError: not such a name.
        MissingDependencyError: torch or transformers is not installed.
    """
    if name not in RANDOM:
        raise InputError(
            f"random weights: expected one of {', '.join(RANDOM)}, found {name}; choose one of them"
        )
    try:
        import torch

        library: Any = importlib.import_module("transformers")
    except ImportError as error:
        raise _not_installed(error) from error
    kind, settings = RANDOM[name](toy)
    cls = getattr(library, kind)
    with torch.random.fork_rng(devices=[]):  # of the CPU: those of GPUs would start CUDA
        torch.default_generator.manual_seed(seed)
        return cls(cls.config_class(**settings)).eval().requires_grad_(False)


def write_random_weights(name: str, folder: Path, *, toy: bool = False, seed: int = 0) -> Path:
    """Save random_network(name, ...) to a folder as a published one is laid out; or the authors'
    track network, OFFICIAL_TRACKS, which is small and has no toy size.

    Returns:
        The folder, which is made, or the one file in it: the weights of a backend that takes that
        name.

    Raises:
        InputError: not such a name.
        MissingDependencyError: torch or transformers is not installed.
    """
    if name == OFFICIAL_TRACKS:
        return _write_official_tracks(folder, seed)
    network = random_network(name, toy=toy, seed=seed)
    logging: Any = importlib.import_module("transformers.utils.logging")
    bars = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        network.save_pretrained(folder)
    finally:
        if bars:
            logging.enable_progress_bar()
    return folder


def _write_official_tracks(folder: Path, seed: int) -> Path:
    try:
        import torch

        from motion_seg_ros.labelling.official.checkpoint import save_official
        from motion_seg_ros.labelling.official.network import OfficialTrackNetwork
    except ImportError as error:
        raise _not_installed(error) from error
    folder.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng(devices=[]):  # of the CPU: those of GPUs would start CUDA
        torch.default_generator.manual_seed(seed)
        network = OfficialTrackNetwork()
    file = PUBLISHED[OFFICIAL_TRACKS].place(folder)
    save_official(file, network)
    return file


def _not_installed(error: ImportError) -> MissingDependencyError:
    return MissingDependencyError(
        f"random weights: expected torch and transformers, found: {error}; "
        "pip install 'motion_seg_ros[full]'"
    )


NetworkSettings = tuple[str, dict[str, Any]]
"""Name of a class of transformers, and the arguments of its configuration."""


def _dinov2(width: int, heads: int, layers: int, toy: bool) -> NetworkSettings:
    return "Dinov2Model", _vision_transformer(width, heads, layers, toy)


def _dinov2_base(toy: bool) -> NetworkSettings:
    """The toy has the published width, which labelling.backend official needs, in one layer."""
    kind, settings = _dinov2(*_BASE, False)
    if toy:
        settings |= {"num_hidden_layers": 1, "mlp_ratio": 1, "image_size": TOY_PATCHES * PATCH_PX}
    return kind, settings


def _vision_transformer(width: int, heads: int, layers: int, toy: bool) -> dict[str, Any]:
    """See DINOv2, table 17: https://arxiv.org/abs/2304.07193."""
    if toy:
        width, heads, layers = 24, 3, min(layers, 4)
    return {
        "hidden_size": width,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "image_size": TOY_PATCHES * PATCH_PX if toy else DINOV2_IMAGE_PX,
        "patch_size": PATCH_PX,
    }


def _depth_anything(
    transformer: tuple[int, int, int], taps: list[int], neck: list[int], fusion: int, toy: bool
) -> NetworkSettings:
    """See the configurations in https://github.com/DepthAnything/Depth-Anything-V2."""
    backbone = _vision_transformer(*transformer, toy)
    settings: dict[str, Any] = {
        "backbone_config": {
            "model_type": "dinov2",
            **backbone,
            "out_indices": [1, 2, 3, 4] if toy else taps,
            "reshape_hidden_states": False,
        },
        "reassemble_hidden_size": backbone["hidden_size"],
        "neck_hidden_sizes": [8] * 4 if toy else neck,
        "fusion_hidden_size": 8 if toy else fusion,
        "head_hidden_size": 4 if toy else 32,
    }
    return "DepthAnythingForDepthEstimation", settings


def _sam2(size: str, toy: bool) -> NetworkSettings:
    """See https://github.com/facebookresearch/sam2, sam2/configs/sam2.1."""
    if toy:
        return "Sam2VideoModel", _toy_sam2()
    if size == "tiny":  # the default of transformers
        return "Sam2VideoModel", {}
    backbone = dict(_HIERA[size])
    widths = [backbone["hidden_size"] << stage for stage in range(4)]
    backbone["embed_dim_per_stage"] = widths
    backbone["model_type"] = "sam2_hiera_det_model"
    vision = {
        "model_type": "sam2_vision_model",
        "backbone_config": backbone,
        "backbone_channel_list": widths[::-1],
    }
    return "Sam2VideoModel", {"vision_config": vision}


_HIERA: Mapping[str, Mapping[str, Any]] = {
    "small": {
        "hidden_size": 96,
        "blocks_per_stage": [1, 2, 11, 2],
        "global_attention_blocks": [7, 10, 13],
    },
    "base_plus": {
        "hidden_size": 112,
        "num_attention_heads": 2,
        "num_attention_heads_per_stage": [2, 4, 8, 16],
        "blocks_per_stage": [2, 3, 16, 3],
        "global_attention_blocks": [12, 16, 20],
        "window_positional_embedding_background_size": [14, 14],
    },
    "large": {
        "hidden_size": 144,
        "num_attention_heads": 2,
        "num_attention_heads_per_stage": [2, 4, 8, 16],
        "blocks_per_stage": [2, 6, 36, 4],
        "global_attention_blocks": [23, 33, 43],
        "window_size_per_stage": [8, 4, 16, 8],
    },
}
"""Size -> the image encoder of SAM 2.1, where it differs from the tiny one."""


def _toy_sam2() -> dict[str, Any]:
    side, width = TOY_SIDE_PX, 128
    stages = [8, 16, 24, 32]  # they must grow: the library pools only where they do
    backbone = {
        "model_type": "sam2_hiera_det_model",
        "image_size": [side, side],
        "hidden_size": stages[0],
        "blocks_per_stage": [1, 1, 2, 1],
        "embed_dim_per_stage": stages,
        "num_attention_heads_per_stage": [1, 1, 1, 1],
        "global_attention_blocks": [3],
        "mlp_ratio": 1.0,
    }
    return {
        "vision_config": {
            "model_type": "sam2_vision_model",
            "backbone_config": backbone,
            "backbone_channel_list": stages[::-1],
            "backbone_feature_sizes": [[side // scale, side // scale] for scale in (4, 8, 16)],
            "fpn_hidden_size": width,
        },
        "prompt_encoder_config": {
            "hidden_size": width,
            "image_size": side,
            "mask_input_channels": 4,
        },
        "mask_decoder_config": {
            "hidden_size": width,
            "mlp_dim": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 1,
            "iou_head_hidden_dim": 16,
        },
        "image_size": side,
        "memory_attention_hidden_size": width,
        "memory_attention_num_layers": 1,
        "memory_attention_feed_forward_hidden_size": 16,
        "memory_attention_rope_feat_sizes": [side // 16, side // 16],
        "memory_encoder_hidden_size": width,
        "memory_encoder_output_channels": 64,  # the library's class takes no other
        "mask_downsampler_embed_dim": width,
        "memory_fuser_embed_dim": width,
        "memory_fuser_intermediate_dim": 16,
        "memory_fuser_num_layers": 1,
    }


_SMALL, _BASE, _LARGE = (384, 6, 12), (768, 12, 12), (1024, 16, 24)

RANDOM: Mapping[str, Callable[[bool], NetworkSettings]] = {
    "dinov2_small": lambda toy: _dinov2(*_SMALL, toy),
    "dinov2_base": _dinov2_base,
    "depth_anything_v2_small": lambda toy: _depth_anything(
        _SMALL, [3, 6, 9, 12], [48, 96, 192, 384], 64, toy
    ),
    "depth_anything_v2_base": lambda toy: _depth_anything(
        _BASE, [3, 6, 9, 12], [96, 192, 384, 768], 128, toy
    ),
    "depth_anything_v2_large": lambda toy: _depth_anything(
        _LARGE, [5, 12, 18, 24], [256, 512, 1024, 1024], 256, toy
    ),
    **{
        f"sam2.1_hiera_{size}": partial(_sam2, size)
        for size in ("tiny", "small", "base_plus", "large")
    },
}
"""Name -> settings of a random network, of the toy or of the published size."""
