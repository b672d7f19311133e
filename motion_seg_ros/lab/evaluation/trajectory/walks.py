"""Rendered scenes for RGB-D odometry: a depth camera is carried through a room in which people are
about, close enough to fill much of the image, as in the dynamic sequences of TUM RGB-D (walking)
and Bonn RGB-D Dynamic (crowd, person_tracking, synchronous, moving_obstructing_box).

All cameras travel 1.2 m in a bow within 3 s, at 16 frames/s. The room is the same for all scenes of
one seed, and no farther than a camera such as the first Kinect sees.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from motion_seg_ros.lab.synthetic import props
from motion_seg_ros.lab.synthetic.scene import Body, Box, Camera, Material, Nuisances, Panel, Scene
from motion_seg_ros.lab.synthetic.textures import Colour, Pattern, Texture
from motion_seg_ros.lab.synthetic.trajectory import Placement, Sway, Trajectory

SIZE = (480, 360)
FRAMES = 48
_SECONDS = 3.0
_FOV_DEG = 62.0  # of a Kinect's colour camera: 525 px of focal length at 640 px
_EYE_M = 1.35
_TREMOR = Placement(0.008, 0.008, 0.006, 0.004, 0.004, 0.004)
_COATS: tuple[Colour, ...] = ((60, 80, 190), (180, 120, 60), (90, 160, 90), (70, 170, 210))


def _group_crosses(seed: int) -> tuple[Body, ...]:
    """Three people, one behind the other, cross close to the camera."""
    return tuple(
        each
        for k in range(3)
        for each in _person(k, Placement(-1.2 + 0.75 * k, z=1.9 + 0.2 * (k % 2)), 0.45, 0.0, seed)
    )


def _pair_in_step(seed: int) -> tuple[Body, ...]:
    """Two people walk the camera's way, side by side and in step."""
    return tuple(
        each
        for k in range(2)
        for each in _person(k, Placement(-0.55 + 0.8 * k, z=1.8 + 0.25 * k), 0.3, 0.15, seed)
    )


def _coming_closer(seed: int) -> tuple[Body, ...]:
    """Two people come towards the camera and past it."""
    return tuple(
        each
        for k in range(2)
        for each in _person(k, Placement(-0.35 + 0.8 * k, z=2.1 + 0.3 * k), -0.12, -0.35, seed)
    )


def _crowd(seed: int) -> tuple[Body, ...]:
    """Five people go to and fro."""
    rng = np.random.default_rng([seed, 31])
    return tuple(
        each
        for k in range(5)
        for each in _person(
            k,
            Placement(-1.3 + 0.65 * k, z=float(rng.uniform(1.7, 2.6))),
            float(rng.uniform(0.35, 0.6)) * (-1) ** k,
            float(rng.uniform(-0.2, 0.2)),
            seed,
        )
    )


def _box_carried(seed: int) -> tuple[Body, ...]:
    """A person carries a large box past the camera."""
    middle, across, away = Placement(0.1, z=1.7), -0.4, 0.1
    hip = _way(middle._replace(y=-props.HIP_HEIGHT_M), across, away)
    box = _way(middle._replace(y=-1.15, z=1.4), across, away)
    card = Material(_texture(np.random.default_rng([seed, 32]), ("speckle", "checker")), 0.7)
    carrier = props.walker(_COATS[0], hip, 1, seed, _SECONDS)
    return (*carrier, Body((Box((1.0, 0.8, 0.3), card),), box, 1))


def _leaving(seed: int) -> tuple[Body, ...]:
    """Two people tread on the spot for a second, and leave."""
    found: list[Body] = []
    for k in range(2):
        stop = Placement(-0.4 + 0.85 * k, -props.HIP_HEIGHT_M, 1.8)
        left = stop._replace(x=stop.x - 1.3)
        hip = Trajectory.through([(0.0, stop), (1.0, stop), (_SECONDS, left)])
        found.extend(props.walker(_COATS[k], hip, k + 1, seed + k, _SECONDS))
    return tuple(found)


def _one_far(seed: int) -> tuple[Body, ...]:
    """One person walks along the wall: too little to spoil anything."""
    return _person(0, Placement(0.6, z=3.8), -0.5, 0.0, seed)


def _nobody(seed: int) -> tuple[Body, ...]:
    """Nothing moves."""
    return ()


WALKS: Mapping[str, Callable[[int], tuple[Body, ...]]] = {
    "group_crosses": _group_crosses,
    "pair_in_step": _pair_in_step,
    "coming_closer": _coming_closer,
    "crowd": _crowd,
    "box_carried": _box_carried,
    "leaving": _leaving,
    "one_far": _one_far,
    "nobody": _nobody,
}


def walk_scene(
    name: str, seed: int = 0, size: tuple[int, int] = SIZE, frames: int = FRAMES
) -> Scene:
    """Return one of WALKS.

    Args:
        name: of the scene.
        seed: chooses textures, furniture, tremor and noise.
        size: width and height in pixels.
        frames: number of frames, at the rate of FRAMES in 3 s.
    """
    rng = np.random.default_rng([seed, 30])
    return Scene(
        f"{name}_{seed}",
        Camera(size[0], size[1], _FOV_DEG, _carried(seed)),
        (*_room(rng), *WALKS[name](seed)),
        frames,
        FRAMES / _SECONDS,
        nuisances=Nuisances(noise_sigma=1.5, flicker=0.004),
        seed=seed,
    )


def _carried(seed: int) -> Trajectory:
    """Return the camera's path: to the right in a bow, with the tremor of a hand."""
    level = Placement(y=-_EYE_M, pitch=-0.08)
    waypoints = [
        (0.0, level._replace(x=-0.55, z=-0.15, yaw=0.14)),
        (_SECONDS / 4, level._replace(x=-0.3, z=0.08, yaw=0.08)),
        (_SECONDS / 2, level._replace(z=0.16)),
        (_SECONDS * 3 / 4, level._replace(x=0.3, z=0.08, yaw=-0.08)),
        (_SECONDS, level._replace(x=0.55, z=-0.15, yaw=-0.14)),
    ]
    return Trajectory.through(waypoints, Sway(_TREMOR, 0.8, seed))


def _person(
    index: int, middle: Placement, across_m_s: float, away_m_s: float, seed: int
) -> tuple[Body, ...]:
    """Return a person who walks at a constant speed; `middle`: x and z at half-time."""
    hip = _way(middle._replace(y=-props.HIP_HEIGHT_M), across_m_s, away_m_s)
    coat = _COATS[index % len(_COATS)]
    return props.walker(coat, hip, index + 1, 10 * seed + index, _SECONDS)


def _way(middle: Placement, across_m_s: float, away_m_s: float) -> Trajectory:
    half = _SECONDS / 2
    ends = [
        (
            half + side * half,
            middle._replace(
                x=middle.x + side * half * across_m_s, z=middle.z + side * half * away_m_s
            ),
        )
        for side in (-1, 1)
    ]
    return Trajectory.through(ends)


def _room(rng: np.random.Generator) -> tuple[Body, ...]:
    """Return floor, walls and furniture, as an office has them."""
    floor = Texture("noise", ((96, 110, 124), (150, 164, 174)), 5, 0.2, _seed(rng), 512)
    wall = Texture("noise", ((176, 186, 190), (204, 210, 214)), 4, 0.15, _seed(rng), 512)
    lying, turned = Placement(pitch=np.pi / 2), Placement(yaw=np.pi / 2)
    plain = Material(wall, 2.0)
    panels = (
        (Panel((12, 12), Material(floor, 2.0)), lying),
        (Panel((12, 3.6), plain), Placement(y=-1.8, z=4.4)),
        (Panel((12, 3.6), plain), turned._replace(x=-2.7, y=-1.8)),
        (Panel((12, 3.6), plain), turned._replace(x=2.7, y=-1.8)),
    )
    pictures = tuple(
        _still(
            Panel((rng.uniform(0.5, 0.9), rng.uniform(0.5, 0.8)), Material(_any_texture(rng))),
            Placement(x + float(rng.uniform(-0.2, 0.2)), -1.7, 4.38),
        )
        for x in (-1.9, -0.7, 0.6, 1.8)
    )
    return (
        *(_still(panel, place) for panel, place in panels),
        *pictures,
        _furniture(rng, (1.6, 0.75, 0.7), -1.5, 3.6),
        _furniture(rng, (0.9, 1.9, 0.4), 1.7, 4.0),
        _furniture(rng, (1.2, 0.75, 0.8), 0.9, 3.2),
        _furniture(rng, (0.5, 0.45, 0.5), 0.0, 3.0),
        _furniture(rng, (0.4, 1.2, 0.4), -2.3, 2.8),
        _furniture(rng, (0.5, 0.35, 0.35), -1.5, 3.6, above_m=0.75),
        _furniture(rng, (0.35, 0.4, 0.3), 0.9, 3.2, above_m=0.75),
    )


def _furniture(
    rng: np.random.Generator,
    size_m: tuple[float, float, float],
    x: float,
    z: float,
    above_m: float = 0.0,
) -> Body:
    place = Placement(
        x + float(rng.uniform(-0.15, 0.15)),
        -above_m - size_m[1] / 2,
        z + float(rng.uniform(-0.1, 0.1)),
        yaw=float(rng.uniform(-0.3, 0.3)),
    )
    return _still(Box(size_m, Material(_any_texture(rng), 0.8)), place)


def _still(shape: Panel | Box, place: Placement) -> Body:
    return Body((shape,), Trajectory.still(place))


def _any_texture(rng: np.random.Generator) -> Texture:
    return _texture(rng, ("noise", "speckle", "stripes", "facade"))


def _texture(rng: np.random.Generator, patterns: tuple[Pattern, ...]) -> Texture:
    colours = (_colour(rng, 50, 120), _colour(rng, 130, 220))
    pattern = patterns[int(rng.integers(len(patterns)))]
    return Texture(pattern, colours, int(rng.integers(4, 8)), 0.2, _seed(rng), 256)


def _colour(rng: np.random.Generator, darkest: int, brightest: int) -> Colour:
    blue, green, red = (int(each) for each in rng.integers(darkest, brightest, 3))
    return blue, green, red


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(2**31))
