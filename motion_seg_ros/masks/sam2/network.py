"""SAM 2.1 and EdgeTAM of the transformers library, run frame by frame and object by object."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from motion_seg_ros.errors import InputError
from motion_seg_ros.masks.sam2.loading import load_network
from motion_seg_ros.masks.sam2.memory import MemoryLimits, Outputs, forget_unneeded
from motion_seg_ros.networks.device import (
    autocast,
    cast_weights,
    find_device,
    find_dtype,
    to_device,
)
from motion_seg_ros.networks.images import network_image
from motion_seg_ros.networks.memory import device_memory
from motion_seg_ros.networks.sharing import shared_while_used
from motion_seg_ros.types import FloatArray, UInt8Array

OBJECT = 1  # id of the only object in a session
CLICKED_FRAMES = 4  # frames with clicks that are remembered; set by hand


@dataclass(frozen=True, eq=False)
class _Loaded:
    """A network, and the class of its inference sessions."""

    model: Any
    session: Any


@shared_while_used
def _load(
    weights: Path,
    image_side: int | None,
    limits: MemoryLimits,
    device: torch.device,
    dtype: torch.dtype,
) -> _Loaded:
    model, session = load_network(weights, image_side)
    config = model.config
    limits.check(config.num_maskmem, config.max_object_pointers_in_encoder)
    # Read in each step; which embedding a memory gets by its age stays the same.
    model.num_maskmem = limits.memories
    cast_weights(model, dtype)
    model = model.to(device)
    for part in (model.shared_image_embedding, model.prompt_encoder.shared_embedding):
        _run_within(part, "forward", partial(_without_autocast, device))
    # It sends the ages of the object pointers to the device, for which PyTorch would wait until the
    # image encoder has ended.
    _run_within(model, "_process_object_pointers", _AsynchronousTensors)
    return _Loaded(model, session)


class Sam2Network:
    """Sam2VideoModel or EdgeTamVideoModel, with features of frames that all objects share.

    Frames are named by their position: 0, 1, 2, ... in the order they are encoded.

    The library follows the objects of a video together and keeps all of the past. Here each object
    has an inference session of its own that holds only what can still be read. The logits are
    those of the library, except where one object is clicked in a frame to which others are
    followed: with all objects in one session, a Sam2VideoModel then stores the masks of all of
    them as if they had been clicked. Here, as in the authors' package, it does not.

    Args:
        weights: folder with config.json and model.safetensors, as published under
            https://huggingface.co/facebook/sam2.1-hiera-tiny and
            https://huggingface.co/yonigozlan/EdgeTAM-hf.
        device: see motion_seg_ros.networks.device.find_device.
        dtype: see motion_seg_ros.networks.device.find_dtype.
        image_side: side of the square that images are stretched to, in pixels: a multiple of 32
            for SAM 2 and of 256 for EdgeTAM; None: the one it was trained at (1024).
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
        device: str,
        dtype: str,
        image_side: int | None,
        memories: int,
        pointers: int,
        clicked: int = CLICKED_FRAMES,
    ) -> None:
        self.device = find_device(device)
        self.dtype = find_dtype(dtype, self.device)
        self.limits = MemoryLimits(memories, pointers, clicked)
        self._loaded = _load(weights, image_side, self.limits, self.device, self.dtype)
        self.model, self._session = self._loaded.model, self._loaded.session
        self.inference = Inference(self.device, self.dtype)
        self._features: dict[int, _FrameFeatures] = {}
        self._place_encoding: Tensor | None = None

    @property
    def image_side(self) -> int:
        """Side of the square that images are stretched to, in pixels."""
        return int(self.model.config.image_size)

    def encode(self, position: int, image_bgr: UInt8Array) -> None:
        """Compute and keep the features of an image, (H, W, 3) uint8.

        Raises:
            DeviceMemoryError: the device has not enough memory.
        """
        with self.inference():
            side = self.image_side
            pixels = network_image(image_bgr, (side, side), self.device, mode="bilinear")
            output = self.model.get_image_features(pixels, return_dict=True)
            if self._place_encoding is None:
                # Only that of the coarsest level is ever read, and it is the same for all frames.
                self._place_encoding = output.fpn_position_encoding[-1]
            self._features[position] = _FrameFeatures(
                output.fpn_hidden_states, self._place_encoding
            )

    def forget(self, position: int) -> None:
        """Drop the features of a frame."""
        self._features.pop(position, None)

    def new_memory(self) -> ObjectMemory:
        """Return the empty memory of an object that is yet to be clicked."""
        session = self._session(
            inference_device=self.device,
            inference_state_device=self.device,
            video_storage_device=self.device,
            dtype=self.dtype,
        )
        return ObjectMemory(self, session)

    def features(self, position: int) -> _FrameFeatures:
        """Return the features of a frame as a session takes them.

        Raises:
            InputError: they are not kept any more.
        """
        features = self._features.get(position)
        if features is None:
            raise InputError(
                f"segmenter: expected the features of frame {position} of the stream, found that "
                "they are no longer kept; keep more frames"
            )
        return features


class ObjectMemory:
    """Memory of one object, bounded however long the stream: a session of the library."""

    def __init__(self, network: Sam2Network, session: Any) -> None:
        self._network = network
        self._session = session
        self._object = session.obj_id_to_idx(OBJECT)
        self._newest = -1  # position
        # Stands for the image of a streamed frame, of which only the features are needed.
        self._no_image = torch.empty(0, device=network.device)

    def segment(
        self, position: int, size: tuple[int, int], xy_px: FloatArray | None, *, remember: bool
    ) -> FloatArray:
        """Compute the logits of the object in a frame.

        Args:
            position: the frame: one after the last one, if any. With clicks it may also be an
                earlier one, whose memory is then replaced.
            size: H, W of the frame.
            xy_px: (K, 2) positive clicks, K at least 1; None: follow by memory alone.
            remember: False: this is the only call, so that its memory need not be computed.

        Returns:
            (H, W) float32 logits.

        Raises:
            DeviceMemoryError: the device has not enough memory.
            InputError: the frame's features are not kept any more.
        """
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
            logits = output.pred_masks.float()
            full = functional.interpolate(logits, size, mode="bilinear", align_corners=False)
            return np.asarray(full[0, 0].cpu().numpy(), np.float32)

    def _add_clicks(self, position: int, size: tuple[int, int], xy_px: FloatArray) -> None:
        network, (height, width) = self._network, size
        side = network.image_side
        scale = torch.tensor([side / width, side / height])
        # Both count from the centre of the top-left pixel.
        xy = to_device((torch.tensor(xy_px) + 0.5) * scale - 0.5, network.device)
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
        forget_unneeded(outputs, self._newest, self._network.limits)
        session.processed_frames.clear()
        session.frames_tracked_per_obj[self._object].clear()
        session.point_inputs_per_obj[self._object].clear()
        session.cache = None

    @staticmethod
    def _halve(outputs: Outputs, position: int) -> None:
        """Convert memories, which SAM 2 leaves in bfloat16: autocast does not mix it with
        float16."""
        for kept in outputs.values():
            features = kept.get(position, {}).get("maskmem_features")
            if features is not None:
                kept[position]["maskmem_features"] = features.to(torch.float16)


class Inference:
    """Contexts in which a network is run: without gradients, computing in `dtype` where safe.

    On a GPU the network has a stream of its own, with priority, so that its caller does not wait
    for work that other threads have queued. All its work has to be in such contexts.

    Args:
        device: that of the network, whose weights are at least on their way there.
        dtype: see motion_seg_ros.networks.device.find_dtype.
    """

    def __init__(self, device: torch.device, dtype: torch.dtype) -> None:
        self._device = device
        self._dtype = dtype
        self._stream: torch.cuda.Stream | None = None
        if device.type == "cuda":
            self._stream = torch.cuda.Stream(device, priority=-1)  # type: ignore[no-untyped-call]
            self._stream.wait_stream(torch.cuda.current_stream(device))

    @contextlib.contextmanager
    def __call__(self) -> Iterator[None]:
        """Enter one context.

        Raises:
            DeviceMemoryError: the device has not enough memory.
        """
        own: contextlib.AbstractContextManager[Any] = contextlib.nullcontext()
        if self._stream is not None:
            own = torch.cuda.stream(self._stream)
        with (
            device_memory("segmenter"),
            own,
            torch.inference_mode(),
            autocast(self._device, self._dtype),
        ):
            yield


class _FrameFeatures:
    """The features of one frame, in place of a session's own cache of them."""

    def __init__(self, levels: list[Tensor], place_encoding: Tensor) -> None:
        self._features = {"vision_feats": levels, "vision_pos_embeds": [place_encoding]}

    def get_vision_features(self, frame_idx: int) -> dict[str, list[Tensor]]:
        """Return what the library's cache of that name returns, whatever the frame."""
        return self._features


class _AsynchronousTensors(TorchFunctionMode):
    """Context in which torch.tensor does not wait for the device that it makes a tensor on."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if func is not torch.tensor or kwargs.get("device") is None:
            return func(*args, **kwargs)
        device = torch.device(kwargs.pop("device"))
        return to_device(func(*args, **kwargs), device)


def _run_within(
    part: nn.Module, method: str, context: Callable[[], contextlib.AbstractContextManager[Any]]
) -> None:
    """Wrap a method of a part of a network, so that each call runs in a new context."""
    work, owner = getattr(type(part), method), weakref.proxy(part)

    def within(*args: Any, **kwargs: Any) -> Any:
        with context():
            return work(owner, *args, **kwargs)

    setattr(part, method, within)


def _without_autocast(device: torch.device) -> contextlib.AbstractContextManager[Any]:
    """Return a context for position encodings: as products in bfloat16 they would, on average, be
    those of positions half a pixel away."""
    return torch.autocast(device.type, enabled=False)
