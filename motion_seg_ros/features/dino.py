"""Appearance at tracks by DINOv2 (Oquab et al., 2023): Dinov2Model of transformers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from motion_seg_ros.networks.device import (
    autocast,
    cast_weights,
    find_device,
    find_dtype,
    to_device,
)
from motion_seg_ros.networks.images import PATCH_PX, network_image, patch_size_px
from motion_seg_ros.networks.pretrained import load_pretrained
from motion_seg_ros.networks.sharing import shared_while_used
from motion_seg_ros.types import FloatArray, Frame, Int64Array, Tracks
from motion_seg_ros.window import Window

if TYPE_CHECKING:
    import torch
    from torch import Tensor

OFFICIAL_STRIDE_PX = 7  # between the patches of the authors' variant, which overlap
# Added to the number of patches, so that rounding cannot make their position codes one too few:
# https://github.com/facebookresearch/dino/issues/8.
OFFICIAL_EXTRA_PATCH = 0.1
# Limits where memory is short, of the shorter side and of the full image; set by hand.
LEAST_SHORT_SIDE_PX = 4 * PATCH_PX
MOST_REDUCTION = 4


@shared_while_used
def _load(weights: Path, device: torch.device, dtype: torch.dtype) -> Any:
    model = load_pretrained("Dinov2Model", weights, attn_implementation="sdpa")
    cast_weights(model, dtype)
    return model.to(device)


class DinoFeatures:
    """Describes each track once, by the network's patch token at its query point.

    In its query frame (the paper, section 3.1) a track is sure to lie on its object: later
    positions drift, and slip off at occlusions. A track that is new here although its query frame
    has left the window is described in the first frame in which it is visible.

    A frame goes through the network only when a track needs it, and once.

    Args:
        weights: folder with config.json and model.safetensors.
        device: see motion_seg_ros.networks.device.find_device.
        dtype: see motion_seg_ros.networks.device.find_dtype.
        short_side_px: of the network's input; rounded to whole patches of 14 pixels, as is the
            longer side.
        official: compute the descriptors of the authors' code: keys of the last block, channel
            d * heads + head, of patches every OFFICIAL_STRIDE_PX pixels of the full image, whatever
            `short_side_px`, at the nearest patch instead of between patches.

    Raises:
        ConfigError: a device or dtype that does not exist.
        InputError: the weights are missing, damaged or of another network.
        MissingDependencyError: torch or transformers is not installed.
    """

    def __init__(
        self,
        weights: Path,
        *,
        device: str,
        dtype: str,
        short_side_px: int,
        official: bool,
    ) -> None:
        self._device = find_device(device)
        self._dtype = find_dtype(dtype, self._device)
        self._short_side_px = short_side_px
        self._reduction = 1  # of the full image's sides
        model = _load(weights, self._device, self._dtype)
        self._channels = int(model.config.hidden_size)

        def keys(x: Tensor) -> Tensor:
            return official_keys(model, x)

        self._official = official
        self._network: Any = keys if official else model
        self._map = self._official_map if official else self._token_map
        self._sample = _nearest if official else _bilinear
        self._maps: dict[int, Tensor] = {}  # (C, h, w) by the frame's index
        self.reset()

    @property
    def channels(self) -> int:
        """See motion_seg_ros.features.base.FeatureExtractor."""
        return self._channels

    def reset(self) -> None:
        """See motion_seg_ros.features.base.FeatureExtractor."""
        self._maps.clear()
        self._ids: Int64Array = np.zeros(0, np.int64)
        self._described = np.zeros((0, self.channels), np.float32)

    def shrink(self) -> str | None:
        """See motion_seg_ros.networks.memory.Shrinks: half the side, LEAST_SHORT_SIDE_PX at least;
        official: of the full image, at least 1 / MOST_REDUCTION of it."""
        if self._official:
            if self._reduction >= MOST_REDUCTION:
                return None
            self._reduction *= 2
            return f"dino images of 1/{self._reduction} of their sides"
        if self._short_side_px <= LEAST_SHORT_SIDE_PX:
            return None
        self._short_side_px = max(LEAST_SHORT_SIDE_PX, self._short_side_px // 2)
        return f"features.dino.short_side_px {self._short_side_px}"

    def extract(self, window: Window, tracks: Tracks) -> FloatArray:
        """See motion_seg_ros.features.base.FeatureExtractor; C = channels."""
        self._maps = {i: each for i, each in self._maps.items() if i >= window.first_index}
        found = np.zeros((len(tracks), self.channels), np.float32)
        known = np.isin(tracks.ids, self._ids)
        found[known] = self._described[np.searchsorted(self._ids, tracks.ids[known])]
        new = np.flatnonzero(~known)
        if len(new):
            found[new] = self._describe(window, tracks, new)
        self._ids, self._described = tracks.ids, found
        return found.copy()

    def _describe(self, window: Window, tracks: Tracks, some: Int64Array) -> FloatArray:
        """Describe the tracks at `some` (M,), M >= 1: (M, C) float32, fetched from the device at
        once."""
        import torch

        frames = _frames_to_describe(tracks)[some]
        order = np.argsort(frames, kind="stable")
        parts = []
        for t in np.unique(frames):
            map_ = self._map_of(window.frames[t], window.first_index + int(t))
            xy_px = tracks.xy_px[t, some[frames == t]]
            parts.append(self._sample(map_, xy_px, window.newest.size))
        found = np.empty((len(some), self.channels), np.float32)
        found[order] = torch.cat(parts).cpu().numpy()
        return found

    def _map_of(self, frame: Frame, index: int) -> Tensor:
        import torch

        if index not in self._maps:
            with torch.inference_mode():
                self._maps[index] = self._map(frame)
        return self._maps[index]

    def _token_map(self, frame: Frame) -> Tensor:
        """Return the tokens (C, h, w) float32 of the last layer, after the final normalisation."""
        size = patch_size_px(frame.size, self._short_side_px)
        x = network_image(frame.image_bgr, size, self._device)
        with autocast(self._device, self._dtype):
            tokens = self._network(x).last_hidden_state[0, 1:]  # (h w, C), without the class token
        rows, columns = size[0] // PATCH_PX, size[1] // PATCH_PX
        map_: Tensor = tokens.float().T.unflatten(1, (rows, columns))
        return map_

    def _official_map(self, frame: Frame) -> Tensor:
        """Return the keys (C, h, w) float32 of the last block, rounded to float16 as the authors
        store them."""
        step = self._reduction * PATCH_PX  # side of a patch in pixels of the full image
        height, width = (-(-side // step) * PATCH_PX for side in frame.size)
        x = network_image(frame.image_bgr, (height, width), self._device, mode="bilinear")
        with autocast(self._device, self._dtype):
            keys: Tensor = self._network(x)
        return keys[0].half().float()


def official_keys(model: Any, x: Tensor) -> Tensor:
    """Return the keys (B, C, h, w) of the last block at overlapping patches, channel d * heads +
    head.

    Position codes are stretched to the denser grid. Source:
    https://github.com/nnanhuang/SegAnyMo, core/utils/dino_feat.py; after Amir et al., Deep ViT
    Features as Dense Visual Descriptors, 2021.

    Args:
        model: a Dinov2Model.
        x: (B, 3, H, W) images, H and W multiples of the patch's side.
    """
    import torch
    from torch.nn import functional

    embeddings = model.embeddings
    patch = embeddings.patch_embeddings.projection
    grid = functional.conv2d(x, patch.weight, patch.bias, stride=OFFICIAL_STRIDE_PX)
    rows, columns = grid.shape[-2:]
    side = round((embeddings.position_embeddings.shape[1] - 1) ** 0.5)
    codes = embeddings.position_embeddings[:, 1:].unflatten(1, (side, side)).permute(0, 3, 1, 2)
    scale = [(count + OFFICIAL_EXTRA_PATCH) / side for count in (rows, columns)]
    codes = functional.interpolate(codes, scale_factor=scale, mode="bicubic")  # (1, C, h, w)
    first = embeddings.cls_token + embeddings.position_embeddings[:, :1]
    tokens = torch.cat(
        [first.expand(len(x), -1, -1), (grid + codes).flatten(2).transpose(1, 2)], dim=1
    )
    *before, last = model.encoder.layer
    for layer in before:
        tokens = layer(tokens)
    keys: Tensor = last.attention.k_proj(last.norm1(tokens))[:, 1:]  # (B, h w, heads d)
    heads = model.config.num_attention_heads
    split = keys.reshape(len(x), rows, columns, heads, -1)
    return split.permute(0, 4, 3, 1, 2).flatten(1, 2)  # (B, d heads, h, w)


def _frames_to_describe(tracks: Tracks) -> Int64Array:
    """Return the index (N,) into T of each track's query frame if it is visible there, else of the
    first frame in which it is."""
    seeded = tracks.visible[tracks.query_frame, np.arange(len(tracks))]
    return np.where(seeded, tracks.query_frame, tracks.visible.argmax(axis=0))


def _bilinear(map_: Tensor, xy_px: FloatArray, size: tuple[int, int]) -> Tensor:
    """Sample a map (C, h, w) that covers an image of `size` (H, W) at positions (N, 2) in its
    pixels: (N, C) float32. Beyond the centres of the outermost patches their values count."""
    from torch.nn import functional

    height, width = size
    at = (2 * xy_px + 1) / np.array([width, height], np.float32) - 1  # -1 and 1: the image's edges
    where = to_device(at, map_.device)[None, None]  # (1, 1, N, 2)
    found = functional.grid_sample(
        map_[None], where, mode="bilinear", padding_mode="border", align_corners=False
    )
    return found[0, :, 0].T


def _nearest(map_: Tensor, xy_px: FloatArray, size: tuple[int, int]) -> Tensor:
    """Sample as _bilinear, but take the value of the cell that each position is in."""
    shape = np.array(map_.shape[:0:-1])  # w, h
    cell = (xy_px * (shape / np.array(size[::-1]))).astype(np.int64)
    column, row = to_device(np.clip(cell, 0, shape - 1).T, map_.device)
    return map_[:, row, column].T
