"""SAM 2.1 and EdgeTAM through the transformers library."""

from __future__ import annotations

import importlib
import json
import math
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from motion_seg_ros.errors import ConfigError, InputError, MissingDependencyError
from motion_seg_ros.masks.sam2.memory import (
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
from motion_seg_ros.networks.pretrained import CONFIG_FILE, load_pretrained
from motion_seg_ros.networks.transfer import to_device
from motion_seg_ros.types import FloatArray, UInt8Array

KINDS = {"sam2_video": "Sam2Video", "edgetam_video": "EdgeTamVideo"}
"""Type of network in config.json -> how the names of its classes begin."""

OBJECT = 1  # the id of the only object in a session
MEMORY = ("maskmem_features", "maskmem_pos_enc")
POINTER = ("object_pointer",)


class TransformersSam2:
    """Implements motion_seg_ros.masks.sam2.segmenter.Sam2Network with Sam2VideoModel or
    EdgeTamVideoModel.

    The library follows the objects of a video together, and keeps all of the past. Here each has an
    inference session of its own over features that all share, and only what can still be read
    stays in it. Logits are those of the library, but where one object is clicked in a frame to
    which others are followed: for what they leave in memory, a Sam2VideoModel with all in one
    session takes the masks of all for clicked ones. Here, as in the authors' package, it does not.

    Args:
        weights: folder with config.json and model.safetensors, as published under
            https://huggingface.co/facebook/sam2.1-hiera-tiny and
            https://huggingface.co/yonigozlan/EdgeTAM-hf.
        device: see motion_seg_ros.networks.device.find_device.
        dtype: see motion_seg_ros.networks.device.find_dtype.
        image_side: of the square that images are stretched to, in pixels: a multiple of 32 for
            SAM 2 and of 256 for EdgeTAM; None: what the network was trained at (1024).
        memories, pointers, clicked: see motion_seg_ros.masks.sam2.memory.MemoryLimits.

    Raises:
        ConfigError: a device or dtype that does not exist, or a value out of range.
        InputError: the weights are missing, damaged or of another network.
        MissingDependencyError: transformers, or timm for EdgeTAM, is not installed.
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
        self.limits = MemoryLimits(memories, pointers, clicked)
        names = KINDS[_model_type(weights)]
        if names == KINDS["edgetam_video"]:
            _check_timm()
        model = _load(names, weights, image_side)
        config = model.config
        check_limits(self.limits, config.num_maskmem, config.max_object_pointers_in_encoder)
        # Read in each step; which embedding a memory gets by its age stays as it is.
        model.num_maskmem = memories
        cast_weights(model, self.dtype)
        self.model = model.to(self.device)
        for part in (self.model.shared_image_embedding, self.model.prompt_encoder.shared_embedding):
            run_within(part, "forward", partial(in_float32, self.device))
        # It sends to the device how long ago each object pointer was made, for which PyTorch would
        # wait until the image encoder has ended.
        run_within(self.model, "_process_object_pointers", _UnwaitedTensors)
        self.inference = Inference(self.device, self.dtype)
        self._session = getattr(importlib.import_module("transformers"), f"{names}InferenceSession")
        self._features: dict[int, _Features] = {}
        self._place_encoding: Tensor | None = None

    @property
    def image_side(self) -> int:
        """Of the square that images are stretched to, in pixels."""
        return int(self.model.config.image_size)

    def encode(self, position: int, image_bgr: UInt8Array) -> None:
        """See motion_seg_ros.masks.sam2.segmenter.Sam2Network."""
        with self.inference():
            side = self.image_side
            pixels = network_image(image_bgr, (side, side), self.device, mode="bilinear")
            output = self.model.get_image_features(pixels, return_dict=True)
            if self._place_encoding is None:
                # Only that of the coarsest level is ever read, and it is the same for all frames.
                self._place_encoding = output.fpn_position_encoding[-1]
            self._features[position] = _Features(output.fpn_hidden_states, self._place_encoding)

    def forget(self, position: int) -> None:
        """See motion_seg_ros.masks.sam2.segmenter.Sam2Network."""
        self._features.pop(position, None)

    def new_memory(self) -> SessionMemory:
        """See motion_seg_ros.masks.sam2.segmenter.Sam2Network."""
        session = self._session(
            inference_device=self.device,
            inference_state_device=self.device,
            video_storage_device=self.device,
            dtype=self.dtype,
        )
        return SessionMemory(self, session)

    def features(self, position: int) -> _Features:
        """Those of a frame, as a session asks for them.

        Raises:
            InputError: they are not at hand.
        """
        features = self._features.get(position)
        if features is None:
            raise not_kept(position)
        return features


class SessionMemory:
    """Implements motion_seg_ros.masks.sam2.segmenter.ObjectMemory with a session of the library."""

    def __init__(self, network: TransformersSam2, session: Any) -> None:
        self._network = network
        self._session = session
        self._object = session.obj_id_to_idx(OBJECT)
        self._newest = -1  # position
        # Stands for the image of a streamed frame, of which only the features are needed.
        self._no_image = torch.empty(0, device=network.device)

    def segment(
        self, position: int, size: tuple[int, int], xy_px: FloatArray | None, *, remember: bool
    ) -> FloatArray:
        """See motion_seg_ros.masks.sam2.segmenter.ObjectMemory."""
        network, session = self._network, self._session
        session.cache = network.features(position)
        with network.inference():
            if xy_px is not None:
                self._add_clicks(position, size, xy_px)
            # Without a number the session counts the frames it holds, of which there are none.
            output = network.model(
                inference_session=session,
                frame=self._no_image,
                frame_idx=position,
                run_mem_encoder=remember,
            )
            self._forget(position)
            return frame_logits(output.pred_masks, size)

    def _add_clicks(self, position: int, size: tuple[int, int], xy_px: FloatArray) -> None:
        network = self._network
        xy = square_points(xy_px, size, network.image_side, network.device)
        labels = torch.ones(len(xy), dtype=torch.int32, device=network.device)
        clicks = {"point_coords": xy[None, None], "point_labels": labels[None, None]}
        self._session.add_point_inputs(self._object, position, clicks)
        self._session.obj_with_new_inputs = [OBJECT]

    def _forget(self, position: int) -> None:
        session = self._session
        self._newest = max(self._newest, position)
        outputs = session.output_dict_per_obj[self._object]
        if self._network.dtype == torch.float16:
            self._halve(outputs, position)
        forget_unneeded(
            outputs,
            self._newest,
            self._network.limits,
            memory=MEMORY,
            pointer=POINTER,
        )
        session.processed_frames.clear()
        session.frames_tracked_per_obj[self._object].clear()
        session.point_inputs_per_obj[self._object].clear()
        session.cache = None

    @staticmethod
    def _halve(outputs: Outputs, position: int) -> None:
        """SAM 2 leaves memories in bfloat16, which autocast does not mix with float16."""
        for kept in outputs.values():
            features = kept.get(position, {}).get("maskmem_features")
            if features is not None:
                kept[position]["maskmem_features"] = features.to(torch.float16)


class _Features:
    """The features of one frame, in the place of a session's own cache of them."""

    def __init__(self, levels: list[Tensor], place_encoding: Tensor) -> None:
        self._features = {"vision_feats": levels, "vision_pos_embeds": [place_encoding]}

    def get_vision_features(self, frame_idx: int) -> dict[str, list[Tensor]]:
        """What the library's own cache of that name returns, whatever the frame."""
        return self._features


class _UnwaitedTensors(TorchFunctionMode):
    """A block in which torch.tensor does not wait for the device that it makes a tensor on."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if func is not torch.tensor or kwargs.get("device") is None:
            return func(*args, **kwargs)
        device = torch.device(kwargs.pop("device"))
        return to_device(func(*args, **kwargs), device)


def _model_type(weights: Path) -> str:
    """The type of network in a folder; what cannot be read is left to load_pretrained to refuse."""
    try:
        config = json.loads((weights / CONFIG_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return next(iter(KINDS))
    found = config.get("model_type") if isinstance(config, dict) else None
    if found not in KINDS:
        raise InputError(
            f"{weights}: expected weights of the type {' or '.join(KINDS)}, found {found}; name "
            "the folder of such a network"
        )
    return str(found)


def _check_timm() -> None:
    """Refuse to go on without timm: the library's own message does not say which one fits."""
    try:
        importlib.import_module("timm")
    except (ImportError, RuntimeError) as error:  # of a torchvision made for another torch, too
        raise MissingDependencyError(
            "EdgeTAM: expected the Python package timm, and a torchvision that fits torch "
            f"{torch.__version__}, found: {error}; pip install 'motion_seg_ros[edgetam]', or "
            "choose SAM 2.1"
        ) from error


def _load(names: str, weights: Path, image_side: int | None) -> Any:
    """The network in a folder, on the CPU."""
    settings = {}
    # Without a configuration, load_pretrained says so.
    if image_side is not None and (weights / CONFIG_FILE).is_file():
        settings["config"] = _resized(_read_config(names, weights), image_side)
    return load_pretrained(f"{names}Model", weights, **settings)


def _read_config(names: str, weights: Path) -> Any:
    try:
        cls = getattr(importlib.import_module("transformers"), f"{names}Config")
        return cls.from_pretrained(weights, local_files_only=True)
    except ImportError as error:
        reason = " ".join(str(error).split())
        raise MissingDependencyError(
            f"{names}: expected the Python package transformers with all that this network needs, "
            f"found: {reason}; pip install 'motion_seg_ros[full]'"
        ) from error
    except Exception as error:  # whatever the library meets with in a damaged file
        reason = " ".join(str(error).split())
        raise InputError(
            f"{weights / CONFIG_FILE}: expected the configuration of {names}, found: "
            f"{type(error).__name__}: {reason}; get the folder again"
        ) from error


def _resized(config: Any, side: int) -> Any:
    """A configuration, changed for another image side."""
    vision, patch = config.vision_config, config.prompt_encoder_config.patch_size
    # The image encoder's coarsest level is half as fine as the coarsest one that is used.
    unit = 2 * patch
    latents = getattr(config, "perceiver_resampler_num_latents_2d", None)
    if latents is not None:  # EdgeTAM cuts the coarsest level used into as many equal squares
        unit = math.lcm(unit, patch * math.isqrt(latents))
    if side <= 0 or side % unit:
        raise ConfigError(f"image side: expected a multiple of {unit} pixels, found {side}")
    trained = config.image_size
    config.image_size = config.prompt_encoder_config.image_size = side
    if hasattr(vision.backbone_config, "image_size"):
        vision.backbone_config.image_size = [side, side]
    vision.backbone_feature_sizes = [
        [size * side // trained for size in sizes] for sizes in vision.backbone_feature_sizes
    ]
    config.memory_attention_rope_feat_sizes = list(vision.backbone_feature_sizes[-1])
    return config
