"""Streams to show to segmenters of the SAM 2 family, and what they say of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from motion_seg_ros.masks.prompted.segmenter import Segmenter
from motion_seg_ros.types import FloatArray, Frame

SIZE = (48, 80)  # H, W of the frames
TOLERANCE = 2e-4  # of logits; they are worked out in another order
Clicks = Sequence[tuple[float, float]]
Script = dict[int, dict[int, Clicks]]
"""Frame -> object -> where it is clicked. Objects start in the first frame they are clicked in."""
Said = dict[tuple[int, int], FloatArray]
"""(Object, frame) -> logits."""

ONE = ((20.0, 30.0),)
OTHER = ((61.5, 11.0),)
THREE = ((25.0, 33.0), (18.0, 30.0), (22.0, 26.5))


def stream(count: int, seed: int = 0) -> list[Frame]:
    """Frames of SIZE, each of its own noise."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (count, *SIZE, 3), np.uint8)
    return [Frame(image, stamp_ns=index) for index, image in enumerate(images)]


def points(*xy: tuple[float, float]) -> FloatArray:
    return np.array(xy, np.float32)


def run(segmenter: Segmenter, frames: Sequence[Frame], script: Script) -> Said:
    """Return the answers of a segmenter that is called as a script demands."""
    found = {}
    known: set[int] = set()
    for index, frame in enumerate(frames):
        segmenter.see(frame, index)
        clicked = script.get(index, {})
        for each in sorted(known | set(clicked)):
            if each not in known:
                found[each, index] = segmenter.start(each, index, points(*clicked[each]))
            elif each in clicked:
                found[each, index] = segmenter.prompt(each, index, points(*clicked[each]))
            else:
                found[each, index] = segmenter.follow(each, index)
        known |= set(clicked)
    return found


def pixels(frame: Frame, side: int) -> Any:
    """Return the input of the network, computed apart from the package."""
    rgb = torch.from_numpy(frame.image_bgr[..., ::-1].copy()).permute(2, 0, 1)[None] / 255.0
    square = torch.nn.functional.interpolate(rgb, (side, side), mode="bilinear", antialias=True)
    mean = torch.tensor([0.485, 0.456, 0.406])[None, :, None, None]
    return (square - mean) / torch.tensor([0.229, 0.224, 0.225])[None, :, None, None]


def assert_same(found: Said, expected: Said) -> None:
    assert found.keys() == expected.keys()
    for key, logits in expected.items():
        np.testing.assert_allclose(found[key], logits, atol=TOLERANCE, err_msg=str(key))


def held(root: object) -> tuple[int, int]:
    """Bytes of all tensors reachable from an object, and the number of all things in containers."""
    storages: dict[int, int] = {}
    seen: set[int] = set()
    things = 0
    stack = [root]
    while stack:
        each = stack.pop()
        if id(each) in seen or isinstance(each, (torch.nn.Module, type, str)):
            continue
        seen.add(id(each))
        inside: list[object] = []
        if isinstance(each, torch.Tensor):
            storages[each.untyped_storage().data_ptr()] = each.untyped_storage().nbytes()
        elif isinstance(each, dict):
            inside = list(each.values())
        elif isinstance(each, (list, tuple, set)):
            inside = list(each)
        elif hasattr(each, "__dict__"):
            inside = list(vars(each).values())
        things += len(inside)
        stack += inside
    return sum(storages.values()), things
