"""Very small SAM 2 and EdgeTAM networks with random weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import transformers

from motion_seg_ros.lab.benchmark.random_networks import TOY_SIDE_PX, random_network

SIDE = TOY_SIDE_PX  # of the square they take, in pixels
CHANNELS = 128  # twice those of a memory, so that object pointers are cut in two as published
MEMORY_CHANNELS = 64
LEVELS = (4, 8, 16)  # pixels of the square to a cell of the levels that are used
SHARED = (
    "prompt_encoder_config",
    "mask_decoder_config",
    "memory_attention_hidden_size",
    "memory_attention_num_layers",
    "memory_encoder_hidden_size",
    "memory_encoder_output_channels",
    "mask_downsampler_embed_dim",
    "memory_fuser_embed_dim",
    "memory_fuser_intermediate_dim",
    "memory_fuser_num_layers",
)
"""What the configurations of both networks have in common, less sizes of images."""


def sam2_model(side: int = SIDE, seed: int = 0) -> Any:
    """A Sam2VideoModel for squares of a side in pixels."""
    config = _toy_config()
    config.vision_config.backbone_config.image_size = [side, side]
    return randomised(transformers.Sam2VideoModel, sized(config, side), seed)


def edgetam_model(side: int = SIDE, seed: int = 0) -> Any:
    """An EdgeTamVideoModel for squares of a side in pixels; needs timm."""
    toy = _toy_config().to_dict()
    shared = {name: toy[name] for name in SHARED}
    for name in ("prompt_encoder_config", "mask_decoder_config"):
        shared[name].pop("model_type")
    channels = [8, 16, 24, 32]
    backbone = {
        "model_type": "timm_wrapper",
        "architecture": "repvit_m1",
        "num_classes": 2,
        "model_args": {
            "in_chans": 3,
            "features_only": True,
            "out_indices": [0, 1, 2, 3],
            "embed_dim": channels,
            "depth": [0, 0, 0, 0],
        },
    }
    vision = {
        "model_type": "edgetam_vision_model",
        "backbone_config": backbone,
        "backbone_channel_list": channels[::-1],
        "fpn_hidden_size": CHANNELS,
    }
    config = transformers.EdgeTamVideoConfig(
        vision_config=vision,
        memory_attention_mlp_hidden_size=16,
        memory_attention_rope_k_sizes=[4, 4],
        perceiver_resampler_num_latents=8,
        perceiver_resampler_num_latents_2d=16,
        perceiver_resampler_mlp_intermediate_size=16,
        perceiver_resampler_num_layers=1,
        **shared,
    )
    return randomised(transformers.EdgeTamVideoModel, sized(config, side), seed)


def _toy_config() -> Any:
    return random_network("sam2.1_hiera_tiny", toy=True).config


def sized(config: Any, side: int) -> Any:
    """A configuration, with all sizes that both networks have set for a side in pixels."""
    config.image_size = config.prompt_encoder_config.image_size = side
    config.vision_config.backbone_feature_sizes = [[side // cell, side // cell] for cell in LEVELS]
    config.memory_attention_rope_feat_sizes = [side // LEVELS[-1], side // LEVELS[-1]]
    return config


def randomised(cls: Any, config: Any, seed: int) -> Any:
    """A network of a configuration in which nothing is zero, and which sees its object always."""
    torch.manual_seed(seed)
    model = cls(config).eval().requires_grad_(False)
    for name, parameter in model.named_parameters():
        parameter.add_(0.1 * torch.randn_like(parameter))
        if name == "mask_decoder.pred_obj_score_head.proj_out.bias":
            parameter.fill_(5.0)
    return model


def saved(model: Any, folder: Path) -> Path:
    """The folder a network was saved to."""
    model.save_pretrained(folder)
    return folder
