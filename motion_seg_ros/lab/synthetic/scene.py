"""Description of a scene: a camera, bodies of simple shapes, light and camera imperfections.

`renderer.Renderer` renders it, and `truth.GroundTruth` computes its exact motion.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from motion_seg_ros.errors import InputError
from motion_seg_ros.lab.synthetic.photograph import CutOut, Photograph
from motion_seg_ros.lab.synthetic.textures import Texture
from motion_seg_ros.lab.synthetic.trajectory import (
    AT_ORIGIN,
    ORIGIN,
    Array,
    MonotoneCurve,
    Path,
    Placement,
    Trajectory,
)

Outline = Literal["rectangle", "ellipse", "figure", "bush", "star"]


@dataclass(frozen=True)
class Stir:
    """Motion of a texture over a surface that stays where it is: flowing, rippling water.

    Attributes:
        drift: tiles per second along u and v.
        amplitude: of waves that shift the texture along u and v, in tiles.
        waves: number of waves over a tile, along v for the shift along u and the other way round.
        frequency_hz: waves that pass a point in a second.
        wobble_px: amplitude of the same waves in the mirror image, in pixels.
    """

    drift: tuple[float, float] = (0.0, 0.0)
    amplitude: tuple[float, float] = (0.0, 0.0)
    waves: tuple[float, float] = (1.0, 1.0)
    frequency_hz: float = 0.5
    wobble_px: float = 0.0

    def shift(self, u: Array, v: Array, time_s: float) -> tuple[Array, Array]:
        """Return the waves' shifts at points in tiles, -1 to 1."""
        turns = self.frequency_hz * time_s
        across = np.sin(2 * np.pi * (self.waves[0] * v - turns))
        return across, np.sin(2 * np.pi * (self.waves[1] * u + across / 5 - 1.3 * turns))

    def moved(self, u: Array, v: Array, time_s: float) -> tuple[Array, Array]:
        """Return where in the texture points in tiles are at a time."""
        across, along = self.shift(u, v, time_s)
        return (
            u + self.drift[0] * time_s + self.amplitude[0] * across,
            v + self.drift[1] * time_s + self.amplitude[1] * along,
        )


@dataclass(frozen=True)
class Material:
    """Appearance of a surface.

    Attributes:
        texture: laid over the surface.
        tile_m: side of a tile in metres; None stretches one over the surface.
        reflectance: share of the mirror image of everything above the ground; for surfaces in the
            plane y = 0 only.
        stir: motion of the texture; None: it sticks to the surface.
    """

    texture: Texture | Photograph | CutOut
    tile_m: float | None = None
    reflectance: float = 0.0
    stir: Stir | None = None


@dataclass(frozen=True)
class Ripple:
    """Waves over a panel within its plane that carry its texture and its outline along.

    With a, b in [0, 1] over the panel at rest, a point moves to
    u = a + amplitude[0] sin(2 pi (waves[0] b - turns)), v = b + amplitude[1] sin(2 pi (waves[1] u -
    turns)), turns = frequency_hz t + phase: two shears, which can be undone exactly.

    Attributes:
        amplitude: as shares of the panel's width and height.
        waves: number of waves along the panel's height, which shift it in width, and along its
            width, which shift it in height.
        frequency_hz: waves that pass a point in a second.
        phase: in turns.
    """

    amplitude: tuple[float, float]
    waves: tuple[float, float]
    frequency_hz: float
    phase: float = 0.0

    def moved(self, a: Array, b: Array, time_s: float) -> tuple[Array, Array]:
        """Apply the waves of a time to points of the panel at rest."""
        u = a + self._shift(0, b, time_s)
        return u, b + self._shift(1, u, time_s)

    def at_rest(self, u: Array, v: Array, time_s: float) -> tuple[Array, Array]:
        """Undo the waves of a time at (u, v)."""
        b = v - self._shift(1, u, time_s)
        return u - self._shift(0, b, time_s), b

    def _shift(self, axis: int, along: Array, time_s: float) -> Array:
        turns = self.waves[axis] * along - (self.frequency_hz * time_s + self.phase)
        return np.asarray(self.amplitude[axis] * np.sin(2 * np.pi * turns))


@dataclass(frozen=True)
class Panel:
    """Flat piece of the plane z = 0, centred, visible from both sides, cut along an outline.

    Attributes:
        size_m: width (x) and height (y).
        material: its appearance.
        outline: the cut; all of them but those of pictures touch the bounding rectangle.
        placement: its pose in the body.
        ripple: waves that run over it; of the static world these are water and leaves in the wind.
    """

    size_m: tuple[float, float]
    material: Material
    outline: Outline | CutOut = "rectangle"
    placement: Placement = ORIGIN
    ripple: Ripple | None = None


@dataclass(frozen=True)
class Box:
    """Solid box, centred; extents along x, y and z in metres."""

    size_m: tuple[float, float, float]
    material: Material
    placement: Placement = ORIGIN


@dataclass(frozen=True)
class Ellipsoid:
    """Solid ellipsoid, centred; radii along x, y, z in metres; the texture's v runs along y."""

    radii_m: tuple[float, float, float]
    material: Material
    placement: Placement = ORIGIN


@dataclass(frozen=True)
class Cylinder:
    """Solid round cylinder, centred, its axis along y; radius and height in metres."""

    radius_m: float
    height_m: float
    material: Material
    placement: Placement = ORIGIN


Shape = Panel | Box | Ellipsoid | Cylinder


@dataclass(frozen=True)
class Body:
    """Rigid group of shapes.

    Attributes:
        shapes: its parts, in the body's coordinates.
        trajectory: the body's pose in the world over time.
        instance: 0 for the static world, k >= 1 for mover k. Bodies may share one (wheels and car).
        shadow_m: radius of the soft shadow on the ground below its origin; 0 for none.
        name: of a static thing that is easily taken for a mover, to be scored by itself.
    """

    shapes: tuple[Shape, ...]
    trajectory: Path = AT_ORIGIN
    instance: int = 0
    shadow_m: float = 0.0
    name: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.instance <= np.iinfo(np.uint16).max:
            raise InputError(f"instance: expected 0 to 65535, found {self.instance}; number from 1")
        if self.instance == 0 and not self.trajectory.is_still:
            raise InputError(
                "body: expected a static one (instance 0) to stand still, found one with a path; "
                "give it an instance from 1"
            )


@dataclass(frozen=True)
class Camera:
    """Pinhole camera without distortion.

    Attributes:
        width, height: of the image in pixels.
        fov_deg: horizontal field of view at zoom 1.
        trajectory: camera -> world over time.
        zoom: factor on the focal length over time, one channel; None for 1.
    """

    width: int
    height: int
    fov_deg: float = 60.0
    trajectory: Trajectory = AT_ORIGIN
    zoom: MonotoneCurve | None = None

    def __post_init__(self) -> None:
        if not (0 < self.fov_deg < 180 and 1 < self.width < 16384 and 1 < self.height < 16384):
            raise InputError(
                "camera: expected 2 to 16383 pixels a side and a field of view in 0 to 180 deg, "
                f"found {self.width}x{self.height}, {self.fov_deg}; try 640x480 and 60"
            )

    def matrix(self, time_s: float) -> npt.NDArray[np.float64]:
        """Return the intrinsics (3, 3) in pixels; the centre of the top-left pixel is (0, 0)."""
        focal = 0.5 * self.width / np.tan(np.radians(self.fov_deg) / 2)
        if self.zoom is not None:
            focal *= float(self.zoom(time_s)[0])
        centre_x, centre_y = (self.width - 1) / 2, (self.height - 1) / 2
        return np.array([[focal, 0.0, centre_x], [0.0, focal, centre_y], [0.0, 0.0, 1.0]])


@dataclass(frozen=True)
class Dapple:
    """Soft shadows that move over everything: of clouds, or of leaves in the wind.

    Attributes:
        tile_m: side of the square after which they repeat.
        drift_m_s: metres per second along x and z.
        sway_m: amplitude of their to and fro along x.
        sway_hz: of it.
        strength: share of the light that the darkest take.
        seed: of their pattern.
    """

    tile_m: float
    drift_m_s: tuple[float, float] = (0.0, 0.0)
    sway_m: float = 0.0
    sway_hz: float = 0.5
    strength: float = 0.4
    seed: int = 0


@dataclass(frozen=True)
class Puff:
    """Cloud of smoke, steam or dust: a soft, see-through ball that drifts and grows.

    In the ground truth a pixel shows what is behind it.

    Attributes:
        centre_m: x, y, z at time 0.
        drift_m_s: of the centre.
        radius_m: at time 0.
        growth_m_s: of the radius.
        opacity: share of what is behind that the middle hides, 0 to 1.
        colour_bgr: of the smoke.
        seed: of its shape.
    """

    centre_m: tuple[float, float, float]
    drift_m_s: tuple[float, float, float]
    radius_m: float
    growth_m_s: float
    opacity: float
    colour_bgr: tuple[int, int, int]
    seed: int = 0


@dataclass(frozen=True)
class Light:
    """Sunlight and skylight.

    Attributes:
        towards: direction from the scene to the sun (world axes, any length; up is negative y).
        ambient: brightness of a surface turned away from the sun.
        direct: brightness added by the sun at normal incidence.
        shadow: share of the light missing at the centre of a shadow.
        penumbra: width of a shadow's soft rim as a share of the body's shadow radius.
        dapple: shadows of what is not in the scene; None: there are none.
    """

    towards: tuple[float, float, float] = (-0.45, -0.8, -0.6)
    ambient: float = 0.55
    direct: float = 0.55
    shadow: float = 0.45
    penumbra: float = 0.65
    dapple: Dapple | None = None

    @property
    def direction(self) -> npt.NDArray[np.float64]:
        """Return the unit vector (3,) to the sun, world axes."""
        return np.asarray(np.array(self.towards) / np.linalg.norm(self.towards))


@dataclass(frozen=True)
class Nuisances:
    """Imperfections of a real camera; all off by default.

    Attributes:
        noise_sigma: standard deviation of the sensor noise, in grey levels.
        flicker: standard deviation of each frame's brightness factor.
        shutter_s: exposure time, centred on the frame's own, that causes motion blur.
        gain: factor on the brightness over time, one channel; None for 1.
        jpeg_quality: 1 to 100; None for no compression.
        readout_s: time from the first row to the last of a rolling shutter, the middle row's being
            the frame's own.
        smear_s: exposure time whose motion blur is approximated from the motion at each pixel,
            which takes a tenth of the time of the exact one (`shutter_s`).
    """

    noise_sigma: float = 0.0
    flicker: float = 0.0
    shutter_s: float = 0.0
    gain: MonotoneCurve | None = None
    jpeg_quality: int | None = None
    readout_s: float = 0.0
    smear_s: float = 0.0


@dataclass(frozen=True)
class Scene:
    """Complete description of a clip.

    Attributes:
        name: of the clip.
        camera: the moving camera.
        bodies: its content in any order.
        frames: number of frames, at time index / fps.
        fps: frames per second.
        sky: panorama at infinity behind everything.
        light: sun and sky light.
        nuisances: the camera's imperfections.
        smoke: clouds of smoke, in any order.
        seed: of the sensor noise and the flicker.
    """

    name: str
    camera: Camera
    bodies: tuple[Body, ...]
    frames: int = 32
    fps: float = 15.0
    sky: Texture | Photograph = field(
        default_factory=lambda: Texture("sky", ((214, 150, 92), (240, 232, 222)), size_px=512)
    )
    light: Light = Light()
    nuisances: Nuisances = Nuisances()
    smoke: tuple[Puff, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        if self.frames < 1 or not self.fps > 0:
            raise InputError(
                f"scene {self.name}: expected at least one frame and a frame rate above 0, "
                f"found {self.frames} at {self.fps}; try 32 at 15"
            )

    def time_s(self, index: int) -> float:
        """Return the time of a frame in seconds.

        Raises:
            InputError: the clip has no such frame.
        """
        if not 0 <= index < self.frames:
            raise InputError(
                f"frame of scene {self.name}: expected 0 to {self.frames - 1}, found {index}; "
                "make the scene with more frames"
            )
        return index / self.fps
