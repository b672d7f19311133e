"""SAM 2.1 through its authors' own package: https://github.com/facebookresearch/sam2."""

from __future__ import annotations

import importlib
import pickle
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from motion_seg_ros.errors import ConfigError, InputError, MissingDependencyError
from motion_seg_ros.masks.sam2.memory import (
    CLICKED,
    FOLLOWED,
    Inference,
    MemoryLimits,
    Outputs,
    check_limits,
    forget_unneeded,
    frame_logits,
    in_float32,
    not_kept,
    run_within,
    square_points,
)
from motion_seg_ros.networks.device import cast_weights, find_device, find_dtype
from motion_seg_ros.networks.images import network_image
from motion_seg_ros.types import FloatArray, UInt8Array

CONFIGS = {12: "t", 16: "s", 24: "b+", 48: "l"}
"""Blocks of the image encoder -> how the package names the configuration that has them."""

SIDE_UNIT = 32  # pixels of the square to a cell of the image encoder's coarsest level
MEMORY = ("maskmem_features", "maskmem_pos_enc")
POINTER = ("obj_ptr",)
ENDLESS = sys.maxsize  # frames in a stream
UNREADABLE = (OSError, EOFError, RuntimeError, ValueError, pickle.UnpicklingError)


@dataclass(frozen=True, eq=False)
class _Features:
    """Of one frame, as the package's SAM2Base takes them, finest first."""

    levels: list[Tensor]
    place_encodings: list[Tensor]
    sizes: list[tuple[int, int]]


class OfficialSam2:
    """Implements motion_seg_ros.masks.sam2.segmenter.Sam2Network with the SAM2Base of the package
    sam2.

    The package's video predictor wants a whole video, and keeps all of the past. Here the network
    that it is built on is run frame by frame. Unlike the predictor this fills no holes of up to 8
    pixels in masks, for which that needs a CUDA extension of its own. torchvision is not needed.

    Args:
        weights: a file such as
            https://dl.fbaipublicfiles.com/segment_anything_2/092824/sam2.1_hiera_tiny.pt.
        device: see motion_seg_ros.networks.device.find_device.
        dtype: see motion_seg_ros.networks.device.find_dtype.
        image_side: of the square that images are stretched to, in pixels, a multiple of 32; None:
            what the network was trained at (1024).
        memories, pointers, clicked: see motion_seg_ros.masks.sam2.memory.MemoryLimits.

    Raises:
        ConfigError: a device or dtype that does not exist, or a value out of range.
        InputError: the weights are missing, damaged or of another network.
        MissingDependencyError: the package sam2 is not installed.
    """

    def __init__(
        self,
        weights: Path,
        *,
        device: str = "auto",
        dtype: str = "auto",
        image_side: int | None = None,
        memories: int = 7,
        pointers: int = 16,
        clicked: int = 4,
    ) -> None:
        self.device = find_device(device)
        self.dtype = find_dtype(dtype, self.device)
        if image_side is not None and (image_side <= 0 or image_side % SIDE_UNIT):
            raise ConfigError(
                f"image side: expected a multiple of {SIDE_UNIT} pixels, found {image_side}"
            )
        self.limits = MemoryLimits(memories, pointers, clicked)
        model = _load(weights, image_side)
        check_limits(self.limits, model.num_maskmem, model.max_obj_ptrs_in_encoder)
        _remember_less(model, memories)
        cast_weights(model, self.dtype)
        self.model = model.to(self.device)
        places = self.model.sam_prompt_encoder.pe_layer
        for method in ("forward", "forward_with_coords"):
            run_within(places, method, partial(in_float32, self.device))
        self.inference = Inference(self.device, self.dtype)
        self._features: dict[int, _Features] = {}
        self._place_encodings: list[Tensor] | None = None
        self.memory_place_encodings: list[Tensor] | None = None

    @property
    def image_side(self) -> int:
        """Of the square that images are stretched to, in pixels."""
        return int(self.model.image_size)

    def encode(self, position: int, image_bgr: UInt8Array) -> None:
        """See motion_seg_ros.masks.sam2.segmenter.Sam2Network."""
        with self.inference():
            side = self.image_side
            pixels = network_image(image_bgr, (side, side), self.device, mode="bilinear")
            output = self.model.forward_image(pixels)
            _, levels, encodings, sizes = self.model._prepare_backbone_features(output)
            if self._place_encodings is None:
                # Only that of the coarsest level is ever read, and it is the same for all frames.
                self._place_encodings = encodings[-1:]
            self._features[position] = _Features(levels, self._place_encodings, sizes)

    def forget(self, position: int) -> None:
        """See motion_seg_ros.masks.sam2.segmenter.Sam2Network."""
        self._features.pop(position, None)

    def new_memory(self) -> OutputsMemory:
        """See motion_seg_ros.masks.sam2.segmenter.Sam2Network."""
        return OutputsMemory(self)

    def features(self, position: int) -> _Features:
        """Those of a frame.

        Raises:
            InputError: they are not at hand.
        """
        features = self._features.get(position)
        if features is None:
            raise not_kept(position)
        return features


class OutputsMemory:
    """Implements motion_seg_ros.masks.sam2.segmenter.ObjectMemory with what the network said
    before."""

    def __init__(self, network: OfficialSam2) -> None:
        self._network = network
        self._outputs: Outputs = {CLICKED: {}, FOLLOWED: {}}
        self._newest = -1  # position

    def segment(
        self, position: int, size: tuple[int, int], xy_px: FloatArray | None, *, remember: bool
    ) -> FloatArray:
        """See motion_seg_ros.masks.sam2.segmenter.ObjectMemory."""
        network = self._network
        features = network.features(position)
        with network.inference():
            output = network.model.track_step(
                frame_idx=position,
                is_init_cond_frame=xy_px is not None,
                current_vision_feats=features.levels,
                current_vision_pos_embeds=features.place_encodings,
                feat_sizes=features.sizes,
                point_inputs=None if xy_px is None else self._clicks(xy_px, size),
                mask_inputs=None,
                output_dict=self._outputs,
                num_frames=ENDLESS,
                run_mem_encoder=remember,
            )
            logits = frame_logits(output["pred_masks"], size)
            if remember:
                self._keep(position, output, clicked=xy_px is not None)
            return logits

    def _clicks(self, xy_px: FloatArray, size: tuple[int, int]) -> dict[str, Tensor]:
        network = self._network
        xy = square_points(xy_px, size, network.image_side, network.device)
        labels = torch.ones(len(xy), dtype=torch.int32, device=network.device)
        return {"point_coords": xy[None], "point_labels": labels[None]}

    def _keep(self, position: int, output: dict[str, Any], *, clicked: bool) -> None:
        network = self._network
        # As the package's video predictor keeps them: in half the bytes (but autocast does not mix
        # both kinds of those), and the encoding of places, which is the same for all, once.
        half = torch.float16 if network.dtype == torch.float16 else torch.bfloat16
        output["maskmem_features"] = output["maskmem_features"].to(half)
        if network.memory_place_encodings is None:
            network.memory_place_encodings = output["maskmem_pos_enc"]
        output["maskmem_pos_enc"] = network.memory_place_encodings
        self._outputs[CLICKED if clicked else FOLLOWED][position] = output
        self._newest = max(self._newest, position)
        forget_unneeded(self._outputs, self._newest, network.limits, memory=MEMORY, pointer=POINTER)


def _load(weights: Path, image_side: int | None) -> Any:
    """The network of a file, in evaluation mode on the CPU."""
    try:
        build_sam2 = importlib.import_module("sam2.build_sam").build_sam2
    except ImportError as error:
        raise MissingDependencyError(
            f"segmenter: expected the Python package sam2, found: {error}; SAM2_BUILD_CUDA=0 pip "
            "install git+https://github.com/facebookresearch/sam2.git, or choose the runtime "
            "transformers"
        ) from error
    state = _read(weights)
    blocks = {match[1] for name in state if (match := re.match(r".*trunk\.blocks\.(\d+)\.", name))}
    if len(blocks) not in CONFIGS:
        raise InputError(
            f"{weights}: expected weights of SAM 2.1, found a network whose image encoder has "
            f"{len(blocks)} blocks; name the published file"
        )
    overrides = ["++model.binarize_mask_from_pts_for_mem_enc=true"]  # as in the video predictor
    if image_side is not None:
        overrides.append(f"++model.image_size={image_side}")
    config = f"configs/sam2.1/sam2.1_hiera_{CONFIGS[len(blocks)]}.yaml"
    model = build_sam2(config, device="cpu", hydra_overrides_extra=overrides)
    _check_tensors(weights, model.state_dict(), state)
    model.load_state_dict(state)
    return model.requires_grad_(False)


def _read(weights: Path) -> Mapping[str, Tensor]:
    try:
        content = torch.load(weights, map_location="cpu", weights_only=True)
    except UNREADABLE as error:
        reason = " ".join(str(error).split())[:160]
        raise InputError(
            f"{weights}: expected weights of SAM 2.1, found: {reason}; get the file again"
        ) from error
    state = content.get("model") if isinstance(content, Mapping) else None
    if not isinstance(state, Mapping) or not all(isinstance(x, Tensor) for x in state.values()):
        raise InputError(
            f"{weights}: expected tensors by name under 'model', found something else; name the "
            "published file"
        )
    return state


def _check_tensors(
    weights: Path, expected: Mapping[str, Tensor], found: Mapping[str, Tensor]
) -> None:
    wrong = [
        *(f"no {name}" for name in expected if name not in found),
        *(f"an unknown {name}" for name in found if name not in expected),
        *(
            f"{name} of shape {tuple(found[name].shape)} instead of {tuple(tensor.shape)}"
            for name, tensor in expected.items()
            if name in found and found[name].shape != tensor.shape
        ),
    ]
    if wrong:
        more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        raise InputError(
            f"{weights}: expected the {len(expected)} tensors of SAM 2.1, found {wrong[0]}{more}; "
            "use weights that belong to this network"
        )


def _remember_less(model: Any, memories: int) -> None:
    """Attend to fewer memories than trained with: of the embeddings of their age, those of the
    newest stay, and the last one, which is that of all frames with clicks."""
    embeddings = model.maskmem_tpos_enc
    kept = torch.cat([embeddings[: memories - 1], embeddings[-1:]])
    model.maskmem_tpos_enc = torch.nn.Parameter(kept, requires_grad=False)
    model.num_maskmem = memories
