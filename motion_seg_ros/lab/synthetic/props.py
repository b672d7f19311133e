"""Props of a street scene, each of a few shapes: car, walker, robot, ball, tree, house.

Everything stands on the ground y = 0 when its path keeps y at the height given here.
"""

from __future__ import annotations

import numpy as np

from motion_seg_ros.lab.synthetic.scene import Body, Box, Cylinder, Ellipsoid, Material, Shape
from motion_seg_ros.lab.synthetic.textures import Colour, Texture
from motion_seg_ros.lab.synthetic.trajectory import Placement, Trajectory

CAR_HEIGHT_M = 0.65
ROBOT_HEIGHT_M = 0.35
BALL_RADIUS_M = 0.28
HIP_HEIGHT_M = 0.86
_ACROSS = Placement(pitch=np.pi / 2)
_DARK = Texture("speckle", ((36, 34, 34), (96, 90, 88)), cells=4, grain=0.2, size_px=64)
_STEP_S = 0.48
_SWING_RAD = 0.42


def car(paint: Colour, trajectory: Trajectory, instance: int, seed: int) -> Body:
    """Make a small car, 3.6 m along x, with a chequered band; origin CAR_HEIGHT_M above ground."""
    shade = _scaled(paint, 0.8)
    lacquer = Material(Texture("noise", (shade, paint), grain=0.1, seed=seed), 1.2)
    band = Material(Texture("checker", ((40, 40, 40), (235, 235, 235)), 4, 0.1, seed, 128), 0.56)
    glass = Material(Texture("facade", (shade, (150, 120, 90)), 2, 0.1, seed + 1), 0.98)
    wheels: tuple[Shape, ...] = tuple(
        Cylinder(0.32, 0.2, Material(_DARK, 0.5), _ACROSS._replace(x=x, y=0.33, z=z))
        for x in (-1.15, 1.15)
        for z in (-0.72, 0.72)
    )
    shapes = (
        Box((3.6, 0.6, 1.6), lacquer, Placement(y=0.1)),
        Box((3.62, 0.14, 1.62), band, Placement(y=0.08)),
        Box((1.96, 0.49, 1.4), glass, Placement(x=-0.15, y=-0.44)),
        Box((2.0, 0.05, 1.44), lacquer, Placement(x=-0.15, y=-0.7)),
        *wheels,
    )
    return Body(shapes, trajectory, instance, shadow_m=1.0)


def robot(paint: Colour, trajectory: Trajectory, instance: int, seed: int) -> Body:
    """Make a delivery robot, 0.8 m along x; its origin is ROBOT_HEIGHT_M above ground."""
    striped = Material(Texture("stripes", (paint, (240, 240, 240)), 3, 0.15, seed), 0.55)
    lid = Material(Texture("speckle", (_scaled(paint, 0.6), (245, 245, 245)), 4, 0.2, seed), 0.6)
    wheels: tuple[Shape, ...] = tuple(
        Cylinder(0.14, 0.1, Material(_DARK, 0.3), _ACROSS._replace(x=x, y=0.21, z=z))
        for x in (-0.27, 0.0, 0.27)
        for z in (-0.3, 0.3)
    )
    shapes = (
        Box((0.8, 0.4, 0.56), striped, Placement(y=-0.06)),
        Ellipsoid((0.36, 0.2, 0.26), lid, Placement(y=-0.26)),
        Cylinder(0.015, 0.6, Material(_DARK, 0.3), Placement(x=-0.34, y=-0.5)),
        Ellipsoid((0.05, 0.05, 0.05), lid, Placement(x=-0.34, y=-0.82)),
        *wheels,
    )
    return Body(shapes, trajectory, instance, shadow_m=0.4)


def ball(paint: Colour, trajectory: Trajectory, instance: int, seed: int) -> Body:
    """Make a beach ball; its origin is BALL_RADIUS_M above ground."""
    segments = Texture("stripes", (paint, (240, 240, 244)), 4, 0.25, seed)
    radii = (BALL_RADIUS_M,) * 3
    return Body((Ellipsoid(radii, Material(segments)),), trajectory, instance, BALL_RADIUS_M)


def walker(
    coat: Colour, hip: Trajectory, instance: int, seed: int, seconds: float = 0.0
) -> tuple[Body, ...]:
    """Make a person of several bodies that share an instance.

    Args:
        coat: colour of the coat.
        hip: path of the hip, HIP_HEIGHT_M above ground, in the plane of the image (along x).
        instance: 0 for one who stands.
        seed: of the textures.
        seconds: for how long the limbs swing; 0 for one who stands.
    """
    cloth = Material(Texture("checker", (_scaled(coat, 0.7), coat), 6, 0.4, seed), 0.5)
    denim = Material(Texture("noise", ((92, 60, 44), (150, 112, 86)), seed=seed + 1), 0.4)
    skin = Material(Texture("noise", ((110, 140, 190), (150, 180, 225)), seed=seed + 2), 0.4)
    hair = Material(Texture("noise", ((24, 34, 48), (52, 70, 96)), seed=seed + 3), 0.2)
    trunk: tuple[Shape, ...] = (
        Ellipsoid((0.2, 0.38, 0.15), cloth, Placement(y=-0.28)),
        Cylinder(0.05, 0.14, skin, Placement(y=-0.64)),
        Ellipsoid((0.105, 0.135, 0.105), skin, Placement(y=-0.76)),
        Ellipsoid((0.115, 0.1, 0.12), hair, Placement(y=-0.83, x=0.01)),
    )
    leg = (
        Cylinder(0.075, 0.82, denim, Placement(y=0.41)),
        Ellipsoid((0.14, 0.05, 0.07), hair, Placement(y=0.81, x=-0.05)),
    )
    arm = (Cylinder(0.05, 0.56, cloth, Placement(y=0.28)),)
    limbs = (
        (leg, Placement(z=-0.09), 1.0),
        (leg, Placement(z=0.09), -1.0),
        (arm, Placement(y=-0.52, z=-0.2), -0.8),
        (arm, Placement(y=-0.52, z=0.2), 0.8),
    )
    return (
        Body(trunk, hip, instance, shadow_m=0.22),
        *(
            Body(shapes, _swinging(hip, joint, sign, seconds), instance)
            for shapes, joint, sign in limbs
        ),
    )


def _swinging(hip: Trajectory, joint: Placement, sign: float, seconds: float) -> Trajectory:
    """Return the path of a limb hung at a joint, which swings to and fro with every step."""
    steps = int(np.ceil(seconds / _STEP_S))
    waypoints = []
    for step in range(steps + 1):
        time_s = step * _STEP_S
        base = hip.curve(time_s) + np.array(joint)
        swing = sign * _SWING_RAD * (-1) ** step if seconds > 0 else 0.0
        waypoints.append((time_s, Placement(*base)._replace(roll=swing)))
    return Trajectory.through(waypoints)


def tree(x: float, z: float, height_m: float, seed: int) -> Body:
    """Make a tree with a crown of three balls of leaves."""
    bark = Material(Texture("noise", ((50, 66, 88), (86, 112, 140)), seed=seed), 0.8)
    leaves = Material(Texture("grass", ((40, 92, 62), (92, 178, 138)), seed=seed + 1), 1.6)
    radius = 0.3 * height_m
    crown = (
        Ellipsoid((radius, 0.8 * radius, radius), leaves, Placement(y=-0.68 * height_m)),
        Ellipsoid((0.7 * radius,) * 3, leaves, Placement(x=-0.5 * radius, y=-0.55 * height_m)),
        Ellipsoid(
            (0.75 * radius,) * 3,
            leaves,
            Placement(x=0.45 * radius, y=-0.57 * height_m, z=-0.3 * radius),
        ),
    )
    trunk = Cylinder(0.035 * height_m, 0.6 * height_m, bark, Placement(y=-0.3 * height_m))
    return Body((trunk, *crown), Trajectory.still(Placement(x, 0, z)), shadow_m=radius)


def house(
    x: float, z: float, size_m: tuple[float, float, float], colour: Colour, seed: int
) -> Body:
    """Make a house with rows of windows and a dark cornice; width, height, depth."""
    front = Texture("facade", (colour, (128, 104, 84)), 4, 0.12, seed, 512)
    cornice = Material(Texture("noise", (_scaled(colour, 0.5), _scaled(colour, 0.7)), seed=seed), 2)
    width, height, depth = size_m
    return Body(
        (
            Box(size_m, Material(front, 8.0), Placement(x, -height / 2, z)),
            Box((width + 0.6, 0.5, depth + 0.6), cornice, Placement(x, -height, z)),
        )
    )


def post(x: float, z: float, radius_m: float, height_m: float, material: Material) -> Body:
    """Make a round post or column."""
    column = Cylinder(radius_m, height_m, material, Placement(y=-height_m / 2))
    return Body((column,), Trajectory.still(Placement(x, 0, z)), shadow_m=radius_m)


def _scaled(colour: Colour, factor: float) -> Colour:
    blue, green, red = (round(factor * channel) for channel in colour)
    return blue, green, red
