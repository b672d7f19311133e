"""Rendered scenes with exact truth: nothing to get.

Each has one property: see motion_seg_ros.lab.synthetic.scenes. An object moves in a frame if some
part of it is displaced by more than 0.1 mm since the frame before or until the frame after.

The first frame of each scene is not scored, as in DAVIS 2016: one picture does not tell what moves.
The last one is (unlike in DAVIS).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from motion_seg_ros.io.base import SourceFrame
from motion_seg_ros.lab.evaluation.annotated import TruthMask
from motion_seg_ros.lab.evaluation.datasets.base import DataSet, chosen
from motion_seg_ros.lab.synthetic import scenes
from motion_seg_ros.lab.synthetic.depth_sensor import STEREO, DepthSensor, frame_with_depth
from motion_seg_ros.lab.synthetic.geometry import SceneGeometry
from motion_seg_ros.lab.synthetic.renderer import Renderer
from motion_seg_ros.lab.synthetic.scene import Scene

SCENES: tuple[Callable[..., Scene], ...] = (
    scenes.static_scene_still_camera,
    scenes.pan_only,
    scenes.zoom_only,
    scenes.forward_parallax_static,
    scenes.one_mover_still_camera,
    scenes.mover_under_parallax,
    scenes.crossing_movers,
    scenes.mover_stops,
)
UNSCORED = 1
SEED = 0


@dataclass(frozen=True)
class RenderedFrames:
    """The frames of a scene, rendered on each iteration.

    Attributes:
        scene: the scene.
        sensor: measures their depth; None: they have none.
    """

    scene: Scene
    sensor: DepthSensor | None = None

    @property
    def path(self) -> Path:
        """The scene's name, as there is no file."""
        return Path(self.scene.name)

    @property
    def name(self) -> str:
        """The scene's name."""
        return self.scene.name

    @property
    def length(self) -> int:
        """Number of frames."""
        return self.scene.frames

    @property
    def fps(self) -> float:
        """Frames per second."""
        return self.scene.fps

    def __iter__(self) -> Iterator[SourceFrame]:
        """Render all frames, with the camera's intrinsics."""
        for each in Renderer(self.scene):
            frame = each.frame
            if self.sensor is not None:
                frame = frame_with_depth(each, self.sensor, self.scene.seed)
            yield SourceFrame(_frame_name(each.index), frame, "", each.stamp_ns)


@dataclass(frozen=True)
class RenderedSequence:
    """A scene with its truth.

    Attributes:
        frames: all frames in order.
        unscored: number of frames at the beginning that are not scored.
    """

    frames: RenderedFrames
    unscored: int = 0

    @property
    def name(self) -> str:
        """The scene's name."""
        return self.frames.name

    @property
    def scored(self) -> tuple[str, ...]:
        """Names of all frames but the first ones."""
        return tuple(map(_frame_name, range(self.unscored, self.frames.length)))

    def truth(self, name: str) -> TruthMask:
        """Return what moves in a frame."""
        scene, index = self.frames.scene, int(name)
        geometry = SceneGeometry(scene)
        hits = geometry.view(scene.time_s(index)).cast_grid(scene.camera.width, scene.camera.height)
        instances = geometry.instance_of(hits.piece)
        moving = np.isin(instances, sorted(geometry.moving_instances(index)))
        return TruthMask(np.where(moving, instances, np.uint16(0)).astype(np.uint16))


def open_synthetic(sequences: Sequence[str] | None, *, with_depth: bool = False) -> DataSet:
    """Open the scenes of those names, all of SCENES where None.

    Args:
        sequences: names.
        with_depth: the camera has a depth sensor of the class STEREO.

    Raises:
        InputError: there is no such scene.
    """
    known = {each.__name__: each for each in SCENES}
    names = chosen(list(known), sequences, Path("synthetic"))
    sensor = STEREO if with_depth else None
    made = [RenderedFrames(known[each](seed=SEED), sensor) for each in names]
    return DataSet("synthetic", tuple(RenderedSequence(each, UNSCORED) for each in made))


def _frame_name(index: int) -> str:
    return f"{index:05d}"
