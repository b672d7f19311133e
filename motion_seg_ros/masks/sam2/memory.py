"""What all runtimes of SAM 2 share: coordinates, logits, and how little of the past is needed.

Both runtimes keep what they know of an object as "cond_frame_outputs" (frames in which it was
clicked) and "non_cond_frame_outputs" (frames to which it was followed), each by position, and read
of it the memories of the last frames, the object pointers of some more, and both of the frames with
clicks (Ravi et al. 2024, Section 4, "Memory bank"); neither ever forgets any by itself.
"""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable, Collection, Iterator, MutableMapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from motion_seg_ros.errors import ConfigError, InputError
from motion_seg_ros.networks.device import autocast
from motion_seg_ros.networks.memory import device_memory
from motion_seg_ros.networks.transfer import to_device
from motion_seg_ros.types import FloatArray

CLICKED = "cond_frame_outputs"
FOLLOWED = "non_cond_frame_outputs"

Outputs = MutableMapping[str, MutableMapping[int, MutableMapping[str, Any]]]
"""CLICKED and FOLLOWED -> position -> name -> tensor."""


@dataclass(frozen=True)
class MemoryLimits:
    """How much of an object's past is kept.

    Attributes:
        memories: the last frames whose memory is attended to, the current one counted: 1 to as many
            as the network was trained with (7); with fewer it is faster.
        pointers: the last frames whose object pointer is attended to, the current one counted: as
            many as memories to as many as the network was trained with (16).
        clicked: the last frames with clicks, whose memory and pointer stay until there are more.
    """

    memories: int
    pointers: int
    clicked: int


def check_limits(limits: MemoryLimits, most_memories: int, most_pointers: int) -> None:
    """Refuse limits that a network cannot have.

    Args:
        limits: see there.
        most_memories: that it was trained with.
        most_pointers: that it was trained with.

    Raises:
        ConfigError: names the first that is out of range.
    """
    for name, found, least, most in (
        ("memories", limits.memories, 1, most_memories),
        # Networks look for a pointer wherever they find a memory.
        ("pointers", limits.pointers, limits.memories, most_pointers),
    ):
        if not least <= found <= most:
            raise ConfigError(f"segmenter {name}: expected {least} to {most}, found {found}")
    if limits.clicked < 1:
        raise ConfigError(f"segmenter clicked: expected at least 1, found {limits.clicked}")


def forget_unneeded(
    outputs: Outputs,
    position: int,
    limits: MemoryLimits,
    *,
    memory: Collection[str],
    pointer: Collection[str],
) -> None:
    """Drop all that no frame after `position` can read, and of frames with clicks what was there
    before these.

    Args:
        outputs: of one object; changed in place.
        position: of the newest frame that was segmented.
        limits: what stays.
        memory: names of the tensors of a frame's memory.
        pointer: names of the tensors of a frame's object pointer.
    """
    clicked, followed = outputs[CLICKED], outputs[FOLLOWED]
    for old in sorted(clicked)[: -limits.clicked]:
        del clicked[old]
    for output in clicked.values():
        _keep(output, {*memory, *pointer})
    for old in list(followed):
        age = position + 1 - old  # in the next frame
        if old in clicked:
            del followed[old]
        elif age < limits.memories:
            _keep(followed[old], {*memory, *pointer})
        elif age < limits.pointers:
            _keep(followed[old], pointer)
        else:
            del followed[old]


def _keep(output: MutableMapping[str, Any], names: Collection[str]) -> None:
    for name in [each for each in output if each not in names]:
        del output[name]


def run_within(
    part: nn.Module, method: str, block: Callable[[], contextlib.AbstractContextManager[Any]]
) -> None:
    """Let a part of a network run one of its methods within a new block each time."""
    work, owner = getattr(type(part), method), weakref.proxy(part)

    def within(*args: Any, **kwargs: Any) -> Any:
        with block():
            return work(owner, *args, **kwargs)

    setattr(part, method, within)


def in_float32(device: torch.device) -> contextlib.AbstractContextManager[Any]:
    """A block without autocast. The codes of places in the image are made in such: as products in
    bfloat16 they are, in the mean, those of places half a pixel away."""
    return torch.autocast(device.type, enabled=False)


def not_kept(position: int) -> InputError:
    """What to raise where the features of a frame are asked for that are forgotten by now."""
    return InputError(
        f"segmenter: expected the features of frame {position} of the stream, found that they are "
        "no longer kept; keep more frames"
    )


def square_points(
    xy_px: FloatArray, size: tuple[int, int], side: int, device: torch.device
) -> Tensor:
    """(K, 2) float32 positions in an image of `size` (H, W), where the centre of the top-left pixel
    is (0, 0) -> those in the image stretched to `side` x `side`, counted alike."""
    height, width = size
    scale = torch.tensor([side / width, side / height])
    return to_device((torch.tensor(xy_px) + 0.5) * scale - 0.5, device)


def frame_logits(logits: Tensor, size: tuple[int, int]) -> FloatArray:
    """(1, 1, h, w) logits of the square -> (H, W) float32, stretched bilinearly to `size`."""
    full = functional.interpolate(logits.float(), size, mode="bilinear", align_corners=False)
    return np.asarray(full[0, 0].cpu().numpy(), np.float32)


class Inference:
    """Makes the blocks in which a network is run: nothing is recorded for training, and `dtype` is
    calculated in where that is safe.

    On a GPU the network has a stream of its own, with priority: whoever asks it for masks does not
    wait for what other threads have given the GPU to do. So all its work has to be in such blocks.

    Args:
        device: of the network, whose weights are on their way there at least.
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
        """One block.

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
