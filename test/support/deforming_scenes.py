"""Scenes of a mover that ripples, stretches or swings."""

from __future__ import annotations

import numpy as np

from motion_seg_ros.lab.synthetic.scene import (
    Body,
    Box,
    Camera,
    Ellipsoid,
    Material,
    Panel,
    Ripple,
    Scene,
)
from motion_seg_ros.lab.synthetic.textures import Texture
from motion_seg_ros.lab.synthetic.trajectory import (
    Linked,
    MonotoneCurve,
    Placement,
    Stretched,
    Trajectory,
)

SOFT = Material(Texture("stains", ((30, 60, 90), (220, 200, 180)), seed=3), 1.5)
WIDTH, HEIGHT = 160, 120
FOCAL = 80 / np.tan(np.radians(30))
RIPPLE = Ripple((0.06, 0.1), (1.3, 0.8), 0.7, 0.2)


def scene_of(*bodies, path=None, frames=16, **more):
    """A scene before a camera of 60 degrees."""
    camera = Camera(WIDTH, HEIGHT, 60.0, path or Trajectory.still())
    return Scene("test", camera, bodies, frames, 15.0, **more)


def flag(instance=1, ripple=RIPPLE, outline="rectangle"):
    """A panel that waves run over."""
    panel = Panel((2.0, 1.6), SOFT, outline, ripple=ripple)
    return Body((panel,), Trajectory.still(Placement(z=3.0)), instance)


def jelly():
    """A ball that is stretched and turned."""
    stretch = MonotoneCurve((0.0, 1.0), ((1.0, 1.0, 1.0, 0.0), (1.5, 0.7, 1.2, 0.4)))
    ball = Ellipsoid((0.6, 0.8, 0.5), SOFT)
    path = Trajectory.through([(0.0, Placement(z=3.0)), (1.0, Placement(0.3, 0.1, 3.2, yaw=0.3))])
    return Body((ball,), Stretched(path, stretch), 1)


def leaning_box():
    """A box that is sheared."""
    stretch = MonotoneCurve((0.0, 1.0), ((1.0, 1.0, 1.0, 0.0), (1.3, 0.8, 0.9, 0.5)))
    box = Box((0.9, 1.2, 0.7), SOFT)
    return Body((box,), Stretched(Trajectory.still(Placement(z=3.0, yaw=0.5)), stretch), 1)


def limb():
    """An ellipsoid that swings from a moving joint."""
    whole = Trajectory.through([(0.0, Placement(-0.4, 0, 3.0)), (1.0, Placement(0.4, 0, 3.0))])
    part = Trajectory.through([(0.0, Placement(y=-0.4)), (1.0, Placement(y=-0.4, roll=1.2))])
    return Body((Ellipsoid((0.2, 0.7, 0.2), SOFT, Placement(y=0.5)),), Linked(whole, part), 1)
