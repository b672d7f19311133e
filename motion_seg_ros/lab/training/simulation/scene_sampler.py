"""Random training scenes: any camera motion, any world, movers of all kinds or none.

Speeds are drawn in the image, in pixels per frame, and converted to metres at the distance of the
camera's subject, so that all focal lengths and distances show slow and fast motion alike. All
shares and spreads were set by hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from motion_seg_ros.errors import InputError
from motion_seg_ros.geometry.scene import REFERENCE_SIDE_PX
from motion_seg_ros.lab.synthetic.geometry import SceneGeometry
from motion_seg_ros.lab.synthetic.scene import Body, Camera, Light, Nuisances, Scene
from motion_seg_ros.lab.synthetic.textures import Texture
from motion_seg_ros.lab.synthetic.trajectory import Array
from motion_seg_ros.lab.training.simulation import worlds
from motion_seg_ros.lab.training.simulation.actors import ACTORS, SHARES
from motion_seg_ros.lab.training.simulation.cameras import (
    CAMERA_MOTIONS,
    Shot,
    moving_camera,
    tremor,
)
from motion_seg_ros.lab.training.simulation.drives import (
    AHEAD,
    INDOOR,
    ROAD,
    TURN,
    Vehicle,
    random_drive,
)
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
from motion_seg_ros.lab.training.simulation.traffic import ON_FOOT, ON_ROAD, ROLES, random_traffic

_CAMERA_PX, _MOVER_PX = 5.0, 7.0  # typical full speeds per frame
KINDS: dict[str, float] = {
    "still": 0.06,
    "pan": 0.07,
    "tilt": 0.03,
    "zoom": 0.03,
    "shake": 0.04,
    "walk": 0.09,
    "forward": 0.11,
    "backward": 0.03,
    "sideways": 0.11,
    "orbit": 0.06,
    "follow_pan": 0.14,
    "follow_travel": 0.15,
    "mixed": 0.08,
    "road": 0.3,
    "road_turn": 0.08,
    "indoor": 0.16,
}
"""Kinds of training scenes, most of them by their camera's motion, and their relative shares."""
HELD_OUT_KINDS = ("corridor_drive", "crowd", "orbit_deforming", "car_ahead", "followed_large")
"""Kinds of scenes of the test split; nothing like them is drawn for training."""
_MOST_DRAWN = 20  # scenes that are drawn for one whose mover is as large as wanted
_WORLDS = {"open_country": 0.42, "backdrop": 0.16, "room": 0.16, "thicket": 0.17, "waterside": 0.09}


@dataclass(frozen=True, eq=False)
class SampledScene:
    """A random scene and its description.

    Attributes:
        scene: with movers as instances 1, 2, ...
        kind: of KINDS or HELD_OUT_KINDS.
        world: name of the static world.
        motions: motion type of each mover, in the order of the instances: articulated, rigid,
            deforming.
    """

    scene: Scene
    kind: str
    world: str
    motions: tuple[str, ...]


@dataclass(frozen=True)
class _SceneRecipe:
    """Distribution of a kind of scenes.

    Attributes:
        camera: name of its motion.
        movers: shares of 0, 1, ... movers.
        worlds, actors: names and shares.
        distractors: largest number of static things like the movers.
        large: share of the scenes whose first mover fills 5 to 40 % of the image.
        seen: least and largest share of the image that the first mover fills, halfway through the
            clip; scenes are drawn until it does.
    """

    camera: str
    movers: tuple[float, ...] = (0.18, 0.42, 0.2, 0.1, 0.06, 0.04)
    worlds: Mapping[str, float] = field(default_factory=lambda: _WORLDS)
    actors: Mapping[str, float] = field(default_factory=lambda: SHARES)
    distractors: int = 3
    large: float = 0.0
    seen: tuple[float, float] = (0.0, 1.0)


@dataclass(frozen=True)
class _DriveRecipe:
    """Distribution of a kind of scenes along a road or a corridor.

    Attributes:
        vehicle: what carries the camera.
        worlds, actors, roles: names and shares.
        movers: shares of 0, 1, ... movers.
    """

    vehicle: Vehicle
    worlds: Mapping[str, float]
    actors: Mapping[str, float] = field(default_factory=lambda: ON_ROAD)
    roles: Mapping[str, float] = field(default_factory=lambda: ROLES)
    movers: tuple[float, ...] = (0.12, 0.32, 0.28, 0.18, 0.1)


_DEFORMING = {name: share for name, share in SHARES.items() if ACTORS[name][1] == "deforming"}
_OTHERS = {name: share for name, share in SHARES.items() if ACTORS[name][1] != "deforming"}
_UNFOLLOWED = ("puppet", "lump")  # no camera of training follows these
_FOLLOWED = {name: share for name, share in SHARES.items() if name not in _UNFOLLOWED}
_RECIPES = {name: _SceneRecipe(name) for name in CAMERA_MOTIONS} | {
    "orbit": _SceneRecipe("orbit", actors=_OTHERS),
    "follow_pan": _SceneRecipe("follow_pan", actors=_FOLLOWED, large=0.4),
    "follow_travel": _SceneRecipe("follow_travel", actors=_FOLLOWED, large=0.6),
    "corridor_drive": _SceneRecipe("forward", (0.3, 0.5, 0.2), {"corridor": 1.0}),
    "crowd": _SceneRecipe("walk", (0,) * 6 + (1, 1, 1, 1), actors={"person": 1.0}, distractors=8),
    "orbit_deforming": _SceneRecipe("orbit", (0, 0.7, 0.3), actors=_DEFORMING),
    "followed_large": _SceneRecipe(
        "follow_travel",
        (0, 0.8, 0.2),
        actors=dict.fromkeys(_UNFOLLOWED, 0.5),
        large=1.0,
        seen=(0.05, 0.4),
    ),
}
_ROADS = {"street": 0.36, "motorway": 0.24, "country_road": 0.24, "plain": 0.16}
_DRIVES = {
    "road": _DriveRecipe(ROAD, _ROADS),
    "road_turn": _DriveRecipe(TURN, _ROADS),
    "indoor": _DriveRecipe(INDOOR, {"hall": 1.0}, ON_FOOT),
    "car_ahead": _DriveRecipe(
        AHEAD, {"tunnel": 0.5, "bridge": 0.5}, {"tanker": 1.0}, {"following": 1.0}, (0, 1)
    ),
}


def sample_scene(
    seed: int,
    *,
    kind: str | None = None,
    frames: int = 24,
    size_px: tuple[int, int] = (240, 427),
) -> SampledScene:
    """Draw a random scene, repeatably.

    Args:
        seed: determines everything.
        kind: of KINDS or HELD_OUT_KINDS; None draws one of KINDS.
        frames: length of the clip.
        size_px: h, w of the image.

    Raises:
        InputError: there is no such kind.
    """
    rng = np.random.default_rng([seed, 20250])
    name = pick(rng, KINDS) if kind is None else kind
    if name in _DRIVES:
        camera, world, bodies, motions = _driven(rng, _DRIVES[name], frames, size_px)
    elif name in _RECIPES:
        camera, world, bodies, motions = _staged(rng, _RECIPES[name], frames, size_px)
    else:
        raise InputError(
            f"kind of scene: expected one of {', '.join((*_RECIPES, *_DRIVES))}, found {name!r}; "
            "take one of these"
        )
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
    return SampledScene(scene, name, world, tuple(motions))


_Content = tuple[Camera, str, list[Body], list[str]]
"""A camera, the name of its world, all bodies, and the movers' motion types."""


def _driven(rng: Rng, recipe: _DriveRecipe, frames: int, size_px: tuple[int, int]) -> _Content:
    """Draw a scene along a road or a corridor."""
    drive = random_drive(rng, recipe.vehicle, frames, size_px)
    courses = random_traffic(rng, drive, _count(rng, recipe.movers), recipe.actors, recipe.roles)
    bodies = [each for i, course in enumerate(courses, 1) for each in course.bodies(rng, i)]
    world = pick(rng, recipe.worlds)
    bodies += build_roadside(rng, world, drive, courses)
    return drive.camera, world, bodies, [ACTORS[course.actor][1] for course in courses]


def _staged(rng: Rng, recipe: _SceneRecipe, frames: int, size_px: tuple[int, int]) -> _Content:
    """Draw a scene around the subject of a camera."""
    for _ in range(_MOST_DRAWN):
        content = _staged_once(rng, recipe, frames, size_px)
        if recipe.seen == (0.0, 1.0) or recipe.seen[0] <= _seen(content, frames) <= recipe.seen[1]:
            break
    return content


def _seen(content: _Content, frames: int) -> float:
    """Return the share of the image that the first mover fills halfway through the clip."""
    camera, _, bodies, _ = content
    geometry = SceneGeometry(Scene("", camera, tuple(bodies), frames, FPS))
    x, y = np.arange(4.0, camera.width, 8), np.arange(4.0, camera.height, 8)
    points = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    found = geometry.view(frames // 2 / FPS).cast_points(points)
    return float((geometry.instance_of(found.piece) == 1).mean())


def _staged_once(rng: Rng, recipe: _SceneRecipe, frames: int, size_px: tuple[int, int]) -> _Content:
    stage = _stage(rng, recipe, frames, size_px)
    bodies, motions = _movers(rng, recipe, stage)
    world = pick(rng, recipe.worlds)
    site = stage.site()
    bodies += worlds.WORLDS[world](rng, site)
    bodies += _distractors(rng, recipe, stage, site)
    if chance(rng, 0.3):
        bodies += worlds.occluder(rng, site)
    if chance(rng, 0.4):  # parallax that is easily mistaken for motion
        bodies += worlds.clutter(rng, site, int(rng.integers(1, 4)), (0.25, 0.8))
    return stage.camera, world, bodies, motions


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


def _stage(rng: Rng, recipe: _SceneRecipe, frames: int, size_px: tuple[int, int]) -> _Stage:
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
        tall = min(float(np.sqrt(4 * log_uniform(rng, 0.05, 0.4) * height * width)), 1.6 * height)
    tall *= distance / focal
    # From a worm's shot to a bird's.
    down = rng.uniform(0.5, 1.2) if chance(rng, 0.12) else abs(rng.normal(0, 0.2)) + 0.02
    eye = max(distance * np.tan(down), 0.2 * tall, 0.05 * distance)
    lifted = rng.uniform(0, 0.5) * eye if flies else 0.0
    foot = np.array([rng.normal(0, 0.17) * width * distance / focal, -lifted, distance])
    speed = _speed_px(rng, _MOVER_PX) * unit * distance / focal
    going = mover_path(rng, foot, frames, middle, speed, height_m=tall, flies=flies)
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
                rng, at, frames, int(rng.integers(frames)), speed, height_m=tall, flies=flies
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


def _movers(rng: Rng, recipe: _SceneRecipe, stage: _Stage) -> tuple[list[Body], list[str]]:
    bodies: list[Body] = []
    motions = []
    kinds = dict(recipe.actors)
    if chance(rng, 0.4):  # all of one kind
        kinds = {pick(rng, kinds): 1.0}
    for instance, going in enumerate(stage.paths, 1):
        parts, motion_type = mover(rng, kinds, going, stage.heights_m[instance - 1], instance)
        bodies += parts
        motions.append(motion_type)
    return bodies, motions


def _distractors(rng: Rng, recipe: _SceneRecipe, stage: _Stage, site: worlds.Site) -> list[Body]:
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
