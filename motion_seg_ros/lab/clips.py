"""Clips of `demo` and `benchmark`: rendered, or the user's own."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import numpy as np
from tqdm import tqdm

from motion_seg_ros.io.base import FrameSource
from motion_seg_ros.io.clip import RawClip, RawClipFrame, write_clip
from motion_seg_ros.lab.synthetic.demo import demo_clip
from motion_seg_ros.lab.synthetic.renderer import RenderedFrame, Renderer
from motion_seg_ros.types import Frame


def render_clip(folder: Path, *, seed: int, size: tuple[int, int], frames: int) -> RawClip:
    """Render the demo's clip with its truth into a folder.

    Args:
        folder: an existing, empty one.
        seed: chooses textures and noise.
        size: width and height in pixels.
        frames: number of frames.
    """
    renderer = Renderer(demo_clip(seed=seed, size=size, frames=frames))
    rendered = (_with_truth(each) for each in renderer)
    bar = _progress(rendered, "rendering the clip", frames)
    return write_clip(folder, bar, renderer.scene.fps)


def copy_clip(
    folder: Path, source: FrameSource, *, frames: int, max_width: int | None = None
) -> RawClip:
    """Copy the first `frames` frames of a sequence into a folder; fewer if it has fewer.

    Wider ones than `max_width` pixels are scaled down.

    Raises:
        InputError: a frame cannot be read.
    """
    items = (RawClipFrame(each.frame) for each in islice(source, frames))
    known = frames if source.length is None else min(frames, source.length)
    bar = _progress(items, f"reading {source.name}", known)
    return write_clip(folder, bar, source.fps, max_width)


def _with_truth(rendered: RenderedFrame) -> RawClipFrame:
    frame = Frame(rendered.image_bgr, rendered.stamp_ns, camera_matrix=rendered.intrinsics)
    truth = np.where(rendered.moving, rendered.instances, np.uint16(0)).astype(np.uint16)
    return RawClipFrame(frame, truth)


def _progress(frames: Iterable[RawClipFrame], what: str, count: int) -> Iterable[RawClipFrame]:
    return tqdm(frames, desc=what, total=count, unit="frame", disable=None)
