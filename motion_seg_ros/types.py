"""What flows through the pipeline: Frame -> Tracks -> TrackLabels -> ObjectMasks -> FrameResult.

All are frozen and checked once, where they enter; the stages trust them. Pixel coordinates are x
right, y down, and the centre of the top-left pixel is (0, 0). Letters: T frames of the window, N
tracks, H and W the image's height and width.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from motion_seg_ros.errors import FrameError

UInt8Array = npt.NDArray[np.uint8]
UInt16Array = npt.NDArray[np.uint16]
Int64Array = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]

MOVING_PROBABILITY = 0.5
"""A track is taken to move above this probability, unless its labeller says another."""


def _frozen_view(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """A read-only view: no stage can change what another one reads, while the owner still can."""
    view = array.view()
    view.flags.writeable = False
    return view


@dataclass(frozen=True, eq=False)
class Frame:
    """One camera image with its time.

    Attributes:
        image_bgr: (H, W, 3) uint8, blue, green, red.
        stamp_ns: time of exposure in nanoseconds, not negative; any epoch.
        depth_m: (H, W) float32 metres along the optical axis, NaN where unknown; None without a
            depth source.
        camera_matrix: (3, 3) float64 pinhole intrinsics in pixels, or None where the camera is not
            calibrated.

    Raises:
        FrameError: a shape, dtype or value is not as above.
    """

    image_bgr: UInt8Array
    stamp_ns: int
    depth_m: FloatArray | None = None
    camera_matrix: npt.NDArray[np.float64] | None = None

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
        object.__setattr__(self, "image_bgr", _frozen_view(image))
        if self.depth_m is not None:
            if self.depth_m.shape != image.shape[:2] or self.depth_m.dtype != np.float32:
                raise FrameError(
                    f"depth: expected {image.shape[:2]} float32 like the image, found "
                    f"{self.depth_m.shape} {self.depth_m.dtype}; register it to the camera"
                )
            object.__setattr__(self, "depth_m", _frozen_view(self.depth_m))

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        height, width = self.image_bgr.shape[:2]
        return height, width


@dataclass(frozen=True, eq=False)
class RawTracks:
    """What a tracking network says of points before any of it is decided.

    Attributes:
        xy_px: (T, N, 2) float32 positions at full image resolution, of hidden points too, inside
            the image or not; in a point's query frame the query point.
        occlusion: (T, N) float32 logits of being hidden; +inf where the network was not asked.
        expected_distance: (T, N) float32 logits of being far off the true position; +inf likewise.
    """

    xy_px: FloatArray
    occlusion: FloatArray
    expected_distance: FloatArray


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
        raw: what the tracker's network said of the same points; None from trackers without one.
    """

    ids: Int64Array
    xy_px: FloatArray
    visible: BoolArray
    confidence: FloatArray
    query_frame: Int64Array
    raw: RawTracks | None = None

    def __post_init__(self) -> None:
        frames, count = self.visible.shape
        shapes = {
            "ids": (count,),
            "xy_px": (frames, count, 2),
            "confidence": (frames, count),
            "query_frame": (count,),
        }
        for name, shape in shapes.items():
            if getattr(self, name).shape != shape:
                raise ValueError(
                    f"Tracks.{name}: expected {shape}, found {getattr(self, name).shape}"
                )
        if self.raw is not None and self.raw.xy_px.shape != (frames, count, 2):
            raise ValueError(
                f"Tracks.raw: expected {(frames, count, 2)}, found {self.raw.xy_px.shape}"
            )

    def __len__(self) -> int:
        return int(self.ids.shape[0])

    @classmethod
    def empty(cls, frames: int) -> Tracks:
        """No track over a window of `frames` frames."""
        return cls(
            ids=np.zeros(0, np.int64),
            xy_px=np.zeros((frames, 0, 2), np.float32),
            visible=np.zeros((frames, 0), bool),
            confidence=np.zeros((frames, 0), np.float32),
            query_frame=np.zeros(0, np.int64),
        )


@dataclass(frozen=True, eq=False)
class TrackLabels:
    """Which tracks move in the world.

    Attributes:
        moving_probability: (N,) float32 in [0, 1]; NaN where the labeller says nothing about a
            track.
        abstention: why the camera's own motion, and so any track's, could not be told; None when
            it could be. With a reason given, every probability is NaN.
        threshold: probability in (0, 1) above which the labeller takes a track to move.
    """

    moving_probability: FloatArray
    abstention: str | None = None
    threshold: float = MOVING_PROBABILITY

    @property
    def moving(self) -> BoolArray:
        """(N,) bool; False where nothing is said."""
        return np.asarray(self.moving_probability > self.threshold, bool)

    @property
    def log_odds(self) -> FloatArray:
        """(N,) float32 log-odds of moving less those of the threshold; NaN where nothing is
        said."""
        chance = np.clip(self.moving_probability, 1e-4, 1 - 1e-4)
        even = np.log(self.threshold / (1 - self.threshold))
        return np.asarray(np.log(chance / (1 - chance)) - even, np.float32)

    @classmethod
    def abstain(cls, count: int, reason: str) -> TrackLabels:
        """Labels of `count` tracks about which nothing can be said, and the reason."""
        return cls(np.full(count, np.nan, np.float32), reason)


@dataclass(frozen=True)
class MovingObject:
    """One moving object in one frame.

    Attributes:
        id: its value in the id map, 1 to 65535, stable over time.
        score: belief that it moves, in [0, 1].
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
        object.__setattr__(self, "id_map", _frozen_view(self.id_map))

    @property
    def moving(self) -> BoolArray:
        """(H, W) bool, True where any object moves."""
        moving: BoolArray = self.id_map != 0
        return moving

    @classmethod
    def empty(cls, size: tuple[int, int]) -> ObjectMasks:
        """Nothing moves in a frame of `size` = (H, W)."""
        return cls(np.zeros(size, np.uint16))


class Source(enum.IntEnum):
    """Where the masks of a frame come from; the values are those of MovingObject.msg."""

    INFERRED = 0
    PROPAGATED = 1


@dataclass(frozen=True)
class Discovery:
    """A search for new objects that ran beside the stream, and ended.

    Attributes:
        lag_s: stamp of the frame in which its result was taken up minus that of the newest frame
            it had looked at, in seconds.
        duration_ms: wall time from the order to the end, in milliseconds.
        stage_ms: wall time of each of its stages in milliseconds, in the order they ran.
        found: new things that were taken up.
        too_late: new things that were not, because the frames they were found in had been
            forgotten by then.
    """

    lag_s: float
    duration_ms: float
    stage_ms: Mapping[str, float]
    found: int
    too_late: int


@dataclass(frozen=True, eq=False)
class FrameResult:
    """What the pipeline says about one frame.

    Masks and tracks have ages of their own. Where discovery runs beside the stream, the masks of a
    frame are inferred from that very frame, by a segmenter that remembers the objects: their age is
    0. The tracks and labels are the last ones known, of an earlier frame; and what began to move
    since that frame is not in the masks yet.

    Attributes:
        frame: the frame it is about.
        masks: its moving pixels, of the frame's size.
        tracks: the tracks over a window that ends `tracks_age_s` before this frame: at this frame,
            at the last inferred one for a propagated result, or at the last one that a discovery
            beside the stream has looked at (empty before the first).
        labels: one probability for each of `tracks`.
        source: of the masks: inferred from this frame, or propagated from an earlier one.
        age_s: of the masks: this frame's stamp minus that of the frame they were inferred from, in
            seconds; 0 when inferred.
        tracks_age_s: of `tracks` and `labels`: this frame's stamp minus that of the newest frame
            of `tracks`, in seconds.
        stage_ms: wall time of each stage in milliseconds, in the order they ran; of what runs
            beside the stream, see `discovery`.
        reset_reason: why the window was started anew at this frame; None when it was not.
        discovery: the one beside the stream whose result was taken up at this frame; None where
            none was.
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

    @property
    def tracks_source(self) -> Source:
        """Whether `tracks` were measured in this frame, or are those of an earlier one."""
        measured = self.source is Source.INFERRED and self.tracks_age_s == 0
        return Source.INFERRED if measured else Source.PROPAGATED

    def track_object_ids(self) -> UInt16Array:
        """(N,) uint16: the object under each track's newest position; 0 = none, or not visible."""
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
