"""Writing of H.264 videos that browsers play."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from motion_seg_ros.errors import MissingDependencyError, OutputError
from motion_seg_ros.types import UInt8Array

_THREADS = 2  # fixed: the encoder's output depends on it
_CRF = 20  # x264's default is 23, lower is better; set by hand


class VideoWriter:
    """Writes images of one size to an mp4 file: H.264, yuv420p, playable while it loads.

    Images of another size than the first one's are fitted into it, with black bars. Odd widths and
    heights are padded with the last column and row, as yuv420p demands.

    Args:
        path: the file to write.
        fps: frames per second.

    Raises:
        MissingDependencyError: there is no ffmpeg, neither imageio-ffmpeg's nor the system's.
    """

    def __init__(self, path: Path, fps: float) -> None:
        self._program = _ffmpeg(path)
        self._path = path
        self._fps = Fraction(fps).limit_denominator(1001)
        self._encoder: subprocess.Popen[bytes] | None = None
        self._size: tuple[int, int] | None = None
        self._messages = tempfile.TemporaryFile()  # noqa: SIM115  closed in __exit__

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if self._encoder is not None:
                if kind is not None:
                    self._encoder.kill()
                self._finish(self._encoder, failing=kind is not None)
        finally:
            self._messages.close()

    def write(self, image_bgr: UInt8Array) -> None:
        """Append an image, (H, W, 3) uint8, blue, green, red.

        Raises:
            OutputError: the encoder cannot write the file.
        """
        height, width = self._size = self._size or image_bgr.shape[:2]
        image_bgr = _fitted(image_bgr, (height, width))
        if height % 2 or width % 2:
            image_bgr = cv2.copyMakeBorder(  # type: ignore[assignment]
                image_bgr, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE
            )
        if self._encoder is None:
            self._encoder = self._start(image_bgr.shape[1], image_bgr.shape[0])
        assert self._encoder.stdin is not None
        try:
            self._encoder.stdin.write(image_bgr.tobytes())
        except OSError as error:
            raise self._failure() from error

    def _start(self, width: int, height: int) -> subprocess.Popen[bytes]:
        picture = ["-f", "rawvideo", "-pix_fmt", "bgr24", "-s", f"{width}x{height}"]
        quality = [
            "-c:v",
            "libx264",
            "-preset",
            "veryfast",
            "-crf",
            str(_CRF),
            "-threads",
            f"{_THREADS}",
        ]
        layout = ["-pix_fmt", "yuv420p", "-movflags", "+faststart", "-bitexact"]
        command = [self._program, "-y", "-v", "error", *picture, "-r", str(self._fps), "-i", "-"]
        return subprocess.Popen(
            [*command, "-an", *quality, *layout, str(self._path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=self._messages,
            start_new_session=True,  # Ctrl-C reaches this process alone, which ends the encoder
        )

    def _finish(self, encoder: subprocess.Popen[bytes], *, failing: bool) -> None:
        assert encoder.stdin is not None
        with contextlib.suppress(OSError):  # it has ended; its status tells
            encoder.stdin.close()
        if encoder.wait() != 0 and not failing:
            raise self._failure()

    def _failure(self) -> OutputError:
        self._messages.seek(0)
        said = " ".join(self._messages.read().decode(errors="replace").split())
        return OutputError(
            f"{self._path.name}: cannot write the video: {said or 'the encoder ended early'}; "
            "check the space on the disk, or leave the video out (--no-overlay)"
        )


def _fitted(image: UInt8Array, size: tuple[int, int]) -> UInt8Array:
    """Return an image of that height and width, scaled as far as it fits, black beside it."""
    height, width = image.shape[:2]
    if (height, width) == size:
        return image
    scale = min(size[0] / height, size[1] / width)
    inner = (max(1, round(width * scale)), max(1, round(height * scale)))
    canvas = np.zeros((*size, 3), np.uint8)
    canvas[: inner[1], : inner[0]] = cv2.resize(image, inner, interpolation=cv2.INTER_AREA)
    return canvas


def _ffmpeg(path: Path) -> str:
    """Return the encoder: imageio-ffmpeg's, which always has H.264, else the system's."""
    try:
        import imageio_ffmpeg
    except ImportError:
        program = shutil.which("ffmpeg")
    else:
        program = imageio_ffmpeg.get_ffmpeg_exe()
    if program is None:
        raise MissingDependencyError(
            f"{path.name}: expected ffmpeg to write it, found none; apt install ffmpeg or "
            "pip install imageio-ffmpeg, or leave the video out (--no-overlay)"
        )
    return str(program)
