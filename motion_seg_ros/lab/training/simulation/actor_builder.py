"""Builder of the bodies of an actor: limbs that swing, wheels that roll."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from motion_seg_ros.lab.synthetic.scene import Body, Ellipsoid, Material, Shape
from motion_seg_ros.lab.synthetic.trajectory import Array, Linked, Path, Placement, Trajectory
from motion_seg_ros.lab.training.simulation.materials import material
from motion_seg_ros.lab.training.simulation.random_motion import (
    FPS,
    Rng,
    log_uniform,
    placements,
    trajectory,
)


@dataclass(frozen=True)
class Gait:
    """Motion of an actor's parts.

    Attributes:
        frames: of the clip.
        frequency_hz: of the steps.
        swing_rad: largest angle of limbs to their rest.
        rolling_m: (frames,) distance covered, for wheels; None where nothing rolls.
        steps: (frames,) steps taken, in turns of the limbs; None: as many as the time.
    """

    frames: int
    frequency_hz: float
    swing_rad: float
    rolling_m: Array | None = None
    steps: Array | None = None


@dataclass(frozen=True)
class ActorBuilder:
    """Builds the bodies of one actor.

    Attributes:
        rng: source of randomness.
        height_m: of the actor.
        path: of the actor; it stands on y = 0 of its own coordinates and faces along x.
        gait: None for one that stands still.
        instance: 0 for the static world.
    """

    rng: Rng
    height_m: float
    path: Path
    gait: Gait | None
    instance: int

    def body(self, *shapes: Shape, path: Path | None = None, shadow_m: float = 0.0) -> Body:
        """Make a body on `path`, by default the actor's own."""
        return Body(shapes, self.path if path is None else path, self.instance, shadow_m)

    def attached(self, **placement: float) -> Path:
        """Return the path of a part at a fixed placement in the actor's coordinates."""
        return Linked(self.path, Trajectory.still(Placement(**placement)))

    def material(self) -> Material:
        """Draw a material with tiles of 0.1 to 0.7 heights."""
        return material(self.rng, self.height_m * log_uniform(self.rng, 0.1, 0.7))

    def limb(
        self,
        whole: Path,
        joint: tuple[float, float, float],
        size: tuple[float, float],
        rest: tuple[float, float, float],
        swing: tuple[float, float, float],
        phase: float,
        look: Material,
    ) -> tuple[Body, Path]:
        """Make a limb that hangs from a joint; return it and the path of its joint.

        Args:
            whole: path of the part it hangs on.
            joint: x, y, z in the whole's coordinates; like the size in shares of the height.
            size: length and half thickness.
            rest: yaw, pitch and roll about which it swings.
            swing: share of the gait's swing for each of them.
            phase: of the swing in turns.
            look: its material.
        """
        at = self.height_m * np.array(joint)
        length, thickness = self.height_m * size[0], self.height_m * size[1]
        gait = self.gait or Gait(1, 0.0, float(self.rng.uniform(0, 0.5)))
        turns = gait.frequency_hz / FPS * np.arange(gait.frames) + phase
        if gait.steps is not None:
            turns = gait.steps + phase
        angles = (
            np.array(rest) + gait.swing_rad * np.array(swing) * np.sin(2 * np.pi * turns)[:, None]
        )
        channels = placements(np.tile(at, (gait.frames, 1)), tuple(angles.T))
        path = Linked(whole, trajectory(channels))
        ellipsoid = Ellipsoid(
            (thickness, 0.55 * length, thickness), look, Placement(y=0.5 * length)
        )
        return self.body(ellipsoid, path=path), path

    def wheels(
        self, radius: float, width: float, hubs: Iterable[tuple[float, float]], look: Material
    ) -> list[Body]:
        """Make wheels that roll as the actor goes, with hubs at (x, z)."""
        gait = self.gait
        rolled = np.zeros(1) if gait is None or gait.rolling_m is None else gait.rolling_m
        bodies = []
        for x, z in hubs:
            hub = np.tile([x, -radius, z], (len(rolled), 1))
            turning = trajectory(placements(hub, (0.0, 0.0, rolled / radius)))
            wheel = Ellipsoid((radius, radius, width), look)
            bodies.append(self.body(wheel, path=Linked(self.path, turning)))
        return bodies
