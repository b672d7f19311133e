"""Rendered scenes with exact truth: nothing to get.

Each has one property: see motion_seg_ros.lab.synthetic.scenes. An object moves in a frame if some
part of it is displaced by more than 0.1 mm since the frame before or until the frame after.

The first frame of each scene is not scored, as in DAVIS 2016: one picture does not tell what moves.
The last one is (unlike in DAVIS).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np

from motion_seg_ros.io.base import SourceFrame
from motion_seg_ros.lab.evaluation.annotated import TruthMask
from motion_seg_ros.lab.evaluation.datasets.base import DataSet, chosen
from motion_seg_ros.lab.synthetic import scenes
from motion_seg_ros.lab.synthetic.demo import demo_clip
from motion_seg_ros.lab.synthetic.depth_sensor import STEREO, DepthSensor, frame_with_depth
from motion_seg_ros.lab.synthetic.geometry import SceneGeometry
from motion_seg_ros.lab.synthetic.renderer import Renderer
from motion_seg_ros.lab.synthetic.scene import Scene
from motion_seg_ros.lab.synthetic.traits import traits

SceneMaker = Callable[[int], Scene]
"""Makes the scene of a seed."""

SCENES = (
    "static_scene_still_camera",
    "pan_only",
    "zoom_only",
    "forward_parallax_static",
    "one_mover_still_camera",
    "mover_under_parallax",
    "crossing_movers",
    "mover_stops",
)
"""The scenes of `synthetic`."""
SYNTHETIC: Mapping[str, SceneMaker] = MappingProxyType(
    {name: getattr(scenes, name) for name in SCENES} | {"demo": demo_clip}
)
"""Those, and further ones that are rendered only where they are asked for."""
UNSCORED = 1


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

    @property
    def bad_frames(self) -> Mapping[str, str]:
        """None: all are rendered."""
        return {}

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
    def names(self) -> tuple[str, ...]:
        """Names of all frames, in order."""
        return tuple(map(_frame_name, range(self.frames.length)))

    @property
    def scored(self) -> tuple[str, ...]:
        """Names of all frames but the first ones."""
        return self.names[self.unscored :]

    def truth(self, name: str) -> TruthMask:
        """Return what moves in a frame, and the static things that have a name."""
        scene, index = self.frames.scene, int(name)
        geometry = SceneGeometry(scene)
        hits = geometry.view(scene.time_s(index)).cast_grid(scene.camera.width, scene.camera.height)
        instances = geometry.instance_of(hits.piece)
        movers = geometry.moving_instances(index)
        moving = np.isin(instances, sorted(movers))
        body = geometry.body_of(hits.piece)
        things = {each.name: body == place for place, each in enumerate(scene.bodies) if each.name}
        return TruthMask(
            np.where(moving, instances, np.uint16(0)).astype(np.uint16),
            things={thing: pixels for thing, pixels in things.items() if pixels.any()},
            moving=movers,
            traits=frozenset(traits(geometry, index, hits, movers)),
        )


def open_rendered(
    dataset: str,
    kinds: Mapping[str, SceneMaker],
    wanted: Sequence[str],
    *,
    seeds: Sequence[int] = (0,),
    with_depth: bool = False,
) -> DataSet:
    """Open scenes, each once with each seed.

    Args:
        dataset: name of the data set.
        kinds: name of a scene -> its maker. With another seed than 0 the scene is `<name>_<seed>`.
        wanted: names of scenes.
        seeds: determine textures, noise and whatever else the maker draws.
        with_depth: the camera has a depth sensor of the class STEREO.

    Raises:
        InputError: there is no such scene.
    """
    sensor = STEREO if with_depth else None
    sequences = []
    for name in chosen(list(kinds), wanted, Path(dataset)):
        for seed in seeds:
            scene = replace(kinds[name](seed), name=f"{name}_{seed}" if seed else name)
            sequences.append(RenderedSequence(RenderedFrames(scene, sensor), UNSCORED))
    return DataSet(dataset, tuple(sequences))


def _frame_name(index: int) -> str:
    return f"{index:05d}"
