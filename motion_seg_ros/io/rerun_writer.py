"""Writing of recordings for Rerun's viewer (https://rerun.io)."""

from __future__ import annotations

import errno
import os
import shutil
import warnings
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from motion_seg_ros.camera import Camera
from motion_seg_ros.errors import MissingDependencyError, OutputError
from motion_seg_ros.geometry.path import CameraPath
from motion_seg_ros.outputs.overlay import (
    MOVING_TRACK_BGR,
    STATIC_TRACK_BGR,
    TAIL_FRAMES,
    UNKNOWN_TRACK_BGR,
)
from motion_seg_ros.outputs.palette import id_palette
from motion_seg_ros.types import FloatArray, Frame, FrameResult, Source

if TYPE_CHECKING:
    from rerun import RecordingStream

APPLICATION = "motion_seg_ros"
TIMELINE = "stamp"
WORLD, CAMERA = "world", "world/camera"
IMAGE, MASK, DEPTH = f"{CAMERA}/image", f"{CAMERA}/mask", f"{CAMERA}/depth"
TRACKS, TAILS = f"{CAMERA}/tracks", f"{CAMERA}/tails"
PATH = f"{WORLD}/path"

JPEG_QUALITY = 90  # of 0 to 100; OpenCV's default is 95. Set by hand
POINT_RADIUS = 2.0  # in points of the viewer's screen. Set by hand
DEPTH_UNITS_PER_M = 1000.0  # 16 bits reach to 65.5 m; what is farther is left out
# Rerun writes in the background, and waits for ever for a full disk: stop before. It holds back a
# megabyte or so. Set by hand.
LEAST_FREE_BYTES = 64_000_000
# Earlier stamps count from the start of a video or a simulation: shown as a duration, not a date.
EPOCH_NS = 365 * 86400 * 10**9


class RerunWriter:
    """Writes frames, masks, tracks, camera poses and depth to one .rrd file, on the time line
    `stamp`.

    The camera is `world/camera`: its image (JPEG), mask (ids as classes, 0 = static), tracks as
    points, tails of the moving ones, depth (16-bit PNG, in mm) and its pose. The world's axes are
    the optical ones of the first frame (REP 103: x right, y down, z forward); lengths are in metres
    with a depth sensor, else in a unit of their own, see CameraPath. Where a pose is unknown the
    last one stays.

    Args:
        path: the file to write.
        name: of the recording.

    Raises:
        MissingDependencyError: rerun-sdk is not installed.
    """

    def __init__(self, path: Path, name: str) -> None:
        require_rerun()
        import rerun

        self._rr = rerun
        self._path = path
        self._name = name
        self._camera_path = CameraPath()
        self._positions: list[np.ndarray[Any, np.dtype[np.float64]]] = []
        self._camera: Camera | None = None
        self._ids: set[int] = set()
        self._depth = False  # the last frame had depth
        self._any_depth = False
        self._recording: RecordingStream | None = None

    def __enter__(self) -> RerunWriter:
        recording = self._rr.RecordingStream(APPLICATION, send_properties=False)
        recording.set_log_time_enabled(False)
        recording.save(self._path)
        recording.send_recording_name(self._name)
        recording.log(WORLD, self._rr.ViewCoordinates.RDF, static=True)
        self._recording = recording
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._recording is None:
            return
        try:
            if kind is None:
                self._finish(self._recording)
        finally:
            self._recording.disconnect()
        if kind is None:
            self._check()

    def write(self, result: FrameResult) -> None:
        """Append one frame and its result.

        Raises:
            OSError: the disk is nearly full.
        """
        frame, recording = result.frame, self._recording
        assert recording is not None
        if shutil.disk_usage(self._path.parent).free < LEAST_FREE_BYTES:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if frame.stamp_ns < EPOCH_NS:
            recording.set_time(TIMELINE, duration=np.timedelta64(frame.stamp_ns, "ns"))
        else:
            recording.set_time(TIMELINE, timestamp=np.datetime64(frame.stamp_ns, "ns"))
        self._write_camera(recording, result)
        jpeg = _encoded(".jpg", frame.image_bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        recording.log(IMAGE, self._rr.EncodedImage(contents=jpeg, media_type="image/jpeg"))
        recording.log(MASK, self._rr.SegmentationImage(result.masks.id_map))
        self._ids.update(each.id for each in result.masks.objects)
        self._write_tracks(recording, result)
        self._write_depth(recording, frame.depth_m)

    def _write_camera(self, recording: RecordingStream, result: FrameResult) -> None:
        camera = _camera(result.frame)
        if self._camera is None or not _same(self._camera, camera):
            self._camera = camera
            pinhole = self._rr.Pinhole(
                image_from_camera=camera.matrix,
                resolution=camera.size[::-1],
                camera_xyz=self._rr.ViewCoordinates.RDF,
            )
            recording.log(CAMERA, pinhole)
        if result.camera_motion is None:
            return
        pose = self._camera_path.update(result.camera_motion)
        if pose is not None:
            self._positions.append(pose.position)
            recording.log(
                CAMERA, self._rr.Transform3D(translation=pose.position, mat3x3=pose.rotation)
            )

    def _write_tracks(self, recording: RecordingStream, result: FrameResult) -> None:
        tracks, labels = result.tracks, result.labels
        seen = tracks.visible[-1] & (result.tracks_source is Source.INFERRED)
        colours = np.empty((len(tracks), 3), np.uint8)
        colours[:] = STATIC_TRACK_BGR[::-1]
        colours[labels.moving] = MOVING_TRACK_BGR[::-1]
        colours[np.isnan(labels.moving_probability)] = UNKNOWN_TRACK_BGR[::-1]
        points = self._rr.Points2D(
            tracks.xy_px[-1, seen],
            colors=colours[seen],
            radii=self._rr.Radius.ui_points(POINT_RADIUS),
        )
        recording.log(TRACKS, points)
        part = slice(-TAIL_FRAMES, None)
        strips = [
            tracks.xy_px[part, n][tracks.visible[part, n]]
            for n in np.flatnonzero(seen & labels.moving)
        ]
        strips = [each for each in strips if len(each) > 1]
        recording.log(TAILS, self._rr.LineStrips2D(strips, colors=[MOVING_TRACK_BGR[::-1]]))

    def _write_depth(self, recording: RecordingStream, depth_m: FloatArray | None) -> None:
        if depth_m is not None:
            units = np.nan_to_num(depth_m * np.float32(DEPTH_UNITS_PER_M), posinf=0.0)
            units[(units < 0) | (units > np.iinfo(np.uint16).max)] = 0
            png = _encoded(".png", np.rint(units).astype(np.uint16), [])
            depth = self._rr.EncodedDepthImage(png, media_type="image/png", meter=DEPTH_UNITS_PER_M)
            recording.log(DEPTH, depth)
        elif self._depth:
            recording.log(DEPTH, self._rr.Clear(recursive=False))
        self._depth = depth_m is not None
        self._any_depth |= self._depth

    def _finish(self, recording: RecordingStream) -> None:
        """Write what is known at the end: names and colours of ids, the whole path, the layout."""
        static = (0, "static", (0, 0, 0, 0))
        palette = id_palette()
        objects = [
            (each, f"object {each}", tuple(palette[1 + (each - 1) % 255].tolist()))
            for each in sorted(self._ids)
        ]
        recording.log(CAMERA, self._rr.AnnotationContext([static, *objects]), static=True)
        if len(self._positions) > 1:
            recording.log(PATH, self._rr.LineStrips3D([np.array(self._positions)]), static=True)
        recording.send_blueprint(self._layout(), make_active=True, make_default=True)

    def _layout(self) -> Any:
        """Return how the viewer arranges the recording."""
        import rerun.blueprint as layout

        picture = layout.Spatial2DView(
            origin=CAMERA, contents=[IMAGE, MASK, TRACKS, TAILS], name="moving"
        )
        world = layout.Spatial3DView(
            origin=WORLD, contents=[f"{WORLD}/**", f"- {MASK}", f"- {TAILS}"], name="camera"
        )
        left = [picture]
        if self._any_depth:
            left.append(layout.Spatial2DView(origin=CAMERA, contents=[DEPTH], name="depth"))
        return layout.Blueprint(
            layout.Horizontal(layout.Vertical(*left), world),
            layout.TimePanel(timeline=TIMELINE),
            collapse_panels=True,
        )

    def _check(self) -> None:
        """Check that the file is whole: Rerun writes in the background, and only logs its errors.

        Raises:
            OutputError: it is not.
        """
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # such as of a file without its end
                found = self._rr.chunk.RrdReader(self._path).recordings()
        except (OSError, RuntimeError, ValueError, Warning) as error:
            said = str(error)
        else:
            said = "" if found else "no recording in it"
        if said:
            raise OutputError(
                f"{self._path.name}: expected a whole recording for Rerun, found {said}; check the "
                "free space"
            )


def require_rerun() -> None:
    """Check that rerun-sdk is installed.

    Raises:
        MissingDependencyError: it is not.
    """
    try:
        import rerun
        import rerun.chunk  # noqa: F401
    except ImportError as error:
        raise MissingDependencyError(
            f"--rerun: expected the Python package rerun-sdk, 0.41 or later, found: {error}; "
            "pip install 'rerun-sdk>=0.41', which needs Python 3.11"
        ) from error


def _camera(frame: Frame) -> Camera:
    """Return the intrinsics of a frame, as the pipeline takes them."""
    return frame.camera or Camera.guessed(frame.size)


def _same(one: Camera, other: Camera) -> bool:
    return one.size == other.size and bool((one.matrix == other.matrix).all())


def _encoded(kind: str, picture: Any, options: list[int]) -> bytes:
    """Return a picture as a file of a kind such as ".jpg"."""
    done, data = cv2.imencode(kind, picture, options)
    assert done  # of arrays in memory, of types that both kinds have
    return data.tobytes()
