"""A folder of photographs: filling it from packages, and drawing textures from it."""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from motion_seg_ros.errors import InputError, OutputError
from motion_seg_ros.lab.training.photographs.packages import (
    PACKAGES,
    UnpackedPackage,
    unpack,
)

LIST = "photographs.json"
Kind = Literal["photograph", "mover", "plant"]
# Where packages have pictures of single things, on a transparent ground.
_CUT_OUTS: Mapping[Kind, str] = {
    "mover": "/stamps/(animals|people|vehicles)/",
    "plant": "/stamps/plants/(trees|bushes)/",
}
_DRAWN = "/cartoon/"
_ENDINGS: Mapping[Kind, str] = {"photograph": ".jpg", "mover": ".png", "plant": ".png"}
# All of these set by hand.
_LONGER_PX = 1536  # side of the kept pictures
_LONGER_CUT_OUT_PX = 384
_LEAST_PX = 480  # shorter side of pictures worth keeping
_LEAST_CUT_OUT_PX = 96
_QUALITY = 92  # of JPEG
_SURVEY_PX = 640  # longer side at which detail is measured
_DETAIL_LEVELS = 4.0  # standard deviation within 9 x 9 pixels above which there is detail
_DETAILED = 0.3  # least share of such pixels; drawn and plain wallpapers have less
_ALIKE = 0.98  # correlation of thumbnails above which pictures are the same


@dataclass(frozen=True)
class ListedPhotograph:
    """A photograph and where it is from.

    Attributes:
        file: path below the folder.
        kind: a photograph, or a thing on a transparent ground that could move, or a plant.
        sha256: of the file.
        package, version: the Debian package it is out of.
        source: its path in the package.
        authors: as the package says.
        licence: short name, as the package says; its full text is in PACKAGE/copyright.
    """

    file: str
    kind: Kind
    sha256: str
    package: str
    version: str
    source: str
    authors: tuple[str, ...]
    licence: str


@dataclass(frozen=True)
class PhotographFolder:
    """Photographs on disk.

    Attributes:
        folder: where they are.
        photographs: sorted by file.
    """

    folder: Path
    photographs: tuple[ListedPhotograph, ...]

    @cached_property
    def digest(self) -> str:
        """SHA-256 of names and contents."""
        listed = "".join(f"{each.file} {each.sha256}\n" for each in self.photographs)
        return hashlib.sha256(listed.encode()).hexdigest()

    def paths(self, kind: Kind = "photograph") -> tuple[str, ...]:
        """Return the paths of those of a kind, sorted by file."""
        of_kind = (each.file for each in self.photographs if each.kind == kind)
        return tuple(str(self.folder / file) for file in of_kind)


def open_photographs(folder: Path) -> PhotographFolder:
    """Open a folder that `fetch_photographs` filled, and check that all is there.

    Raises:
        InputError: there is no list, it cannot be read, or a photograph is missing or another one.
    """
    path = folder / LIST
    try:
        listed = json.loads(path.read_text(encoding="utf-8"))
        found = [
            ListedPhotograph(**{**each, "authors": tuple(each["authors"])})
            for each in listed["photographs"]
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path}: expected a list of photographs, found {error}; fill the folder with "
            "`motion_seg photographs`"
        ) from error
    for each in found:
        try:
            digest = _sha256((folder / each.file).read_bytes())
        except OSError as error:
            digest = str(error.strerror)
        if digest != each.sha256:
            raise InputError(
                f"{folder / each.file}: expected the photograph of SHA-256 {each.sha256}, found "
                f"{digest}; fetch them again into a new folder"
            )
    if not any(each.kind == "photograph" for each in found):
        raise InputError(f"{path}: expected photographs, found none; fetch other packages")
    return PhotographFolder(folder, tuple(sorted(found, key=lambda each: each.file)))


def fetch_photographs(folder: Path, packages: Sequence[str] = PACKAGES) -> PhotographFolder:
    """Fill a new folder with the photographs among the pictures of Debian packages.

    Kept are pictures with detail all over, not the drawn ones, and one of each kept picture's
    sizes, made smaller. The file `copyright` of each package lies beside its photographs, and
    photographs.json says who made which.

    Args:
        folder: created; must not hold photographs yet.
        packages: names of packages.

    Raises:
        MissingDependencyError: this machine has no apt.
        InputError: a package cannot be fetched, or there is no photograph in any.
        OutputError: the folder holds photographs, or cannot be written.
    """
    if (folder / LIST).exists():
        raise OutputError(
            f"{folder}: expected no photographs yet, found {LIST}; choose another one"
        )
    found: list[ListedPhotograph] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as temporary:
            for name in packages:
                found += _kept(unpack(name, Path(temporary)), folder)
    except OSError as error:
        raise OutputError(
            f"{folder}: expected to write photographs there, found: {error.strerror}; choose "
            "another folder"
        ) from error
    content = {"photographs": [asdict(each) for each in found]}
    unfinished = folder / f"{LIST}.partial"
    unfinished.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")
    unfinished.replace(folder / LIST)
    return open_photographs(folder)


def _kept(package: UnpackedPackage, folder: Path) -> list[ListedPhotograph]:
    """Write the photographs and cut-outs of a package, and its file `copyright`."""
    own = folder / package.name
    own.mkdir(exist_ok=True)
    (own / "copyright").write_text(package.copyright, "utf-8")
    read = (
        (path, cv2.imread(str(path), cv2.IMREAD_UNCHANGED)) for path in sorted(package.pictures())
    )
    small = [
        (path, _within(np.asarray(picture, np.uint8), _LONGER_PX))
        for path, picture in read
        if picture is not None and picture.ndim == 3 and picture.dtype == np.uint8
    ]
    small.sort(key=lambda each: -min(each[1].shape[:2]))
    kept: list[npt.NDArray[np.float32]] = []
    listed = []
    for path, picture in small:
        source = path.relative_to(package.root).as_posix()
        kind, thumbnail = _kind(source, picture), _thumbnail(picture)
        if kind is None or any(float(thumbnail @ each) > _ALIKE for each in kept):
            continue
        kept.append(thumbnail)
        content = _encoded(picture, kind)
        file = f"{package.name}/{_name(source)}{_ENDINGS[kind]}"
        (folder / file).write_bytes(content)
        credit = package.credit(path)
        listed.append(
            ListedPhotograph(
                file,
                kind,
                _sha256(content),
                package.name,
                package.version,
                source,
                credit.authors,
                credit.licence,
            )
        )
    return listed


def _kind(source: str, picture: npt.NDArray[np.uint8]) -> Kind | None:
    """Return what a picture with its path in a package is to be used for; None: nothing."""
    height, width, channels = picture.shape
    shows = picture[..., 3] > 127 if channels == 4 else np.ones((height, width), bool)
    if shows.all():
        least, detailed = _LEAST_PX, _detail(picture, shows, _DETAIL_LEVELS) >= _DETAILED
        return "photograph" if min(height, width) >= least and detailed else None
    for kind, place in _CUT_OUTS.items():
        if re.search(place, source) and _DRAWN not in source:
            solid = 0.1 < shows.mean() < 0.95 and min(height, width) >= _LEAST_CUT_OUT_PX
            return kind if solid and _detail(picture, shows, 2.0) >= _DETAILED else None
    return None


def _encoded(picture: npt.NDArray[np.uint8], kind: Kind) -> bytes:
    if kind == "photograph":
        picture, how = picture[..., :3], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
    else:
        picture, how = _within(picture, _LONGER_CUT_OUT_PX), []
    return cv2.imencode(_ENDINGS[kind], picture, how)[1].tobytes()


def _name(source: str) -> str:
    """Return a file name of a path in a package."""
    path = Path(source).with_suffix("")
    sized = re.fullmatch(r"\d+x\d+", path.name) is not None
    words = path.parts[-4:] if sized else path.parts[-1:]
    return "-".join(words)


def _within(picture: npt.NDArray[np.uint8], longer_px: int) -> npt.NDArray[np.uint8]:
    """Return a picture, made smaller if its longer side exceeds a length."""
    factor = longer_px / max(picture.shape[:2])
    if factor >= 1:
        return picture
    size = (round(picture.shape[1] * factor), round(picture.shape[0] * factor))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def _detail(picture: npt.NDArray[np.uint8], shows: npt.NDArray[np.bool_], levels: float) -> float:
    """Return the share of the pixels that show something, and have detail about them."""
    grey = cv2.cvtColor(_within(picture[..., :3], _SURVEY_PX), cv2.COLOR_BGR2GRAY)
    size = (grey.shape[1], grey.shape[0])
    shown = cv2.resize(shows.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    inside = cv2.erode(shown, np.ones((9, 9), np.uint8), borderValue=1) > 0
    values = grey.astype(np.float32)
    mean, square = cv2.blur(values, (9, 9)), cv2.blur(values * values, (9, 9))
    detailed = square - mean * mean > levels**2
    return float(detailed[inside].mean()) if inside.any() else 0.0


def _thumbnail(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Return 12 x 12 grey values as a vector of length 1 about its mean."""
    grey = cv2.cvtColor(np.ascontiguousarray(picture[..., :3]), cv2.COLOR_BGR2GRAY)
    small = cv2.resize(grey, (12, 12), interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
    small -= small.mean()
    return np.asarray(small / (np.linalg.norm(small) + 1e-6))


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
