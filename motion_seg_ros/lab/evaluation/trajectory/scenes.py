"""Rendered scenes for the comparison of trajectories: a walk along a street beside large, richly
textured objects that move, and two scenes in which little or nothing moves.

All cameras travel 2.6 m sideways within 3 s, at 16 frames/s, so that there is parallax enough for a
map. The street is the same for all scenes of one seed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from motion_seg_ros.lab.synthetic import props
from motion_seg_ros.lab.synthetic.scene import (
    Body,
    Box,
    Camera,
    Cylinder,
    Material,
    Nuisances,
    Panel,
    Scene,
)
from motion_seg_ros.lab.synthetic.textures import Colour, Texture
from motion_seg_ros.lab.synthetic.trajectory import Placement, Sway, Trajectory

SIZE = (480, 360)
FRAMES = 48
_SECONDS = 3.0
_LYING = Placement(pitch=np.pi / 2)
_TREMOR = Placement(0.006, 0.006, 0.004, 0.003, 0.003, 0.003)
_PAINTS: tuple[Colour, ...] = ((60, 80, 200), (190, 130, 60), (90, 170, 90), (60, 180, 220))


def _bus_alongside(seed: int) -> tuple[Body, ...]:
    """A bus goes the camera's way, a little slower: in the image nearly as something far away."""
    return (_bus(_drive(Placement(-0.6, 0.0, 7.6), Placement(x=0.7)), 1, seed),)


def _bus_starting(seed: int) -> tuple[Body, ...]:
    """A bus stands for a second, and leaves against the camera's way."""
    stop = Placement(1.2, 0.0, 7.8)
    path = Trajectory.through(
        [
            (0.0, stop),
            (1.0, stop),
            (1.6, stop._replace(x=0.8)),
            (_SECONDS, stop._replace(x=-1.5, z=7.2, yaw=0.12)),
        ]
    )
    return (_bus(path, 1, seed),)


def _vans_turning(seed: int) -> tuple[Body, ...]:
    """Two vans, one behind the other, that turn in the street."""
    per_second = Placement(x=-0.35, z=-0.3, yaw=0.3)
    return (
        _van(_drive(Placement(-1.6, 0.0, 7.0), per_second), 1, seed),
        _van(_drive(Placement(2.2, 0.0, 7.8), per_second), 2, seed + 1),
    )


def _truck_backing(seed: int) -> tuple[Body, ...]:
    """A truck backs towards the camera."""
    return (_van(_drive(Placement(0.2, 0.0, 6.0, yaw=0.5), Placement(x=-0.15, z=-0.55)), 1, seed),)


def _container_lifted(seed: int) -> tuple[Body, ...]:
    """A crane lifts a container and turns it."""
    path = _drive(Placement(0.0, -1.5, 6.4), Placement(x=-0.1, y=-0.4, yaw=0.1))
    return (Body((Box((3.6, 1.9, 1.8), Material(_advertising(seed), 2.4)),), path, 1),)


def _carousel(seed: int) -> tuple[Body, ...]:
    """A carousel turns, 15 degrees/s."""
    drum = Cylinder(1.9, 2.0, Material(_advertising(seed), 2.4), Placement(y=-1.2))
    booth = Box((1.2, 1.6, 0.4), Material(_advertising(seed + 1), 1.6), Placement(y=-1.2, z=-1.9))
    return (Body((drum, booth), _drive(Placement(0.2, 0, 6.0), Placement(yaw=0.26)), 1, 1.5),)


def _carts_in_file(seed: int) -> tuple[Body, ...]:
    """Four carts of luggage, pulled as a train towards the camera and past it."""
    places = enumerate((-1.95, -0.65, 0.65, 1.95))
    per_second = Placement(x=-0.5, z=-0.35)
    return tuple(
        _cart(_drive(Placement(x + 0.2, 0.0, 5.6 + 0.1 * (k % 2)), per_second), k + 1, seed)
        for k, x in places
    )


def _walker_far(seed: int) -> tuple[Body, ...]:
    """One person walks by: too little to spoil anything."""
    hip = _drive(Placement(0.4, -props.HIP_HEIGHT_M, 6.0), Placement(x=-0.9))
    return props.walker(_PAINTS[0], hip, 1, seed, _SECONDS)


def _nothing(seed: int) -> tuple[Body, ...]:
    """Nothing moves."""
    return ()


SCENES: Mapping[str, Callable[[int], tuple[Body, ...]]] = {
    "container_lifted": _container_lifted,
    "truck_backing": _truck_backing,
    "vans_turning": _vans_turning,
    "carousel": _carousel,
    "carts_in_file": _carts_in_file,
    "bus_starting": _bus_starting,
    "bus_alongside": _bus_alongside,
    "walker_far": _walker_far,
    "nothing_moves": _nothing,
}


def trajectory_scene(
    name: str, seed: int = 0, size: tuple[int, int] = SIZE, frames: int = FRAMES
) -> Scene:
    """Return one of SCENES.

    Args:
        name: of the scene.
        seed: chooses textures, clutter, tremor and noise.
        size: width and height in pixels.
        frames: number of frames, for the same path.
    """
    rng = np.random.default_rng([seed, 77])
    return Scene(
        f"{name}_{seed}",
        Camera(size[0], size[1], 64.0, _walk(seed)),
        (*_street(rng), *SCENES[name](seed)),
        frames,
        frames / _SECONDS,
        nuisances=Nuisances(noise_sigma=1.5, flicker=0.004),
        seed=seed,
    )


def _walk(seed: int) -> Trajectory:
    """Return the camera's path: to the right in a bow, with the tremor of a hand.

    A straight path would stay straight, seen from a mover that goes straight, and the error would
    vanish when it is scaled to fit.
    """
    level = Placement(y=-1.5, pitch=-0.02)
    waypoints = [
        (0.0, level._replace(x=-1.3, z=-0.35, yaw=0.11)),
        (_SECONDS / 4, level._replace(x=-0.7, z=0.2, yaw=0.06)),
        (_SECONDS / 2, level._replace(z=0.4)),
        (_SECONDS * 3 / 4, level._replace(x=0.7, z=0.2, yaw=-0.06)),
        (_SECONDS, level._replace(x=1.3, z=-0.35, yaw=-0.11)),
    ]
    return Trajectory.through(waypoints, Sway(_TREMOR, 0.8, seed))


def _drive(middle: Placement, per_second: Placement) -> Trajectory:
    """Return a path at a constant rate, through a placement at half-time."""
    there, half = np.array(middle), np.array(per_second) * _SECONDS / 2
    ends = [(0.0, Placement(*(there - half))), (_SECONDS, Placement(*(there + half)))]
    return Trajectory.through(ends)


def _advertising(seed: int, cells: int = 22) -> Texture:
    """Return a texture rich in corners, as lettering is."""
    rng = np.random.default_rng([seed, 5])
    paint = _PAINTS[int(rng.integers(len(_PAINTS)))]
    return Texture("speckle", (paint, (240, 240, 240)), cells, 0.35, int(rng.integers(2**31)), 512)


def _bus(path: Trajectory, instance: int, seed: int) -> Body:
    sides = Material(_advertising(seed), 2.6)
    glass = Material(Texture("facade", ((70, 60, 50), (150, 130, 110)), 5, 0.2, seed, 256), 1.6)
    return Body(
        (
            Box((5.4, 1.5, 2.2), sides, Placement(y=-1.05)),
            Box((5.3, 0.9, 2.1), glass, Placement(y=-2.2)),
            *_wheels(1.8, 0.4, 1.0),
        ),
        path,
        instance,
        shadow_m=1.4,
    )


def _van(path: Trajectory, instance: int, seed: int) -> Body:
    sides = Material(_advertising(seed), 2.2)
    return Body(
        (Box((3.0, 2.0, 1.8), sides, Placement(y=-1.3)), *_wheels(1.0, 0.35, 0.85)),
        path,
        instance,
        shadow_m=1.1,
    )


def _cart(path: Trajectory, instance: int, seed: int) -> Body:
    luggage = Material(_advertising(seed + instance, 10), 1.4)
    return Body(
        (Box((1.15, 1.4, 0.9), luggage, Placement(y=-0.95)), *_wheels(0.4, 0.2, 0.4)),
        path,
        instance,
        shadow_m=0.6,
    )


def _wheels(x: float, radius_m: float, z: float) -> tuple[Cylinder, ...]:
    tyre = Material(Texture("speckle", ((36, 34, 34), (96, 90, 88)), 4, 0.2, size_px=64), 0.5)
    return tuple(
        Cylinder(radius_m, 0.2, tyre, _LYING._replace(x=side * x, y=-radius_m, z=end * z))
        for side in (-1, 1)
        for end in (-1, 1)
    )


def _street(rng: np.random.Generator) -> tuple[Body, ...]:
    """Return paving, house fronts and street furniture, all of modest texture."""
    seeds = [int(each) for each in rng.integers(2**31, size=8)]
    paving = Texture("noise", ((140, 152, 160), (156, 168, 178)), 4, 0.1, seeds[0], 512)
    parked = Trajectory.still(Placement(-4.4, -props.CAR_HEIGHT_M, 9.6, yaw=0.2))
    bin_ = Material(Texture("stripes", ((70, 110, 80), (120, 160, 130)), 5, 0.3, seeds[1]), 0.8)
    poster = Material(Texture("speckle", ((150, 120, 40), (196, 226, 236)), 10, 0.2, seeds[2]), 0.9)
    return (
        Body((Panel((120, 80), Material(paving, 2.4), placement=_LYING._replace(z=20)),)),
        _front(-8.5, 17.0, (7, 9, 5), (150, 178, 206), seeds[3]),
        _front(-1.0, 18.0, (8, 8, 5), (110, 136, 200), seeds[4]),
        _front(7.0, 17.0, (7, 10, 5), (176, 206, 222), seeds[5]),
        _front(14.0, 18.0, (6, 9, 5), (140, 164, 150), seeds[6]),
        props.tree(-3.6, 12.5, 4.6, seeds[7]),
        props.tree(4.6, 11.5, 5.2, seeds[7] + 1),
        props.car((70, 70, 208), parked, 0, seeds[0]),
        props.post(-1.9 + rng.uniform(-0.2, 0.2), 4.4, 0.16, 0.9, poster),
        props.post(2.2 + rng.uniform(-0.2, 0.2), 4.8, 0.2, 0.8, bin_),
        props.post(0.3 + rng.uniform(-0.2, 0.2), 3.6, 0.12, 0.5, bin_),
    )


def _front(
    x: float, z: float, size_m: tuple[float, float, float], colour: Colour, seed: int
) -> Body:
    """Return a house with few windows; width, height and depth in `size_m`."""
    front = Texture("facade", (colour, (128, 104, 84)), 2, 0.08, seed, 512)
    return Body((Box(size_m, Material(front, 7.0), Placement(x, -size_m[1] / 2, z)),))
