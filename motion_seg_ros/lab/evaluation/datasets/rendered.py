"""Our own scenes with exact truth, rendered while they are read: nothing to get.

Each has one property: see motion_seg_ros.lab.synthetic.scenes. What moves in a frame is what some
part of is displaced by more than 0.1 mm on the way from the frame before or to the frame after.

The data set leaves the first frame of each out of what is scored, as DAVIS 2016 does: one picture
does not tell what moves, so it would measure no method. The last one counts (DAVIS leaves it out as
well): all that it takes has been seen by then.
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
from motion_seg_ros.lab.synthetic.geometry import SceneGeometry
from motion_seg_ros.lab.synthetic.renderer import Renderer
from motion_seg_ros.lab.synthetic.scene import Scene
from motion_seg_ros.types import Frame

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


@dataclass(frozen=True)
class RenderedFrames:
    """The frames of a scene, rendered whenever they are asked for.

    Attributes:
        scene: the scene.
    """

    scene: Scene

    @property
    def path(self) -> Path:
        """There is no file: the scene's name."""
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
        """All frames, with the camera's intrinsics."""
        for each in Renderer(self.scene):
            frame = Frame(each.image_bgr, each.stamp_ns, camera_matrix=each.intrinsics)
            yield SourceFrame(_frame_name(each.index), frame, "", each.stamp_ns)


@dataclass(frozen=True)
class RenderedSequence:
    """A scene with its truth.

    Attributes:
        frames: all frames in order.
        unscored: how many frames at the beginning are not scored.
    """

    frames: RenderedFrames
    unscored: int = 0

    @property
    def name(self) -> str:
        """The scene's name."""
        return self.frames.name

    @property
    def scored(self) -> tuple[str, ...]:
        """All frames but the first ones."""
        return tuple(map(_frame_name, range(self.unscored, self.frames.length)))

    def truth(self, name: str) -> TruthMask:
        """What moves in a frame."""
        scene, index = self.frames.scene, int(name)
        geometry = SceneGeometry(scene)
        hits = geometry.view(scene.time_s(index)).cast_grid(scene.camera.width, scene.camera.height)
        instances = geometry.instance_of(hits.piece)
        moving = np.isin(instances, sorted(geometry.moving_instances(index)))
        return TruthMask(np.where(moving, instances, np.uint16(0)).astype(np.uint16))


def open_synthetic(sequences: Sequence[str] | None, seed: int = 0) -> DataSet:
    """The scenes of those names; all where None.

    Args:
        sequences: names of SCENES.
        seed: chooses textures and clutter.

    Raises:
        InputError: there is no such scene.
    """
    known = {each.__name__: each for each in SCENES}
    names = chosen(list(known), sequences, Path("synthetic"))
    return DataSet(
        "synthetic",
        tuple(RenderedSequence(RenderedFrames(known[each](seed=seed)), UNSCORED) for each in names),
    )


def _frame_name(index: int) -> str:
    return f"{index:05d}"
