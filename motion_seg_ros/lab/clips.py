"""Clips of `demo` and `benchmark`: rendered, or the user's own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from tqdm import tqdm

from motion_seg_ros.io.base import FrameSource, SourceFrame
from motion_seg_ros.io.clip import RawClip, RawClipFrame, write_clip
from motion_seg_ros.lab.synthetic.demo import demo_clip
from motion_seg_ros.lab.synthetic.depth_sensor import DepthSensor, frame_with_depth
from motion_seg_ros.lab.synthetic.renderer import RenderedFrame, Renderer
from motion_seg_ros.lab.synthetic.scene import Scene
from motion_seg_ros.lab.synthetic.scenes import (
    crossing_movers,
    forward_parallax_static,
    mover_under_parallax,
    pan_only,
)

logger = logging.getLogger(__name__)

VARIED = (
    (demo_clip, 1.0),
    (mover_under_parallax, 1.0),
    (demo_clip, 0.75),
    (forward_parallax_static, 1.0),
    (crossing_movers, 1.0),
    (pan_only, 0.75),
    (demo_clip, 1.0),
)
"""Scenes of `render_clips`, and their size as a share of the largest."""


def render_clip(
    folder: Path,
    *,
    seed: int,
    size: tuple[int, int],
    frames: int,
    scene: Callable[[int, tuple[int, int], int], Scene] = demo_clip,
    sensor: DepthSensor | None = None,
) -> RawClip:
    """Render a clip with its truth into a folder.

    Args:
        folder: an existing, empty one.
        seed: chooses textures and noise.
        size: width and height in pixels.
        frames: number of frames.
        scene: makes the scene of a seed, a size and a number of frames.
        sensor: measures depth; None: the clip has none.
    """
    renderer = Renderer(scene(seed, size, frames))
    rendered = (_clip_frame(each, sensor, seed) for each in renderer)
    bar = _progress(rendered, "rendering the clip", frames)
    return write_clip(folder, bar, renderer.scene.fps)


def render_clips(folder: Path, *, size: tuple[int, int], frames: int) -> list[Path]:
    """Render clips that differ in scene, texture and size, and return their folders.

    Args:
        folder: an existing, empty one.
        size: width and height in pixels of the largest.
        frames: of each.
    """
    made = []
    for seed, (scene, scale) in enumerate(VARIED):
        made.append(folder / str(seed))
        made[-1].mkdir()
        width, height = (round(scale * each) for each in size)
        render_clip(made[-1], seed=seed, size=(width, height), frames=frames, scene=scene)
    return made


def copy_clip(
    folder: Path, source: FrameSource, *, frames: int | None, max_width: int | None = None
) -> RawClip:
    """Copy the first `frames` frames of a sequence into a folder; all if None, or if it has fewer.

    Wider ones than `max_width` pixels are scaled down. The clip ends where the size changes.

    Raises:
        InputError: no frame can be used.
    """
    items = (RawClipFrame(each.frame) for each in islice(_of_first_size(source), frames))
    counts = [each for each in (frames, source.length) if each is not None]
    known = min(counts, default=None)
    bar = _progress(items, f"reading {source.name}", known)
    return write_clip(folder, bar, source.fps, max_width)


def _of_first_size(source: FrameSource) -> Iterator[SourceFrame]:
    size: tuple[int, int] | None = None
    for item in source:
        size = size or item.frame.size
        if item.frame.size != size:
            logger.warning("%s: the clip ends before frame %s", source.path, item.name)
            return
        yield item


def _clip_frame(rendered: RenderedFrame, sensor: DepthSensor | None, seed: int) -> RawClipFrame:
    truth = np.where(rendered.moving, rendered.instances, np.uint16(0)).astype(np.uint16)
    if sensor is None:
        return RawClipFrame(rendered.frame, truth)
    return RawClipFrame(frame_with_depth(rendered, sensor, seed), truth)


def _progress(
    frames: Iterable[RawClipFrame], what: str, count: int | None
) -> Iterable[RawClipFrame]:
    return tqdm(frames, desc=what, total=count, unit="frame", disable=None)
