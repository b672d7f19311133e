"""Data types of the pipeline: Frame -> Tracks -> TrackLabels -> ObjectMasks -> FrameResult.

All are frozen and validated once, when they are constructed; the stages trust them. Arrays are held
as read-only views: no stage can change what another one reads, while their owner still can. Pixel
coordinates are x right, y down, and the centre of the top-left pixel is (0, 0). Letters: T frames
of the window, N tracks, H and W the image's height and width.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from motion_seg_ros.camera import Camera
from motion_seg_ros.errors import FrameError

UInt8Array = npt.NDArray[np.uint8]
UInt16Array = npt.NDArray[np.uint16]
Int64Array = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float32]
Float16Array = npt.NDArray[np.float16]
BoolArray = npt.NDArray[np.bool_]

MOVING_PROBABILITY = 0.5
"""Probability above which a track counts as moving, unless its labeller sets a threshold."""


def _freeze(owner: object, *names: str) -> None:
    """Replace the arrays of a frozen dataclass by read-only views."""
    for name in names:
        view = getattr(owner, name).view()
        view.flags.writeable = False
        object.__setattr__(owner, name, view)


def _check_arrays(owner: object, expected: Mapping[str, tuple[tuple[int, ...], type]]) -> None:
    """Check shapes and dtypes of the arrays of a dataclass.

    Raises:
        ValueError: one of them is another; the message names it, what was expected and found.
    """
    for name, (shape, dtype) in expected.items():
        found = getattr(owner, name)
        if found.shape != shape or found.dtype != dtype:
            raise ValueError(
                f"{type(owner).__name__}.{name}: expected {shape} {np.dtype(dtype)}, found "
                f"{found.shape} {found.dtype}"
            )


@dataclass(frozen=True, eq=False)
class Frame:
    """One camera image with its time.

    Attributes:
        image_bgr: (H, W, 3) uint8, blue, green, red.
        stamp_ns: time of exposure in nanoseconds, not negative; any epoch.
        depth_m: (H, W) float32 metres along the optical axis, NaN where unknown; None without a
            depth source.
        camera: intrinsics for images of this size; None where the camera is not calibrated.
        value_range: values of the camera that `image_bgr` shows as 0 and 255; None where it has 8
            bits itself.

    Raises:
        FrameError: a shape, dtype or value is not as above.
    """

    image_bgr: UInt8Array
    stamp_ns: int
    depth_m: FloatArray | None = None
    camera: Camera | None = None
    value_range: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        image = self.image_bgr
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise FrameError(
                f"image: expected (H, W, 3) uint8, found {image.shape} {image.dtype}; "
                "convert it to bgr8"
            )
        if 0 in image.shape:
            raise FrameError(
                f"image: expected at least one pixel, found {image.shape[1]}x{image.shape[0]}"
            )
        if self.stamp_ns < 0:
            raise FrameError(f"stamp: expected nanoseconds >= 0, found {self.stamp_ns}")
        _freeze(self, "image_bgr")
        if self.depth_m is not None:
            if self.depth_m.shape != image.shape[:2] or self.depth_m.dtype != np.float32:
                raise FrameError(
                    f"depth: expected {image.shape[:2]} float32 like the image, found "
                    f"{self.depth_m.shape} {self.depth_m.dtype}; register it to the camera"
                )
            _freeze(self, "depth_m")
        if self.camera is not None and self.camera.size != self.size:
            (rows, columns), (height, width) = self.size, self.camera.size
            raise FrameError(
                f"camera: expected one for images of {columns}x{rows} like this, found one for "
                f"{width}x{height}; calibrate at this size, or leave it out"
            )

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        height, width = self.image_bgr.shape[:2]
        return height, width


@dataclass(frozen=True, eq=False)
class RawTracks:
    """Outputs of a tracking network, before thresholds.

    Attributes:
        xy_px: (T, N, 2) float32 positions at full image resolution, of hidden points too, inside
            the image or not; in a point's query frame the query point.
        occlusion: (T, N) float32 logits of being hidden; +inf where the network has not been run.
        expected_distance: (T, N) float32 logits of being far off the true position; +inf likewise.

    Raises:
        ValueError: a shape or dtype is not as above.
    """

    xy_px: FloatArray
    occlusion: FloatArray
    expected_distance: FloatArray

    def __post_init__(self) -> None:
        shape = self.occlusion.shape
        if len(shape) != 2:
            raise ValueError(f"RawTracks.occlusion: expected (T, N), found {shape}")
        _check_arrays(
            self,
            {
                "xy_px": ((*shape, 2), np.float32),
                "occlusion": (shape, np.float32),
                "expected_distance": (shape, np.float32),
            },
        )
        _freeze(self, "xy_px", "occlusion", "expected_distance")


@dataclass(frozen=True, eq=False)
class Tracks:
    """Long-range point tracks over the frames of a window, the newest frame last.

    Attributes:
        ids: (N,) int64, ascending, stable over a track's life and never used again within a stream.
        xy_px: (T, N, 2) float32 positions at full image resolution; where a track is not visible,
            its last known one.
        visible: (T, N) bool.
        confidence: (T, N) float32 in [0, 1], trust in the position; 0 where the track is not
            visible.
        query_frame: (N,) int64 index into T of the frame in which the track was seeded (0 for older
            ones).
        raw: outputs of the tracker's network for the same points; None from trackers without one.

    Raises:
        ValueError: a shape or dtype is not as above.
    """

    ids: Int64Array
    xy_px: FloatArray
    visible: BoolArray
    confidence: FloatArray
    query_frame: Int64Array
    raw: RawTracks | None = None

    def __post_init__(self) -> None:
        if self.visible.ndim != 2:
            raise ValueError(f"Tracks.visible: expected (T, N), found {self.visible.shape}")
        frames, count = self.visible.shape
        _check_arrays(
            self,
            {
                "ids": ((count,), np.int64),
                "xy_px": ((frames, count, 2), np.float32),
                "visible": ((frames, count), np.bool_),
                "confidence": ((frames, count), np.float32),
                "query_frame": ((count,), np.int64),
            },
        )
        if self.raw is not None and self.raw.xy_px.shape != (frames, count, 2):
            raise ValueError(
                f"Tracks.raw: expected {(frames, count, 2)}, found {self.raw.xy_px.shape}"
            )
        _freeze(self, "ids", "xy_px", "visible", "confidence", "query_frame")

    def __len__(self) -> int:
        return int(self.ids.shape[0])

    @classmethod
    def empty(cls, frames: int) -> Tracks:
        """Return no tracks, over a window of `frames` frames."""
        return cls(
            ids=np.zeros(0, np.int64),
            xy_px=np.zeros((frames, 0, 2), np.float32),
            visible=np.zeros((frames, 0), bool),
            confidence=np.zeros((frames, 0), np.float32),
            query_frame=np.zeros(0, np.int64),
        )


@dataclass(frozen=True, eq=False)
class TrackLabels:
    """Moving probabilities of tracks.

    Attributes:
        moving_probability: (N,) float32 in [0, 1]; NaN for tracks without a label.
        abstention: reason why the camera's own motion, and so that of any track, could not be
            determined; every probability is then NaN. None when it could be.
        threshold: probability in (0, 1) above which a track counts as moving.

    Raises:
        ValueError: a shape, dtype or value is not as above.
    """

    moving_probability: FloatArray
    abstention: str | None = None
    threshold: float = MOVING_PROBABILITY

    def __post_init__(self) -> None:
        found = self.moving_probability
        if found.ndim != 1 or found.dtype != np.float32:
            raise ValueError(
                "TrackLabels.moving_probability: expected (N,) float32, found "
                f"{found.shape} {found.dtype}"
            )
        wrong = (found < 0) | (found > 1)
        if wrong.any():
            raise ValueError(
                "TrackLabels.moving_probability: expected values in [0, 1] or NaN, found "
                f"{found[wrong][0]}"
            )
        if self.abstention is not None and not np.isnan(found).all():
            raise ValueError(
                "TrackLabels.moving_probability: expected NaN throughout with the abstention "
                f"'{self.abstention}', found {found[~np.isnan(found)][0]}"
            )
        if not 0 < self.threshold < 1:
            raise ValueError(f"TrackLabels.threshold: expected in (0, 1), found {self.threshold}")
        _freeze(self, "moving_probability")

    @property
    def moving(self) -> BoolArray:
        """Mask (N,) of the moving tracks; False for tracks without a label."""
        return np.asarray(self.moving_probability > self.threshold, bool)

    @property
    def log_odds(self) -> FloatArray:
        """Log-odds (N,) float32 of moving less those of the threshold; NaN without a label."""
        chance = np.clip(self.moving_probability, 1e-4, 1 - 1e-4)
        even = np.log(self.threshold / (1 - self.threshold))
        return np.asarray(np.log(chance / (1 - chance)) - even, np.float32)

    @classmethod
    def abstain(cls, count: int, reason: str) -> TrackLabels:
        """Return `count` unknown labels, with the reason."""
        return cls(np.full(count, np.nan, np.float32), reason)


@dataclass(frozen=True)
class MovingObject:
    """One moving object in one frame.

    Attributes:
        id: its value in the id map, 1 to 65535, stable over time; after 65535 ids start again at
            1, without those still in use.
        score: probability that it moves, in [0, 1].
        box_xywh_px: tightest upright box, x, y of its top-left pixel, width, height.
        centroid_px: mean x, y of its pixels.
        area_px: number of its pixels.
        velocity_px_s: image velocity of the centroid; NaN while unknown.
    """

    id: int
    score: float
    box_xywh_px: tuple[int, int, int, int]
    centroid_px: tuple[float, float]
    area_px: int
    velocity_px_s: tuple[float, float] = (float("nan"), float("nan"))


@dataclass(frozen=True, eq=False)
class ObjectMasks:
    """The moving pixels of one frame, split per object.

    Attributes:
        id_map: (H, W) uint16, 0 = static, k = the object with id k.
        objects: the objects present in id_map, sorted by id.
    """

    id_map: UInt16Array
    objects: tuple[MovingObject, ...] = ()

    def __post_init__(self) -> None:
        if self.id_map.ndim != 2 or self.id_map.dtype != np.uint16:
            raise ValueError(
                f"ObjectMasks.id_map: expected (H, W) uint16, found {self.id_map.shape} "
                f"{self.id_map.dtype}"
            )
        _freeze(self, "id_map")

    @property
    def moving(self) -> BoolArray:
        """Mask (H, W) of all moving pixels."""
        moving: BoolArray = self.id_map != 0
        return moving

    @classmethod
    def empty(cls, size: tuple[int, int]) -> ObjectMasks:
        """Return the masks of a frame of `size` = (H, W) in which nothing moves."""
        return cls(np.zeros(size, np.uint16))


class Source(enum.IntEnum):
    """Origin of the masks of a frame; the values are those of MovingObject.msg."""

    INFERRED = 0
    PROPAGATED = 1


@dataclass(frozen=True)
class Discovery:
    """Statistics of one search for new objects that ran in the background.

    Attributes:
        lag_s: stamp of the frame in which its result joined the stream minus that of the newest
            frame it has seen, in seconds.
        duration_ms: wall time from start to end, in milliseconds.
        stage_ms: wall time of each of its stages in milliseconds, in the order they ran.
        found: new objects that joined.
        too_late: new objects that did not, because the frames they were found in had left the
            segmenter's memory by then.
    """

    lag_s: float
    duration_ms: float
    stage_ms: Mapping[str, float]
    found: int
    too_late: int


@dataclass(frozen=True, eq=False)
class CameraMotion:
    """Motion of the camera over a window of T frames, the newest last.

    What stands still at p in the axes of the newest frame (x right, y down, z forward) is at
    linear[k] p + translation[k] in those of frame k.

    Attributes:
        linear: (T, 3, 3) float64 rotations; homographies, of which they are the nearest rotations,
            where the camera was not seen to travel.
        translation: (T, 3) float64, in metres or, without a depth sensor, in a unit of this window.
        known: (T,) bool, False in frames without an answer, and in the newest.
        rigid: the camera was seen to travel; else `translation` is 0.
        metric: lengths are in metres.
    """

    linear: npt.NDArray[np.float64]
    translation: npt.NDArray[np.float64]
    known: BoolArray
    rigid: bool
    metric: bool


@dataclass(frozen=True, eq=False)
class FrameResult:
    """Result of the pipeline for one frame.

    Masks and tracks have ages of their own. Where discovery runs in the background, the masks of a
    frame are inferred from that very frame, by a segmenter that remembers the objects: their age is
    0. The tracks and labels are the last ones known, of an earlier frame; and what began to move
    since that frame is not in the masks yet.

    Attributes:
        frame: the input frame.
        masks: its moving pixels, of the frame's size.
        tracks: the tracks over a window that ends `tracks_age_s` before this frame: at this frame,
            at the last inferred one for a propagated result, or at the last one that a background
            discovery has seen (empty before the first).
        labels: one probability for each of `tracks`.
        source: of the masks: inferred from this frame, or propagated from an earlier one.
        age_s: of the masks: this frame's stamp minus that of the frame they were inferred from, in
            seconds, not negative; 0 when inferred, and of a late frame, which is older.
        tracks_age_s: of `tracks` and `labels`: this frame's stamp minus that of the newest frame
            of `tracks`, in seconds, not negative; 0 where this frame is older.
        stage_ms: wall time of each stage in milliseconds, in the order they ran; for those in the
            background see `discovery`.
        reset_reason: reason why the window was started anew at this frame; None when it was not.
        discovery: the background discovery whose result joined at this frame; None if none did.
        camera_motion: over the window that ends with this frame; None where the frame is in no
            window, or `tracks` are older.

    Raises:
        ValueError: masks of another size than the frame's, labels of another number than that of
            the tracks, or a negative age.
    """

    frame: Frame
    masks: ObjectMasks
    tracks: Tracks
    labels: TrackLabels
    source: Source = Source.INFERRED
    age_s: float = 0.0
    stage_ms: Mapping[str, float] = field(default_factory=dict)
    reset_reason: str | None = None
    tracks_age_s: float = 0.0
    discovery: Discovery | None = None
    camera_motion: CameraMotion | None = None

    def __post_init__(self) -> None:
        if self.masks.id_map.shape != self.frame.size:
            raise ValueError(
                f"FrameResult.masks: expected (H, W) = {self.frame.size} like the frame, found "
                f"{self.masks.id_map.shape}"
            )
        labels = len(self.labels.moving_probability)
        if labels != len(self.tracks):
            raise ValueError(
                f"FrameResult.labels: expected one for each of {len(self.tracks)} tracks, found "
                f"{labels}"
            )
        for name in ("age_s", "tracks_age_s"):
            if not getattr(self, name) >= 0:
                raise ValueError(
                    f"FrameResult.{name}: expected seconds >= 0, found {getattr(self, name)}"
                )

    @property
    def tracks_source(self) -> Source:
        """INFERRED if `tracks` were measured in this frame, PROPAGATED if in an earlier one."""
        measured = self.source is Source.INFERRED and self.tracks_age_s == 0
        return Source.INFERRED if measured else Source.PROPAGATED

    def track_object_ids(self) -> UInt16Array:
        """Return the id (N,) uint16 of the object under each track's newest position; 0 = none, or
        not visible."""
        height, width = self.masks.id_map.shape
        xy = np.rint(self.tracks.xy_px[-1]).astype(np.int64)
        inside = (
            (xy >= 0).all(axis=1)
            & (xy[:, 0] < width)
            & (xy[:, 1] < height)
            & self.tracks.visible[-1]
        )
        ids = np.zeros(len(self.tracks), np.uint16)
        ids[inside] = self.masks.id_map[xy[inside, 1], xy[inside, 0]]
        return ids
