"""Kinds of random scenes: how each is drawn.

All shares were set by hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from motion_seg_ros.lab.training.simulation.actors import ACTORS, SHARES
from motion_seg_ros.lab.training.simulation.cameras import CAMERA_MOTIONS
from motion_seg_ros.lab.training.simulation.drives import (
    AHEAD,
    INDOOR,
    ROAD,
    TURN,
    Vehicle,
)
from motion_seg_ros.lab.training.simulation.traffic import ON_FOOT, ON_ROAD, ROLES

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
LIFELIKE_KINDS = {
    **{kind: share for kind, share in KINDS.items() if kind != "still"},
    "lookout": 0.3,
    "close_up": 0.14,
    "behind": 0.1,
    "thin": 0.06,
    "fast": 0.07,
    "pausing": 0.1,
    "parallax_only": 0.09,
}
"""Kinds of lifelike training scenes and their relative shares."""
HELD_OUT_KINDS = ("corridor_drive", "crowd", "orbit_deforming", "car_ahead", "followed_large")
"""Kinds of scenes of the test split of tracks; nothing like them is drawn for training."""
UNSEEN_KINDS = (*HELD_OUT_KINDS, "sentry")
"""Kinds of scenes that validate masks; nothing like them is drawn for lifelike training."""
_WORLDS = {"open_country": 0.42, "backdrop": 0.16, "room": 0.16, "thicket": 0.17, "waterside": 0.09}


@dataclass(frozen=True)
class SceneRecipe:
    """Distribution of a kind of scenes.

    Attributes:
        camera: name of its motion.
        movers: shares of 0, 1, ... movers.
        worlds, actors: names and shares.
        distractors: largest number of static things like the movers.
        large: share of the scenes whose first mover fills 5 to 40 % of the image.
        seen: least and largest share of the image that the first mover fills, halfway through the
            clip; scenes are drawn until it does.
        large_share: least and largest share of the image that a large mover is drawn to fill.
        speed: factor on the movers' typical speed.
        behind: True if something always stands before the movers.
        pauses: probability that a mover stands still for some frames.
        planted: probability that a mover's limbs keep pace with its way.
    """

    camera: str
    movers: tuple[float, ...] = (0.18, 0.42, 0.2, 0.1, 0.06, 0.04)
    worlds: Mapping[str, float] = field(default_factory=lambda: _WORLDS)
    actors: Mapping[str, float] = field(default_factory=lambda: SHARES)
    distractors: int = 3
    large: float = 0.0
    seen: tuple[float, float] = (0.0, 1.0)
    large_share: tuple[float, float] = (0.05, 0.4)
    speed: float = 1.0
    behind: bool = False
    pauses: float = 0.0
    planted: float = 0.0


@dataclass(frozen=True)
class DriveRecipe:
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
RECIPES = {name: SceneRecipe(name) for name in CAMERA_MOTIONS} | {
    "orbit": SceneRecipe("orbit", actors=_OTHERS),
    "follow_pan": SceneRecipe("follow_pan", actors=_FOLLOWED, large=0.4),
    "follow_travel": SceneRecipe("follow_travel", actors=_FOLLOWED, large=0.6),
    # A robot that stands still; the second's movers only before cameras that move.
    "lookout": SceneRecipe("still", actors=_FOLLOWED, large=0.3),
    "sentry": SceneRecipe(
        "still", (0.25, 0.5, 0.25), actors=dict.fromkeys(_UNFOLLOWED, 0.5), large=0.5
    ),
    "close_up": SceneRecipe(
        "follow_pan",
        (0, 0.8, 0.2),
        actors=_FOLLOWED,
        large=1.0,
        large_share=(0.3, 1.2),
        seen=(0.2, 0.7),
    ),
    "behind": SceneRecipe("walk", (0, 0.7, 0.3), behind=True),
    "thin": SceneRecipe("walk", (0, 0.6, 0.4), actors={"rods": 1.0}),
    "fast": SceneRecipe("shake", (0, 0.6, 0.4), speed=3.0),
    "pausing": SceneRecipe("walk", (0, 0.6, 0.4), pauses=1.0),
    "parallax_only": SceneRecipe("sideways", (1,), {"thicket": 0.7, "open_country": 0.3}),
    "corridor_drive": SceneRecipe("forward", (0.3, 0.5, 0.2), {"corridor": 1.0}),
    "crowd": SceneRecipe("walk", (0,) * 6 + (1, 1, 1, 1), actors={"person": 1.0}, distractors=8),
    "orbit_deforming": SceneRecipe("orbit", (0, 0.7, 0.3), actors=_DEFORMING),
    "followed_large": SceneRecipe(
        "follow_travel",
        (0, 0.8, 0.2),
        actors=dict.fromkeys(_UNFOLLOWED, 0.5),
        large=1.0,
        seen=(0.05, 0.4),
    ),
}
_ROADS = {"street": 0.36, "motorway": 0.24, "country_road": 0.24, "plain": 0.16}
DRIVES = {
    "road": DriveRecipe(ROAD, _ROADS),
    "road_turn": DriveRecipe(TURN, _ROADS),
    "indoor": DriveRecipe(INDOOR, {"hall": 1.0}, ON_FOOT),
    "car_ahead": DriveRecipe(
        AHEAD, {"tunnel": 0.5, "bridge": 0.5}, {"tanker": 1.0}, {"following": 1.0}, (0, 1)
    ),
}


def as_lifelike(recipe: SceneRecipe) -> SceneRecipe:
    """Return the distribution of a kind in lifelike scenes."""
    return replace(recipe, pauses=max(recipe.pauses, 0.12), planted=0.7)
