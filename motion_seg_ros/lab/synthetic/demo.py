"""Demo clip: a sunny square with moving and static people and vehicles."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from motion_seg_ros.lab.synthetic import props
from motion_seg_ros.lab.synthetic.scene import Body, Box, Camera, Material, Nuisances, Panel, Scene
from motion_seg_ros.lab.synthetic.textures import Texture
from motion_seg_ros.lab.synthetic.trajectory import Placement, Sway, Trajectory

_YELLOW, _BLUE, _RED = (70, 196, 246), (190, 132, 62), (70, 70, 208)
_GREEN, _ORANGE, _VIOLET = (110, 170, 84), (60, 140, 240), (180, 90, 130)
_HAND_SHAKE = Placement(0.012, 0.012, 0.006, 0.004, 0.004, 0.005)


def demo_clip(
    seed: int = 0, size: tuple[int, int] = (640, 480), frames: int = 120, fps: float = 15.0
) -> Scene:
    """Make a textured 3-D scene before a hand-held camera that walks sideways.

    Four movers: a walker (1), who passes behind a column; a rolling ball (2); a delivery robot that
    comes towards the camera (3); a taxi (4), which drives into the image halfway through. A parked
    car, a standing person, a ball and a robot of the same kinds stand still. Mild sensor noise and
    flicker.

    Args:
        seed: determines textures, tremor and noise.
        size: width and height in pixels.
        frames: number of frames; the action is laid out for 8 s around the middle of the clip.
        fps: frames per second; speeds in the scene do not depend on it.
    """
    seconds = frames / fps
    middle = Placement(0.0, -1.6, 0.0, yaw=-0.02, pitch=-0.035)
    tremor = Sway(_HAND_SHAKE, 0.7, seed)
    walk = _through(middle, Placement(x=0.34, z=0.16, yaw=-0.018), seconds, tremor)
    bodies = (*_square(seed), *_standing(seed), *_moving(seed, seconds))
    return Scene(
        "demo",
        Camera(size[0], size[1], 62.0, walk),
        bodies,
        frames,
        fps,
        sky=Texture("sky", ((206, 140, 78), (238, 226, 212)), seed=seed, size_px=1024),
        nuisances=Nuisances(noise_sigma=1.5, flicker=0.004),
        seed=seed,
    )


def _through(
    middle: Placement, per_second: Placement, seconds: float, sway: Sway | None = None
) -> Trajectory:
    """Return a path of constant rates through a placement at the middle of the clip."""
    there, rate = np.array(middle), np.array(per_second)
    start, end = there - rate * seconds / 2, there + rate * seconds / 2
    return Trajectory.through([(0.0, Placement(*start)), (seconds, Placement(*end))], sway)


def _moving(seed: int, seconds: float) -> tuple[Body, ...]:
    """Make the movers, instances 1 to 4."""
    stroll = _through(
        Placement(-1.6, -props.HIP_HEIGHT_M, 6.6), Placement(x=-0.95), seconds, _bob(seed)
    )
    speed = 0.95
    roll = _through(
        Placement(0.6, -props.BALL_RADIUS_M, 5.9),
        Placement(x=speed, roll=speed / props.BALL_RADIUS_M),
        seconds,
    )
    approach = _through(
        Placement(1.75, -props.ROBOT_HEIGHT_M, 7.2, yaw=1.05), Placement(x=-0.36, z=-0.62), seconds
    )
    drive = _through(Placement(-7.9, -props.CAR_HEIGHT_M, 10.3), Placement(x=2.15), seconds)
    return (
        *props.walker(_RED, stroll, 1, seed + 10, seconds),
        props.ball(_VIOLET, roll, 2, seed + 20),
        props.robot(_ORANGE, approach, 3, seed + 30),
        props.car(_YELLOW, drive, 4, seed + 40),
    )


def _bob(seed: int) -> Sway:
    return Sway(Placement(y=0.02), 1.0, seed + 1)


def _standing(seed: int) -> tuple[Body, ...]:
    """Make static things of the same kinds as the movers."""
    hip = Trajectory.still(Placement(2.95, -props.HIP_HEIGHT_M, 7.3))
    parked = Trajectory.still(Placement(4.6, -props.CAR_HEIGHT_M, 14.2, yaw=0.1))
    lying = Trajectory.still(Placement(-0.45, -props.BALL_RADIUS_M, 5.0, roll=0.5))
    waiting = Trajectory.still(Placement(-2.7, -props.ROBOT_HEIGHT_M, 8.2, yaw=-0.5))
    return (
        *props.walker(_GREEN, hip, 0, seed + 50),
        props.car(_BLUE, parked, 0, seed + 60),
        props.ball(_RED, lying, 0, seed + 70),
        props.robot(_GREEN, waiting, 0, seed + 80),
    )


def _square(seed: int) -> tuple[Body, ...]:
    """Make paving, lawn, houses, trees, a kiosk, and columns and posts in the foreground."""
    lying = Placement(pitch=np.pi / 2)
    paving = Texture("bricks", ((150, 168, 182), (104, 120, 132)), 4, 0.25, seed, 512)
    grass = Texture("grass", ((56, 120, 96), (104, 186, 150)), 8, 0.2, seed + 1, 512)
    poster = Texture("speckle", ((150, 120, 40), (196, 226, 236)), 10, 0.2, seed + 2)
    metal = Material(Texture("noise", ((80, 84, 76), (124, 128, 120)), seed=seed + 3), 0.5)
    awning = Texture("stripes", ((80, 80, 200), (238, 240, 244)), 5, 0.15, seed + 4)
    kiosk = (
        Box((2.6, 2.1, 1.6), Material(Texture("bricks", ((92, 128, 150), (150, 180, 196)), 4), 2)),
        Box((3.0, 0.35, 2.2), Material(awning, 2.0), Placement(y=-1.2)),
    )
    return (
        Body((Panel((160, 90), Material(paving, 2.4), placement=lying._replace(z=25)),)),
        Body((Panel((160, 6), Material(grass, 5), placement=lying._replace(y=-0.03, z=19.5)),)),
        props.house(-17, 32, (13, 12, 8), (150, 178, 206), seed + 5),
        props.house(-4, 34, (10, 9, 8), (110, 136, 200), seed + 6),
        props.house(8.5, 33, (11, 14, 8), (176, 206, 222), seed + 7),
        props.house(23, 31, (13, 10, 8), (140, 164, 150), seed + 8),
        props.tree(-8.5, 20, 6.0, seed + 11),
        props.tree(-1.5, 21, 5.0, seed + 12),
        props.tree(6.5, 20, 6.5, seed + 13),
        props.tree(13.5, 19, 5.5, seed + 14),
        Body(kiosk, Trajectory.still(Placement(-5.9, -1.05, 13.6, yaw=0.35)), shadow_m=1.3),
        replace(props.post(-1.4, 5.5, 0.3, 2.5, Material(poster, 0.95)), name="column"),
        props.post(1.75, 3.9, 0.05, 4.5, metal),
    )
