"""Very small SAM 2 and EdgeTAM networks with random weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import transformers

SIDE = 64  # of the square they take, in pixels
CHANNELS = 128  # twice those of a memory, so that object pointers are cut in two as published
MEMORY_CHANNELS = 64  # the library's classes take no other


def shared_settings(side: int) -> dict[str, Any]:
    """What the configurations of both networks have in common."""
    return {
        "prompt_encoder_config": {
            "hidden_size": CHANNELS,
            "image_size": side,
            "mask_input_channels": 4,
        },
        "mask_decoder_config": {
            "hidden_size": CHANNELS,
            "mlp_dim": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 1,
            "iou_head_hidden_dim": 16,
        },
        "image_size": side,
        "memory_attention_hidden_size": CHANNELS,
        "memory_attention_num_layers": 1,
        "memory_attention_rope_feat_sizes": [side // 16, side // 16],
        "memory_encoder_hidden_size": CHANNELS,
        "memory_encoder_output_channels": MEMORY_CHANNELS,
        "mask_downsampler_embed_dim": CHANNELS,
        "memory_fuser_embed_dim": CHANNELS,
        "memory_fuser_intermediate_dim": 16,
        "memory_fuser_num_layers": 1,
    }


def vision_settings(side: int, channels: list[int]) -> dict[str, Any]:
    """What the configurations of both image encoders have in common.

    Args:
        side: of the square, in pixels.
        channels: of the backbone's stages, finest first.
    """
    return {
        "backbone_channel_list": channels[::-1],
        "backbone_feature_sizes": [[side // scale, side // scale] for scale in (4, 8, 16)],
        "fpn_hidden_size": CHANNELS,
    }


def sam2_model(side: int = SIDE, seed: int = 0) -> Any:
    """A Sam2VideoModel."""
    channels = [8, 16, 24, 32]  # they must grow: the library pools only where they do
    backbone = {
        "model_type": "sam2_hiera_det_model",
        "image_size": [side, side],
        "hidden_size": channels[0],
        "blocks_per_stage": [1, 1, 2, 1],
        "embed_dim_per_stage": channels,
        "num_attention_heads_per_stage": [1, 1, 1, 1],
        "global_attention_blocks": [3],
        "mlp_ratio": 1.0,
    }
    vision = {"model_type": "sam2_vision_model", "backbone_config": backbone}
    vision |= vision_settings(side, channels)
    config = transformers.Sam2VideoConfig(
        vision_config=vision,
        memory_attention_feed_forward_hidden_size=16,
        **shared_settings(side),
    )
    return randomised(transformers.Sam2VideoModel, config, seed)


def edgetam_model(side: int = SIDE, seed: int = 0) -> Any:
    """An EdgeTamVideoModel; needs timm."""
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
    vision = {"model_type": "edgetam_vision_model", "backbone_config": backbone}
    vision |= vision_settings(side, channels)
    config = transformers.EdgeTamVideoConfig(
        vision_config=vision,
        memory_attention_mlp_hidden_size=16,
        memory_attention_rope_k_sizes=[4, 4],
        perceiver_resampler_num_latents=8,
        perceiver_resampler_num_latents_2d=16,
        perceiver_resampler_mlp_intermediate_size=16,
        perceiver_resampler_num_layers=1,
        **shared_settings(side),
    )
    return randomised(transformers.EdgeTamVideoModel, config, seed)


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
