"""Export of images and masks for COLMAP: structure from motion without moving objects.

COLMAP takes the mask of images/NAME from masks/NAME.png and keeps no feature that lies on a black
pixel (https://colmap.github.io/faq.html, "Mask image regions").
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from motion_seg_ros.camera import Camera
from motion_seg_ros.errors import OutputError
from motion_seg_ros.io.base import FrameSource, SourceFrame
from motion_seg_ros.io.colmap_camera import ColmapCamera, colmap_camera
from motion_seg_ros.io.image_folder import ImageFolder, images_in, read_image
from motion_seg_ros.io.orientation import is_turned
from motion_seg_ros.io.value_range import ValueRange
from motion_seg_ros.outputs.static_image import static_mask
from motion_seg_ros.types import Frame, UInt8Array, UInt16Array

IMAGES_FOLDER = "images"
MASKS_FOLDER = "masks"
CAMERA_FILE = "camera.txt"
# Formats that every build of COLMAP reads.
_READ_BY_COLMAP = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".pgm", ".tif", ".tiff"})
_FAST = [cv2.IMWRITE_PNG_COMPRESSION, 1]  # of 0 to 9; higher levels cost time


@dataclass(frozen=True, eq=False)
class _Written:
    """Files of a frame, its stamp, and its camera if that is known."""

    image: Path
    mask: Path
    stamp_ns: int
    camera: Camera | None


class ColmapFolder:
    """Writes images/<image> and masks/<image>.png, black = moves; and, of one calibrated camera,
    camera.txt: COLMAP's model and parameters.

    Image files of a folder are linked, or copied where the file system has no links, so that COLMAP
    finds the focal length in their EXIF; all other images become PNG files.

    Args:
        path: the folder; created here.
        source: the frames; None: all images are those given to `write`.
        dilation_px: growth of the moving pixels, so that no feature's patch reaches into them.

    Raises:
        OSError: it cannot be created.
    """

    def __init__(self, path: Path, source: FrameSource | None, *, dilation_px: int) -> None:
        self._images, self._masks = path / IMAGES_FOLDER, path / MASKS_FOLDER
        self._camera_file = path / CAMERA_FILE
        for each in (self._images, self._masks):
            each.mkdir(parents=True)
        files = images_in(source.path) if isinstance(source, ImageFolder) else []
        self._files = {each.stem: each for each in files if _as_stored(each)}
        self._dilation_px = dilation_px
        self._written: dict[str, _Written] = {}

    def write(self, item: SourceFrame, id_map: UInt16Array) -> None:
        """Append one frame.

        Args:
            item: the frame; its depth is not kept.
            id_map: (H, W) uint16, 0 = static.

        Raises:
            OutputError: a picture cannot be written.
            OSError: a file cannot be copied.
        """
        file = self._files.get(item.name)
        image = f"{item.name}{file.suffix if file else '.png'}"
        if file is not None:
            _link(file, self._images / image)
        else:
            _write(self._images / image, item.frame.image_bgr)
        mask = self._masks / f"{image}.png"
        _write(mask, static_mask(id_map, self._dilation_px))
        frame = item.frame
        self._write_camera(frame.camera)
        self._written[item.name] = _Written(
            self._images / image, mask, frame.stamp_ns, frame.camera
        )

    def _write_camera(self, camera: Camera | None) -> None:
        """Write the first frame's camera; no file remains when a later one has another."""
        first = next(iter(self._written.values())).camera if self._written else camera
        if camera is None or camera is not first:
            self._camera_file.unlink(missing_ok=True)
        elif not self._written:
            text = " ".join(colmap_camera(camera))
            self._camera_file.write_text(f"{text}\n", encoding="utf-8")

    def backwards(self) -> Iterator[SourceFrame]:
        """Yield all frames in reverse order, with rising stamps.

        An object that stands still until it leaves, or whose motion is detected only after a while,
        is found from the first frame on in the reversed clip. A map is made when all frames are
        there, so its masks need not be causal; see `mask_also`.

        Raises:
            InputError: an image has gone since it was written.
        """
        values = ValueRange()
        stamps = [each.stamp_ns for each in self._written.values()]
        for name, each in reversed(self._written.items()):
            stamp_ns = stamps[0] + stamps[-1] - each.stamp_ns
            image = read_image(each.image, values)
            yield SourceFrame(name, Frame(image, stamp_ns, camera=each.camera), "", stamp_ns)

    def mask_also(self, name: str, id_map: UInt16Array) -> None:
        """Extend the mask of a frame that was written.

        Args:
            name: of the frame.
            id_map: (H, W) uint16, 0 = static.

        Raises:
            OutputError: the mask cannot be written.
            OSError: as of `write`.
        """
        mask = self._written[name].mask
        before = cv2.imread(str(mask), cv2.IMREAD_UNCHANGED)
        _write(
            mask, np.minimum(np.asarray(before, np.uint8), static_mask(id_map, self._dilation_px))
        )


def colmap_hint(folders: Sequence[Path]) -> str:
    """Return instructions to map the first of these folders with the program colmap or the package
    pycolmap, for images of a single camera."""
    folder = folders[0]
    more = f" (and likewise for {len(folders) - 1} more)" if len(folders) > 1 else ""
    commands = "\n".join(f"  {each}" for each in colmap_commands(folder))
    program = "".join(f"  {each}\n" for each in pycolmap_program(folder).splitlines())
    title = f"to map {folder} without moving objects{more}:"
    return f"{title}\n{commands}\nor in Python:\n{program}".rstrip()


def colmap_commands(folder: Path) -> list[str]:
    """Return the commands for a shell."""
    place = shlex.quote(str(folder))
    database, images = f"--database_path {place}/database.db", f"--image_path {place}/images"
    camera = _camera(folder)
    lens = (
        ""
        if camera is None
        else f" --ImageReader.camera_model {camera.model} --ImageReader.camera_params "
        f"{camera.parameters}"
    )
    return [
        f"colmap feature_extractor {database} {images} --ImageReader.mask_path {place}/masks "
        f"--ImageReader.single_camera 1{lens}",
        f"colmap {_matcher(folder)}_matcher {database}",
        f"mkdir -p {place}/sparse",
        f"colmap mapper {database} {images} --output_path {place}/sparse",
    ]


def pycolmap_program(folder: Path) -> str:
    """Return the same as a program for the package pycolmap."""
    camera = _camera(folder)
    lens = (
        ""
        if camera is None
        else f"\nreader.camera_model, reader.camera_params = {camera.model!r}, "
        f"{camera.parameters!r}"
    )
    return f"""\
import pathlib, pycolmap
folder = pathlib.Path({str(folder)!r})
images, database = folder / "{IMAGES_FOLDER}", folder / "database.db"
reader = pycolmap.ImageReaderOptions(mask_path=folder / "{MASKS_FOLDER}"){lens}
one_camera = pycolmap.CameraMode.SINGLE
pycolmap.extract_features(database, images, camera_mode=one_camera, reader_options=reader)
pycolmap.match_{_matcher(folder)}(database)
pycolmap.incremental_mapping(database, images, folder / "sparse")
"""


def _camera(folder: Path) -> ColmapCamera | None:
    """Return the camera of all images in a folder, where it is known."""
    file = folder / CAMERA_FILE
    if not file.is_file():
        return None
    model, parameters = file.read_text(encoding="utf-8").split()
    return ColmapCamera(model, parameters)


def _matcher(folder: Path) -> str:
    """Return the matcher for a folder. COLMAP sorts images by name, character by character: where
    that is not their order (img10 before img2), each is matched against all others."""
    names = [each.name for each in images_in(folder / IMAGES_FOLDER)]
    return "sequential" if names == sorted(names) else "exhaustive"


def _as_stored(file: Path) -> bool:
    """Return True if COLMAP reads a file as we do: a known format, not turned by its EXIF, for
    COLMAP uses the pixels as they are stored."""
    if file.suffix.lower() not in _READ_BY_COLMAP:
        return False
    with contextlib.suppress(OSError, ValueError, SyntaxError), Image.open(file) as picture:
        return not is_turned(picture)
    return False  # the source reports its fault when it is read


def _link(file: Path, place: Path) -> None:
    try:
        os.link(file, place)
    except OSError:  # another file system, or one without links
        shutil.copyfile(file, place)


def _write(place: Path, pixels: UInt8Array) -> None:
    done, data = cv2.imencode(".png", pixels, _FAST)
    if not done:
        raise OutputError(f"{place}: cannot encode the picture; free memory and try again")
    place.write_bytes(np.asarray(data, np.uint8).tobytes())
