"""Tracks of points in small rigid worlds, in closed form: where they are, and who moves.

A scene function such as `forward_drive(seed, mover="ahead")` makes a `RigidScene` of some frames;
its `at(t)` is what the pipeline has at frame t, with the truth. World axes are those of the camera
of frame 0: x right, y down, z forward, in metres.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from motion_seg_ros.camera import Camera
from motion_seg_ros.lab.synthetic.scene import Scene
from motion_seg_ros.lab.synthetic.truth import GroundTruth
from motion_seg_ros.types import BoolArray, Frame, Tracks
from motion_seg_ros.window import Window

Array = npt.NDArray[np.float64]

SIZE = (360, 640)
FOCAL_PX = 500.0
FRAMES, WINDOW = 20, 16
STEP_NS = 50_000_000
EYE_M = 1.5  # of the camera over the ground
MOVERS = ("ahead", "slower", "oncoming", "crossing")

World = Callable[[Array, Array], Array]
"""Depths (N,) along rays, from origins and directions (N, 3) in world axes, of depth 1 each."""


@dataclass(frozen=True, eq=False)
class Path:
    """Where the camera is: positions (T, 3), and rotations (T, 3, 3) from its own axes to the
    world's."""

    position: Array
    rotation: Array

    @classmethod
    def steady(
        cls, frames: int, step_m: Sequence[float] = (0, 0, 0), turn_deg: Sequence[float] = (0, 0, 0)
    ) -> Path:
        """A constant step in world axes and a constant turn about x, y, z for each frame."""
        turns = np.radians(turn_deg) * np.arange(frames)[:, None]
        rotation = np.array([cv2.Rodrigues(each)[0] for each in turns])
        return cls(np.arange(frames)[:, None] * np.array(step_m, np.float64), rotation)

    def shaken(self, rng: np.random.Generator, metres: float, degrees: float) -> Path:
        """The same path in an unsteady hand."""
        turns = rng.normal(0, np.radians(degrees), self.position.shape)
        shakes = np.array([cv2.Rodrigues(each)[0] for each in turns])
        moved = self.position + rng.normal(0, metres, self.position.shape)
        return Path(moved, self.rotation @ shakes)


@dataclass(frozen=True, eq=False)
class Thing:
    """Something that moves: points (K, 3) about its place, and its places (T, 3)."""

    points: Array
    places: Array


@dataclass(frozen=True, eq=False)
class RigidWindow:
    """One window of a scene, and the truth.

    A static track seen in direction n = (x, y, 1) in the newest frame is in frame k at
    linear[k] n + inverse_depth translation[k].

    Attributes:
        window, tracks: what the pipeline has.
        camera: of all frames; also those of the window have it.
        linear: (T, 3, 3) rotation from the newest frame to each; for a zoom a homography.
        translation: (T, 3) in metres.
        inverse_depth: (N,) true ones in the newest frame in 1/m, of movers too.
        moving: (N,) bool.
    """

    window: Window
    tracks: Tracks
    camera: Camera
    linear: Array
    translation: Array
    inverse_depth: Array
    moving: BoolArray


class RigidScene:
    """Points in a world, followed by a camera.

    Args:
        world: what is static; None for nothing.
        path: of the camera.
        things: what moves; they hide what is behind them.
        static: number of points on what is static.
        seed: of points, noise and the tracks' lives.
        noise_px: standard deviation of positions.
        wrong: share of the tracks that wander, by a pixel in each frame.
        zoom: (T,) factors on the focal length, the last one is 1.
        calibrated: whether the frames say which camera it is.
    """

    def __init__(
        self,
        world: World | None,
        path: Path,
        things: Sequence[Thing] = (),
        *,
        static: int = 900,
        seed: int = 0,
        noise_px: float = 0.2,
        wrong: float = 0.0,
        zoom: Array | None = None,
        calibrated: bool = True,
    ) -> None:
        self.path, self.calibrated = path, calibrated
        self.frames = len(path.position)
        self.zoom = np.ones(self.frames) if zoom is None else zoom
        height, width = SIZE
        centre_x, centre_y = (width - 1) / 2, (height - 1) / 2
        matrix = [[FOCAL_PX, 0, centre_x], [0, FOCAL_PX, centre_y], [0, 0, 1]]
        self.camera = Camera(SIZE, np.array(matrix))
        rng = np.random.default_rng(seed)
        ground = np.zeros((0, 3)) if world is None else self._seen_points(world, static, rng)
        self.owner = np.repeat(
            np.arange(len(things) + 1), [len(ground), *(len(each.points) for each in things)]
        )
        at = [np.broadcast_to(ground, (self.frames, *ground.shape))]
        at += [each.points + each.places[:, None] for each in things]
        self._in_camera = np.einsum(
            "tji,tnj->tni", path.rotation, np.concatenate(at, axis=1) - path.position[:, None]
        )
        self._project(rng, noise_px, wrong)

    def at(self, newest: int = -1, size: int = WINDOW) -> RigidWindow:
        """The window that ends with a frame."""
        newest %= self.frames
        first = max(0, newest + 1 - size)
        part = slice(first, newest + 1)
        here = np.flatnonzero(self.visible[part].any(axis=0))
        visible = self.visible[part, here]
        image = np.zeros((*SIZE, 3), np.uint8)
        camera = self.camera if self.calibrated else None
        frames = [Frame(image, t * STEP_NS, camera=camera) for t in range(first, newest + 1)]
        tracks = Tracks(
            here.astype(np.int64),
            _last_known(self.xy_px[part, here], visible).astype(np.float32),
            visible,
            visible.astype(np.float32),
            np.maximum(self.born[here] - first, 0),
        )
        to_camera = self.path.rotation[part].transpose(0, 2, 1)
        focal = self.zoom[part] / self.zoom[newest]
        scale = np.stack((focal, focal, np.ones_like(focal)), axis=1)
        return RigidWindow(
            Window(tuple(frames), first),
            tracks,
            self.camera,
            scale[..., None] * (to_camera @ self.path.rotation[newest]),
            scale
            * np.einsum(
                "tij,tj->ti", to_camera, self.path.position[newest] - self.path.position[part]
            ),
            1 / self._in_camera[newest, here, 2],
            self.owner[here] > 0,
        )

    def _seen_points(self, world: World, count: int, rng: np.random.Generator) -> Array:
        """Points (N, 3) that are in the image in one frame or another."""
        frame = rng.integers(0, self.frames, count)
        xy = self.camera.normalised(rng.uniform((0, 0), (SIZE[1] - 1, SIZE[0] - 1), (count, 2)))
        rays = np.einsum("nij,nj->ni", self.path.rotation[frame], np.c_[xy, np.ones(count)])
        origins = self.path.position[frame]
        return np.asarray(origins + world(origins, rays)[:, None] * rays)

    def _project(self, rng: np.random.Generator, noise_px: float, wrong: float) -> None:
        shape = self._in_camera.shape[:2]
        depth = self._in_camera[..., 2]
        front = depth > 0.1
        xy = self._in_camera[..., :2] / np.where(front, depth, 1)[..., None]
        xy = self.camera.pixels(xy * self.zoom[:, None, None])
        inside = front & (xy >= 0).all(axis=2) & (xy <= [SIZE[1] - 1, SIZE[0] - 1]).all(axis=2)
        # Tracks begin and end; of those that would have begun before frame 0 some are left.
        self.born = np.maximum(rng.integers(-self.frames // 2, self.frames - 4, shape[1]), 0)
        end = self.born + rng.integers(8, 3 * self.frames, shape[1])
        time = np.arange(self.frames)[:, None]
        self.visible = inside & (time >= self.born) & (time < end) & ~self._hidden(xy, depth)
        wander = (
            rng.normal(0, 1, (*shape, 2)).cumsum(axis=0) * (rng.random(shape[1]) < wrong)[:, None]
        )
        self.xy_px = xy + rng.normal(0, noise_px, xy.shape) + wander

    def _hidden(self, xy_px: Array, depth: Array) -> BoolArray:
        """(T, N), whether points are behind a thing: within the box about it, and farther."""
        hidden = np.zeros(depth.shape, bool)
        for thing in range(1, int(self.owner.max(initial=0)) + 1):
            own = self.owner == thing
            low, high = xy_px[:, own].min(axis=1), xy_px[:, own].max(axis=1)
            within = (xy_px > low[:, None]) & (xy_px < high[:, None])
            farther = depth > depth[:, own].max(axis=1, keepdims=True)
            hidden |= within.all(axis=2) & farther & ~own
        return hidden


def rendered(scene: Scene, newest: int, *, noise_px: float = 0.2, seed: int = 0) -> RigidWindow:
    """A window of a scene of lab/synthetic that ends with a frame: exact tracks of points seen in
    it, in all frames, plus noise. The scene's images are not rendered."""
    truth = GroundTruth(scene)
    first = max(0, newest + 1 - WINDOW)
    views = [truth.geometry.view(scene.time_s(t)) for t in range(first, newest + 1)]
    size = scene.camera.height, scene.camera.width
    camera = Camera(size, views[-1].intrinsics)
    rng = np.random.default_rng(seed)
    start = rng.uniform((0, 0), (size[1] - 1, size[0] - 1), (900, 2))
    found = truth.tracks(start, newest, range(first, newest + 1))
    count, visible = len(start), found.visible
    xy = _last_known(np.where(visible[..., None], found.xy_px, 0), visible)
    tracks = Tracks(
        np.arange(count),
        (xy + rng.normal(0, noise_px, xy.shape)).astype(np.float32),
        visible,
        visible.astype(np.float32),
        visible.argmax(axis=0),
    )
    image = np.zeros((*size, 3), np.uint8)
    frames = [Frame(image, round(scene.time_s(t) * 1e9), camera=camera) for t in range(newest + 1)]
    poses = np.array([view.world_to_camera for view in views]) @ np.linalg.inv(
        views[-1].world_to_camera
    )
    zoom = np.linalg.inv(views[-1].intrinsics) @ [view.intrinsics for view in views]
    return RigidWindow(
        Window(tuple(frames[first:]), first),
        tracks,
        camera,
        zoom @ poses[:, :3, :3],
        (zoom @ poses[:, :3, 3:])[..., 0],
        views[-1].cast_points(start).inverse_depth,
        truth.instances(start, newest) > 0,
    )


def _last_known(xy_px: Array, visible: BoolArray) -> Array:
    """Positions (T, N, 2), where not visible the last visible one, or before any the first."""
    time = np.arange(len(visible))[:, None]
    last = np.maximum.accumulate(np.where(visible, time, -1), axis=0)
    source = np.where(last < 0, visible.argmax(axis=0), last)
    return np.asarray(np.take_along_axis(xy_px, source[..., None], axis=0))


# Worlds.


def street(origins: Array, rays: Array) -> Array:
    """A ground, house fronts at both sides with things before them, and the end of the street."""
    near = _plane(origins, rays, (0, 1, 0), EYE_M)
    # Fronts are not even: parked things, doorways. Where they are is a function of the ray alone.
    uneven = 1.5 * np.sin(40 * rays[:, 1]) ** 2
    for side in (-1, 1):
        near = np.minimum(near, _plane(origins, rays, (side, 0, 0), 5.0 - uneven))
    return np.minimum(near, _plane(origins, rays, (0, 0, 1), 90.0))


def open_country(origins: Array, rays: Array) -> Array:
    """A ground, and hills and clouds a hundred times as far as one sees of it."""
    ground = _plane(origins, rays, (0, 1, 0), EYE_M)
    return np.where(ground < 60, ground, 6000.0)


def things_about(origins: Array, rays: Array) -> Array:
    """Points at 3 to 20 m, as in a room full of things or in a wood."""
    return np.random.default_rng(0).uniform(3, 20, len(rays))


def wall(origins: Array, rays: Array) -> Array:
    """One plane across the view, turned by 25 degrees."""
    return _plane(origins, rays, (np.sin(0.44), 0.05, np.cos(0.44)), 6.0)


def _plane(origins: Array, rays: Array, normal: Sequence[float], distance: float | Array) -> Array:
    """Depths (N,) of a plane's points normal . X = distance; infinity where a ray misses it."""
    along = rays @ np.array(normal, np.float64)
    left = distance - origins @ np.array(normal, np.float64)
    hit = along * left > 1e-9
    return np.where(hit, left / np.where(hit, along, 1), np.inf)


def _box(rng: np.random.Generator, size_m: Sequence[float], count: int) -> Array:
    """Points (N, 3) in a box about 0."""
    return rng.uniform(-0.5, 0.5, (count, 3)) * np.array(size_m)


# Scenes. All take a seed, and `given`: the arguments of RigidScene by name.


def travel(seed: int = 0, **given: object) -> RigidScene:
    """To the right and forward among things near and far, turning a little."""
    path = Path.steady(FRAMES, (0.06, 0.01, 0.08), (0.1, -0.3, 0.2))
    return _scene(things_about, path, seed, given)


def hand_held(seed: int = 0, **given: object) -> RigidScene:
    """The same in an unsteady hand."""
    steady = Path.steady(FRAMES, (0.06, 0.01, 0.08), (0.1, -0.3, 0.2))
    path = steady.shaken(np.random.default_rng(seed), 0.005, 0.3)
    return _scene(things_about, path, seed, given)


def pure_rotation(seed: int = 0, **given: object) -> RigidScene:
    """A pan with some tilt and roll about the camera's own centre."""
    path = Path.steady(FRAMES, turn_deg=(0.2, 0.7, -0.2))
    return _scene(things_about, path, seed, given)


def planar(seed: int = 0, **given: object) -> RigidScene:
    """Nothing but a wall, which the camera travels along."""
    return _scene(wall, Path.steady(FRAMES, (0.06, 0.01, 0.05), (0, -0.2, 0)), seed, given)


def zooming(seed: int = 0, **given: object) -> RigidScene:
    """A still camera whose focal length grows by 1 % in each frame."""
    zoom = 1.01 ** np.arange(1 - FRAMES, 1)
    return _scene(things_about, Path.steady(FRAMES), seed, {"zoom": zoom, **given})


def still(seed: int = 0, **given: object) -> RigidScene:
    """A still camera before a still world."""
    return _scene(street, Path.steady(FRAMES), seed, given)


def still_with_mover(seed: int = 0, **given: object) -> RigidScene:
    """A still camera, before which something crosses."""
    places = np.array([-1.5, 0.6, 6.0]) + np.arange(FRAMES)[:, None] * np.array([0.12, 0, 0])
    thing = Thing(_box(np.random.default_rng([seed, 1]), (0.8, 1.6, 0.5), 80), places)
    return _scene(street, Path.steady(FRAMES), seed, given, [thing])


def forward_drive(seed: int = 0, mover: str | None = None, **given: object) -> RigidScene:
    """Along a street at half a metre in each frame, perhaps with a car.

    Args:
        mover: 'ahead' at the camera's own speed, 12 m before it; 'slower', at half of it;
            'oncoming' as fast; 'crossing' from the left; None for no car.
    """
    step = np.array([0, 0, 0.5])
    path = Path.steady(FRAMES, step, (0, 0.1, 0))
    time = np.arange(FRAMES)[:, None]
    on_ground = EYE_M - 0.7  # half of the car's height over the ground
    last = path.position[-1]
    lane, velocity = {
        None: ((0, 0, 0), (0, 0, 0)),
        "ahead": ((0, 0, 12), step),
        "slower": ((0, 0, 10), step / 2),
        "oncoming": ((-2.0, 0, 12), -step),
        "crossing": ((0.5, 0, 13), (0.3, 0, 0)),
    }[mover]
    places = last + np.array(lane) + [0, on_ground, 0] + (time - time[-1]) * np.array(velocity)
    size = (4.0, 1.4, 1.8) if mover == "crossing" else (1.8, 1.4, 4.0)
    car = Thing(_box(np.random.default_rng([seed, 2]), size, 100), places)
    return _scene(street, path, seed, given, [] if mover is None else [car])


def open_road(seed: int = 0, **given: object) -> RigidScene:
    """Along a road through open country at a metre in each frame."""
    return _scene(open_country, Path.steady(FRAMES, (0, 0, 1.0)), seed, given)


def followed_mover(seed: int = 0, **given: object) -> RigidScene:
    """Something 2.5 m before the camera that it follows, which fills 30 % of the image and hardly
    moves in it, while the street streams by."""
    step = np.array([0, 0, 0.25])
    path = Path.steady(FRAMES, step).shaken(np.random.default_rng(seed), 0.003, 0.1)
    time = np.arange(FRAMES)[:, None]
    sway = np.concatenate((0.04 * np.sin(0.5 * time), 0.02 * np.sin(0.8 * time), 0 * time), axis=1)
    places = np.array([0.1, 0.3, 2.5]) + time * step + sway
    body = Thing(_box(np.random.default_rng([seed, 3]), (1.4, 1.2, 0.3), 170), places)
    return _scene(street, path, seed, given, [body])


def featureless(seed: int = 0, **given: object) -> RigidScene:
    """Too little to see: a few points on snow."""
    path = Path.steady(FRAMES, (0, 0, 0.3))
    return _scene(street, path, seed, {"static": 20, **given})


def _scene(
    world: World, path: Path, seed: int, given: dict[str, object], things: Sequence[Thing] = ()
) -> RigidScene:
    return RigidScene(world, path, things, seed=seed, **given)  # type: ignore[arg-type]
