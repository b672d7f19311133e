"""What of a frame is hard, of scenes of a wall with one thing before it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from motion_seg_ros.lab.synthetic.demo import demo_clip
from motion_seg_ros.lab.synthetic.geometry import SceneGeometry
from motion_seg_ros.lab.synthetic.scene import (
    Body,
    Camera,
    Dapple,
    Light,
    Material,
    Panel,
    Puff,
    Ripple,
    Scene,
    Stir,
)
from motion_seg_ros.lab.synthetic.scenes import mover_stops
from motion_seg_ros.lab.synthetic.textures import Texture
from motion_seg_ros.lab.synthetic.traits import traits
from motion_seg_ros.lab.synthetic.trajectory import Placement, Trajectory

LOOK = Material(Texture("noise", ((40, 40, 40), (200, 200, 200))))
WALL = Body((Panel((40, 40), LOOK),), Trajectory.still(Placement(z=12)))
LYING = Placement(y=1, pitch=np.pi / 2)
RIPPLE = Ripple((0.01, 0.01), (3, 3), 1.0)


def found(scene: Scene, index: int = 0) -> set[str]:
    geometry = SceneGeometry(scene)
    hits = geometry.view(scene.time_s(index)).cast_grid(scene.camera.width, scene.camera.height)
    return traits(geometry, index, hits, geometry.moving_instances(index))


def scene(*bodies: Body, **changes: object) -> Scene:
    return replace(Scene("wall", Camera(96, 72), (WALL, *bodies), frames=3), **changes)


def panel(z: float, side_m: float = 1.0, **changes: object) -> Body:
    shape = replace(Panel((side_m, side_m), LOOK), **changes)
    return Body((shape,), Trajectory.still(Placement(z=z)))


def test_a_wall_is_not_hard() -> None:
    assert found(scene()) == set()


def test_static_things_at_less_than_half_the_usual_distance_are_near() -> None:
    assert found(scene(panel(5.5, 1.5))) == {"near static"}
    assert found(scene(panel(6.5, 1.5))) == set()
    assert found(scene(panel(5.5, 0.2))) == set(), "it fills less than 2 % of the image"


def test_ground_is_not_near() -> None:
    ground = Body((Panel((60, 60), LOOK, placement=LYING),))
    assert found(scene(ground)) == set()


def test_water_and_leaves() -> None:
    flowing = replace(LOOK, stir=Stir((0.1, 0.0)))
    assert found(scene(panel(6, 2, material=flowing))) == {"water"}
    assert found(scene(panel(6, 2, ripple=RIPPLE))) == {"leaves"}
    pond = Body((Panel((60, 60), LOOK, placement=LYING, ripple=RIPPLE),))
    assert found(scene(pond)) == {"water"}
    wet = Body((Panel((60, 60), replace(LOOK, reflectance=0.4), placement=LYING),))
    assert found(scene(wet)) == {"reflection"}


def test_movers_are_not_static_water() -> None:
    swimmer = replace(panel(6, 2, ripple=RIPPLE), instance=1)
    assert found(scene(swimmer)) == set()


@pytest.mark.parametrize(
    ("x", "radius_m", "seen"), [(0, 1.0, True), (9, 1.0, False), (0, 0.1, False)]
)
def test_smoke_in_the_image(x: float, radius_m: float, seen: bool) -> None:
    puff = Puff((x, 0, 6), (0, 0, 0), radius_m, 0.0, 0.5, (200, 200, 200))
    assert found(scene(smoke=(puff,))) == ({"smoke"} if seen else set())


def test_moving_shadows() -> None:
    assert found(scene(light=Light(dapple=Dapple(3.0)))) == {"moving shadows"}


def test_a_mover_that_stands() -> None:
    clip = mover_stops(0)
    assert "stopped" not in found(clip, 2)
    assert "stopped" in found(clip, 20)


def test_the_column_of_the_demo_is_near() -> None:
    """The camera goes past it."""
    clip = demo_clip(0)
    near = [index for index in range(0, clip.frames, 10) if "near static" in found(clip, index)]
    assert near
