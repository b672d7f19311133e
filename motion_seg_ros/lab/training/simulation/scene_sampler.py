"""Random training scenes: any camera motion, any world, movers of all kinds or none.

Speeds are drawn in the image, in pixels per frame, and converted to metres at the distance of the
camera's subject, so that all focal lengths and distances show slow and fast motion alike. All
shares and spreads were set by hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from motion_seg_ros.errors import InputError
from motion_seg_ros.geometry.scene import REFERENCE_SIDE_PX
from motion_seg_ros.lab.synthetic.geometry import SceneGeometry
from motion_seg_ros.lab.synthetic.scene import Body, Camera, Light, Nuisances, Scene
from motion_seg_ros.lab.synthetic.textures import Texture
from motion_seg_ros.lab.synthetic.trajectory import Array
from motion_seg_ros.lab.training.simulation import worlds
from motion_seg_ros.lab.training.simulation.actors import ACTORS
from motion_seg_ros.lab.training.simulation.cameras import (
    CAMERA_MOTIONS,
    Shot,
    moving_camera,
    tremor,
)
from motion_seg_ros.lab.training.simulation.compression import Compression
from motion_seg_ros.lab.training.simulation.drives import Drive, random_drive
from motion_seg_ros.lab.training.simulation.lifelike import Lifelike, enlivened
from motion_seg_ros.lab.training.simulation.movers import MoverPath, distractor, mover, mover_path
from motion_seg_ros.lab.training.simulation.random_motion import (
    FPS,
    Rng,
    chance,
    curve,
    log_uniform,
    pick,
)
from motion_seg_ros.lab.training.simulation.roadsides import build_roadside
from motion_seg_ros.lab.training.simulation.scene_kinds import (
    DRIVES,
    KINDS,
    LIFELIKE_KINDS,
    RECIPES,
    DriveRecipe,
    SceneRecipe,
    as_lifelike,
)
from motion_seg_ros.lab.training.simulation.traffic import Course, random_traffic

_CAMERA_PX, _MOVER_PX = 5.0, 7.0  # typical full speeds per frame
_MOST_DRAWN = 20  # scenes that are drawn for one whose mover is as large as wanted


@dataclass(frozen=True, eq=False)
class SampledScene:
    """A random scene and its description.

    Attributes:
        scene: with movers as instances 1, 2, ...
        kind: of LIFELIKE_KINDS or UNSEEN_KINDS.
        world: name of the static world.
        motions: motion type of each mover, in the order of the instances: articulated, rigid,
            deforming.
        compression: of the video; None: none.
    """

    scene: Scene
    kind: str
    world: str
    motions: tuple[str, ...]
    compression: Compression | None = None


def sample_scene(
    seed: int,
    *,
    kind: str | None = None,
    frames: int = 24,
    size_px: tuple[int, int] = (240, 427),
    lifelike: Lifelike | None = None,
) -> SampledScene:
    """Draw a random scene, repeatably.

    Without `lifelike` a seed always gives the same scene: figures of the test split, which are
    published, depend on it.

    Args:
        seed: determines everything.
        kind: of LIFELIKE_KINDS or UNSEEN_KINDS; None draws one of KINDS, or of
            LIFELIKE_KINDS.
        frames: length of the clip.
        size_px: h, w of the image.
        lifelike: what brings it nearer to real footage; None: nothing.

    Raises:
        InputError: there is no such kind, or a photograph cannot be read.
    """
    rng = np.random.default_rng([seed, 20250])
    kinds = KINDS if lifelike is None else LIFELIKE_KINDS
    name = pick(rng, kinds) if kind is None else kind
    if name in DRIVES:
        content = _driven(rng, DRIVES[name], frames, size_px)
    elif name in RECIPES:
        recipe = RECIPES[name] if lifelike is None else as_lifelike(RECIPES[name])
        content = _staged(rng, recipe, frames, size_px)
    else:
        raise InputError(
            f"kind of scene: expected one of {', '.join((*RECIPES, *DRIVES))}, found {name!r}; "
            "take one of these"
        )
    camera, world, bodies, motions, site = content
    if chance(rng, 0.4):  # an overcast sky
        bodies = [replace(body, shadow_m=0.0) for body in bodies]
    scene = Scene(
        f"{name}_{seed}",
        camera,
        tuple(bodies),
        frames,
        FPS,
        sky=_sky(rng),
        light=_light(rng),
        nuisances=_nuisances(rng, frames),
        seed=seed,
    )
    types = tuple(motions)
    if lifelike is not None:
        own = np.random.default_rng([seed, 61014])
        scene, types = enlivened(own, scene, types, lifelike, site)
        return SampledScene(scene, name, world, types, Compression.drawn(own))
    return SampledScene(scene, name, world, types)


class _Content(NamedTuple):
    """A camera, the name of its world, all bodies, the movers' motion types, and the place."""

    camera: Camera
    world: str
    bodies: list[Body]
    motions: list[str]
    site: worlds.Site


def _driven(rng: Rng, recipe: DriveRecipe, frames: int, size_px: tuple[int, int]) -> _Content:
    """Draw a scene along a road or a corridor."""
    drive = random_drive(rng, recipe.vehicle, frames, size_px)
    courses = random_traffic(rng, drive, _count(rng, recipe.movers), recipe.actors, recipe.roles)
    bodies = [each for i, course in enumerate(courses, 1) for each in course.bodies(rng, i)]
    world = pick(rng, recipe.worlds)
    bodies += build_roadside(rng, world, drive, courses)
    motions = [ACTORS[course.actor][1] for course in courses]
    return _Content(drive.camera, world, bodies, motions, _beside(drive, courses))


def _beside(drive: Drive, courses: Sequence[Course]) -> worlds.Site:
    """Return the place along a drive that its camera and the movers leave free."""
    reach = np.full((drive.frames, 1), drive.half_m)
    clear = [np.hstack([drive.feet_m, reach])]
    for course in courses:
        clear.append(np.hstack([course.position_m, np.full((drive.frames, 1), course.radius_m)]))
    far = 3.0 * drive.half_m
    return worlds.Site(drive.camera, drive.frames, far, np.concatenate(clear))


def _staged(rng: Rng, recipe: SceneRecipe, frames: int, size_px: tuple[int, int]) -> _Content:
    """Draw a scene around the subject of a camera."""
    for _ in range(_MOST_DRAWN):
        content = _staged_once(rng, recipe, frames, size_px)
        if recipe.seen == (0.0, 1.0) or recipe.seen[0] <= _seen(content, frames) <= recipe.seen[1]:
            break
    return content


def _seen(content: _Content, frames: int) -> float:
    """Return the share of the image that the first mover fills halfway through the clip."""
    camera = content.camera
    geometry = SceneGeometry(Scene("", camera, tuple(content.bodies), frames, FPS))
    x, y = np.arange(4.0, camera.width, 8), np.arange(4.0, camera.height, 8)
    points = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    found = geometry.view(frames // 2 / FPS).cast_points(points)
    return float((geometry.instance_of(found.piece) == 1).mean())


def _staged_once(rng: Rng, recipe: SceneRecipe, frames: int, size_px: tuple[int, int]) -> _Content:
    stage = _stage(rng, recipe, frames, size_px)
    bodies, motions = _movers(rng, recipe, stage)
    world = pick(rng, recipe.worlds)
    site = stage.site()
    bodies += worlds.WORLDS[world](rng, site)
    bodies += _distractors(rng, recipe, stage, site)
    if chance(rng, 0.3) or recipe.behind:
        bodies += worlds.occluder(rng, site)
    if chance(rng, 0.4):  # parallax that is easily mistaken for motion
        bodies += worlds.clutter(rng, site, int(rng.integers(1, 4)), (0.25, 0.8))
    return _Content(stage.camera, world, bodies, motions, site)


def _count(rng: Rng, shares: tuple[float, ...]) -> int:
    """Draw a number by the shares of 0, 1, ..."""
    return int(rng.choice(len(shares), p=np.array(shares) / sum(shares)))


@dataclass(frozen=True, eq=False)
class _Stage:
    """A camera and the paths of the movers, before the world is added.

    Attributes:
        shot: of the camera.
        camera: the moving camera.
        heights_m: of the movers; of the invisible subject where there are none.
        paths: of the movers.
    """

    shot: Shot
    camera: Camera
    heights_m: tuple[float, ...]
    paths: tuple[MoverPath, ...]

    def site(self) -> worlds.Site:
        """Return the site that is left for the world."""
        eyes = worlds.camera_positions(self.camera, self.shot.frames)
        lens = np.full((len(eyes), 1), 0.12 * self.shot.distance_m)
        clear = [np.hstack([eyes, lens])]
        for going, height in zip(self.paths, self.heights_m, strict=False):
            girth = np.full((len(eyes), 1), 0.4 * height)
            clear.append(np.hstack([going.position_m, girth]))
        return worlds.Site(
            self.camera, self.shot.frames, self.shot.distance_m, np.concatenate(clear)
        )


def _stage(rng: Rng, recipe: SceneRecipe, frames: int, size_px: tuple[int, int]) -> _Stage:
    """Draw a camera and its subject, and the other movers where the camera sees them."""
    count = _count(rng, recipe.movers)
    height, width = size_px
    unit = max(size_px) / REFERENCE_SIDE_PX
    focal = 0.5 * max(size_px) / np.tan(np.radians(log_uniform(rng, 22, 95)) / 2)
    middle = int(rng.integers(frames // 5, frames - frames // 5))
    distance = log_uniform(rng, 3, 12)
    flies = chance(rng, 0.15)
    tall = _height_px(rng, size_px, 0.05 if count <= 1 else 0.025)
    if chance(rng, recipe.large):
        share = log_uniform(rng, *recipe.large_share)
        tall = min(float(np.sqrt(4 * share * height * width)), 4 * recipe.large_share[1] * height)
    tall *= distance / focal
    # From a worm's shot to a bird's.
    down = rng.uniform(0.5, 1.2) if chance(rng, 0.12) else abs(rng.normal(0, 0.2)) + 0.02
    eye = max(distance * np.tan(down), 0.2 * tall, 0.05 * distance)
    lifted = rng.uniform(0, 0.5) * eye if flies else 0.0
    foot = np.array([rng.normal(0, 0.17) * width * distance / focal, -lifted, distance])
    speed = _speed_px(rng, recipe.speed * _MOVER_PX) * unit * distance / focal
    going = mover_path(
        rng, foot, frames, middle, speed, height_m=tall, flies=flies, pauses=recipe.pauses
    )
    aim = -np.arctan2(eye - lifted - tall / 2, distance) + rng.normal(0, 0.12) * height / focal
    shot = Shot(
        size_px, float(focal), eye, aim, going.position_m, middle, _speed_px(rng, _CAMERA_PX) * unit
    )
    motion = CAMERA_MOTIONS[recipe.camera](rng, shot)
    if chance(rng, 0.6) and recipe.camera != "still":
        motion = motion + tremor(rng, shot, log_uniform(rng, 0.03, 1.5) * unit, 8)
    camera = moving_camera(shot, motion)
    heights, paths = [tall], [going] if count else []
    for _ in range(count - 1):
        at, tall, speed, flies = _elsewhere(rng, shot, camera)
        heights.append(tall)
        paths.append(
            mover_path(
                rng,
                at,
                frames,
                int(rng.integers(frames)),
                speed,
                height_m=tall,
                flies=flies,
                pauses=recipe.pauses,
            )
        )
    return _Stage(shot, camera, tuple(heights), tuple(paths))


def _elsewhere(rng: Rng, shot: Shot, camera: Camera) -> tuple[Array, float, float, bool]:
    """Draw one more mover in sight: foot point, height, speed per frame, True if it flies."""
    site = worlds.Site(camera, shot.frames, shot.distance_m, np.zeros((0, 4)))
    at = site.place(rng, shot.distance_m * log_uniform(rng, 0.6, 2.5), 0.9)
    pixel = site.pixel_m(at)
    flies = chance(rng, 0.15) and at[1] < 0
    if not flies:
        at[1] = 0.0
    speed = _speed_px(rng, _MOVER_PX) * max(shot.size_px) / REFERENCE_SIDE_PX * pixel
    return at, _height_px(rng, shot.size_px, 0.02) * pixel, speed, flies


def _movers(rng: Rng, recipe: SceneRecipe, stage: _Stage) -> tuple[list[Body], list[str]]:
    bodies: list[Body] = []
    motions = []
    kinds = dict(recipe.actors)
    if chance(rng, 0.4):  # all of one kind
        kinds = {pick(rng, kinds): 1.0}
    for instance, going in enumerate(stage.paths, 1):
        height = stage.heights_m[instance - 1]
        parts, motion_type = mover(rng, kinds, going, height, instance, recipe.planted)
        bodies += parts
        motions.append(motion_type)
    return bodies, motions


def _distractors(rng: Rng, recipe: SceneRecipe, stage: _Stage, site: worlds.Site) -> list[Body]:
    """Draw static things of the kinds that move."""
    bodies = []
    for _ in range(int(rng.integers(recipe.distractors + 1))):
        at = site.place(rng, stage.shot.distance_m * log_uniform(rng, 0.6, 2.5), 1.0) * (1, 0, 1)
        tall = _height_px(rng, stage.shot.size_px, 0.03) * site.pixel_m(at)
        if site.is_clear(at, 0.3 * tall):
            bodies += distractor(rng, recipe.actors, at, tall)
    return bodies


def _height_px(rng: Rng, size_px: tuple[int, int], typical: float) -> float:
    """Draw the height of a mover by the share of the image it covers: mostly about a typical one,
    else 0.2 to 60 %."""
    share = float(np.exp(rng.normal(np.log(typical), 0.7)))
    if chance(rng, 0.35):
        share = log_uniform(rng, 0.002, 0.6)
    # Half as wide as high; its limbs and its head fill half of that.
    return float(min(np.sqrt(4 * share * size_px[0] * size_px[1]), 1.4 * min(size_px)))


def _speed_px(rng: Rng, typical: float) -> float:
    """Draw pixels per frame at REFERENCE_SIDE_PX: mostly about a typical speed, else 0.1 to 40."""
    if chance(rng, 0.3):
        return log_uniform(rng, 0.1, 40)
    return float(min(np.exp(rng.normal(np.log(typical), 0.8)), 40))


def _sky(rng: Rng) -> Texture:
    blue = (int(rng.uniform(120, 240)), int(rng.uniform(90, 220)), int(rng.uniform(60, 200)))
    pale = int(rng.uniform(150, 250))
    return Texture("sky", (blue, (pale, pale, pale)), seed=int(rng.integers(2**31)), size_px=256)


def _light(rng: Rng) -> Light:
    direct = rng.uniform(0, 0.8)
    towards = (rng.normal(0, 0.6), -rng.uniform(0.4, 1.0), -rng.uniform(-0.3, 1.0))
    return Light(
        towards, 1.0 - 0.6 * direct, direct, rng.uniform(0.15, 0.6), log_uniform(rng, 0.04, 0.8)
    )


def _nuisances(rng: Rng, frames: int) -> Nuisances:
    gain = None
    if chance(rng, 0.15):
        end = log_uniform(rng, 0.6, 1.6)
        gain = curve(np.linspace(1.0, end, frames)[:, None])
    return Nuisances(
        log_uniform(rng, 0.5, 7) if chance(rng, 0.6) else 0.0,
        log_uniform(rng, 0.003, 0.04) if chance(rng, 0.2) else 0.0,
        rng.uniform(0.3, 0.9) / FPS if chance(rng, 0.08) else 0.0,
        gain,
        int(rng.integers(25, 95)) if chance(rng, 0.3) else None,
    )
