"""Small scenes with one property each, for tests and evaluation: seeded, exact, without nuisances.

The functions share their arguments: `seed` determines textures and clutter, `size` is the image's
(width, height) in pixels, `frames` their number, at 15 frames/s. All scenes have a textured floor,
a brick wall and solids standing about at different depths, so that a camera that travels sees
parallax.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from motion_seg_ros.lab.synthetic.scene import (
    Body,
    Box,
    Camera,
    Cylinder,
    Ellipsoid,
    Material,
    Panel,
    Scene,
    Shape,
)
from motion_seg_ros.lab.synthetic.textures import Colour, Pattern, Texture
from motion_seg_ros.lab.synthetic.trajectory import MonotoneCurve, Placement, Trajectory

SIZE = (320, 240)
FRAMES = 24
FPS = 15.0
_EYE = Placement(y=-1.5)
_PALETTE: tuple[Colour, ...] = (
    (60, 76, 176),
    (70, 150, 214),
    (120, 168, 88),
    (176, 128, 70),
    (150, 90, 150),
    (92, 196, 220),
    (200, 190, 176),
)


def static_scene_still_camera(
    seed: int = 0, size: tuple[int, int] = SIZE, frames: int = FRAMES
) -> Scene:
    """Make a static scene with a still camera."""
    return _scene("static_scene_still_camera", seed, frames, _camera(size, Trajectory.still(_EYE)))


def pan_only(seed: int = 0, size: tuple[int, int] = SIZE, frames: int = FRAMES) -> Scene:
    """Make a camera that turns about its own centre, 9 degrees/s to the right, with a slow tilt."""
    path = _constant_speed(
        _EYE._replace(yaw=-0.12), Placement(yaw=0.16, pitch=0.04, roll=0.03), frames
    )
    return _scene("pan_only", seed, frames, _camera(size, path))


def zoom_only(seed: int = 0, size: tuple[int, int] = SIZE, frames: int = FRAMES) -> Scene:
    """Make a still camera whose focal length grows by 20 % of its first value per second."""
    seconds = frames / FPS
    zoom = MonotoneCurve((0.0, seconds), ((1.0,), (1.0 + 0.2 * seconds,)))
    return _scene("zoom_only", seed, frames, _camera(size, Trajectory.still(_EYE), zoom))


def forward_parallax_static(
    seed: int = 0, size: tuple[int, int] = SIZE, frames: int = FRAMES
) -> Scene:
    """Make a camera that walks forward and to the right past close static objects."""
    path = _constant_speed(_EYE, Placement(x=0.5, z=1.0), frames)
    return _scene("forward_parallax_static", seed, frames, _camera(size, path))


def one_mover_still_camera(
    seed: int = 0, size: tuple[int, int] = SIZE, frames: int = FRAMES
) -> Scene:
    """Make a box (instance 1) that crosses to the right before a still camera."""
    mover = _mover(1, seed, _crossing(4.5, 0.9, frames))
    camera = _camera(size, Trajectory.still(_EYE))
    return _scene("one_mover_still_camera", seed, frames, camera, [mover])


def mover_under_parallax(
    seed: int = 0, size: tuple[int, int] = SIZE, frames: int = FRAMES
) -> Scene:
    """Make a box (instance 1) that comes from the right, turning; the camera walks to the right."""
    start = Placement(1.6, -0.6, 5.5, yaw=0.6)
    path = _constant_speed(start, Placement(x=-1.0, z=-0.4, yaw=0.5), frames)
    camera = _camera(size, _constant_speed(_EYE._replace(x=-0.4), Placement(x=0.8, z=0.5), frames))
    return _scene("mover_under_parallax", seed, frames, camera, [_mover(1, seed, path)])


def crossing_movers(seed: int = 0, size: tuple[int, int] = SIZE, frames: int = FRAMES) -> Scene:
    """Make two boxes that meet halfway; the nearer (instance 1) hides the other (2)."""
    movers = [
        _mover(1, seed, _crossing(3.4, 1.2, frames)),
        _mover(2, seed + 1, _crossing(5.0, -1.2, frames)),
    ]
    camera = _camera(size, Trajectory.still(_EYE))
    return _scene("crossing_movers", seed, frames, camera, movers)


def mover_stops(seed: int = 0, size: tuple[int, int] = SIZE, frames: int = FRAMES) -> Scene:
    """Make a box (instance 1) that moves to the right and stands still from half-time on."""
    half = frames // 2 / FPS
    start = Placement(-0.9, -0.6, 4.5)
    stop = start._replace(x=start.x + 1.2 * half)
    # A third equal point brings the speed to zero smoothly at the second.
    path = Trajectory.through([(0.0, start), (half, stop), (frames / FPS, stop)])
    camera = _camera(size, Trajectory.still(_EYE))
    return _scene("mover_stops", seed, frames, camera, [_mover(1, seed, path)])


def _camera(
    size: tuple[int, int], trajectory: Trajectory, zoom: MonotoneCurve | None = None
) -> Camera:
    return Camera(size[0], size[1], 60.0, trajectory, zoom)


def _constant_speed(start: Placement, per_second: Placement, frames: int) -> Trajectory:
    """Return a path of constant rates from a placement, over a clip."""
    seconds = frames / FPS
    end = Placement(*(a + seconds * rate for a, rate in zip(start, per_second, strict=True)))
    return Trajectory.through([(0.0, start), (seconds, end)])


def _crossing(depth_m: float, speed_m_s: float, frames: int) -> Trajectory:
    """Return a path sideways on the floor, through the middle of the image at half-time."""
    start = Placement(-speed_m_s * frames / FPS / 2, -0.6, depth_m)
    return _constant_speed(start, Placement(x=speed_m_s), frames)


def _mover(instance: int, seed: int, path: Trajectory) -> Body:
    """Make a box of 0.8 x 1.2 x 0.5 m, speckled so that every part of it can be tracked."""
    rng = np.random.default_rng([seed, 1000 + instance])
    texture = _texture(rng, ("speckle", "checker"))
    return Body((Box((0.8, 1.2, 0.5), Material(texture, 0.8)),), path, instance)


def _scene(name: str, seed: int, frames: int, camera: Camera, movers: Iterable[Body] = ()) -> Scene:
    rng = np.random.default_rng(seed)
    movers = tuple(movers)
    # Where something moves, the clutter stands behind it, so that every seed shows the movers.
    nearest_m = 6.5 if movers else 3.8
    bodies = (*_floor_and_wall(rng, 14.0), *_clutter(rng, 9, nearest_m, 11.0), *movers)
    return Scene(name, camera, bodies, frames, FPS, seed=seed)


def _texture(rng: np.random.Generator, patterns: tuple[Pattern, ...]) -> Texture:
    """Draw a texture of one of some patterns."""
    first, second = rng.choice(len(_PALETTE), 2, replace=False)
    return Texture(
        patterns[int(rng.integers(len(patterns)))],
        (_PALETTE[first], _PALETTE[second]),
        cells=int(rng.integers(4, 9)),
        grain=0.35,
        seed=int(rng.integers(2**31)),
    )


def _floor_and_wall(rng: np.random.Generator, distance_m: float) -> tuple[Body, ...]:
    """Make a floor and a wall across the view at a distance."""
    gravel = Texture(
        "noise", ((60, 84, 96), (176, 190, 196)), seed=int(rng.integers(2**31)), size_px=512
    )
    bricks = Texture(
        "bricks", ((84, 100, 160), (190, 198, 204)), 4, 0.3, int(rng.integers(2**31)), 512
    )
    lying = Placement(pitch=np.pi / 2)
    return (
        Body((Panel((80, 80), Material(gravel, 3.0), placement=lying),)),
        Body(
            (Panel((80, 12), Material(bricks, 3.0)),),
            Trajectory.still(Placement(y=-6, z=distance_m)),
        ),
    )


def _clutter(
    rng: np.random.Generator, count: int, nearest_m: float, farthest_m: float
) -> tuple[Body, ...]:
    """Make solids standing on the floor, spread evenly over depth and over the image's width."""
    bodies = []
    depths = np.linspace(nearest_m, farthest_m, count)
    sides = rng.permutation(np.linspace(-0.5, 0.5, count))
    for depth, side in zip(depths, sides, strict=True):
        material = Material(_texture(rng, ("noise", "speckle", "checker", "stripes")), 1.0)
        shape, height = _solid(rng, rng.uniform(0.25, 0.45), material)
        place = Placement(side * depth, -height, depth, yaw=rng.uniform(-0.7, 0.7))
        bodies.append(Body((shape,), Trajectory.still(place)))
    return tuple(bodies)


def _solid(rng: np.random.Generator, half_m: float, material: Material) -> tuple[Shape, float]:
    """Draw a solid of about a half size; return it and the height of its centre above the floor."""
    match int(rng.integers(3)):
        case 0:
            return Box((2 * half_m, 3 * half_m, 2 * half_m), material), 1.5 * half_m
        case 1:
            return Cylinder(half_m, 3 * half_m, material), 1.5 * half_m
        case _:
            return Ellipsoid((half_m, half_m, half_m), material), half_m
