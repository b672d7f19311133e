"""Weights by name: their place on this machine, and the checks that they are the right ones.

Two kinds have names: the weights that come with the package, and those in
motion_seg_ros.weights.catalogue, which `motion_seg weights fetch` brings into the cache folder.
Nothing here uses the network.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from motion_seg_ros.errors import InputError
from motion_seg_ros.weights.catalogue import PUBLISHED, PublishedFile
from motion_seg_ros.weights.formats import check_format
from motion_seg_ros.weights.record import read_records, sha256_of

CACHE_VARIABLE = "MOTION_SEG_CACHE"


@dataclass(frozen=True)
class Weights:
    """A file of weights in the package.

    Attributes:
        path: the file.
        sha256: its digest in hexadecimal.
    """

    path: Path
    sha256: str


@dataclass(frozen=True)
class Checked:
    """A file that passed its checks.

    Attributes:
        path: the file.
        size: in bytes.
        sha256: its digest in hexadecimal.
        proof: the source of the digest that it was compared with, in a few words.
    """

    path: Path
    size: int
    sha256: str
    proof: str


_PACKAGE = Path(__file__).parents[1]
SHIPPED: Mapping[str, Weights] = MappingProxyType(
    {
        "track_transformer_lite": Weights(
            _PACKAGE / "labelling" / "track_transformer_lite.onnx",
            "43762222d0d09ee22f6ff071424650405c616b34509ea66a2b9119173104191d",
        ),
        "mask_network_lite": Weights(
            _PACKAGE / "masks" / "fusion" / "mask_network_lite.onnx",
            "ac5c21a4650cca98b59a2762dd1e2c82410238d882a5baa1850a37213d96c363",
        ),
    }
)
"""Weights in the package; each has a model card beside it."""


def resolve(name_or_path: str) -> Path:
    """Return the file or folder of weights that a back end loads.

    Files in the package are compared with their digests, fetched ones with the digests recorded
    when they came.

    Args:
        name_or_path: a name in SHIPPED or PUBLISHED; else a path, "~" being the home folder.

    Raises:
        InputError: neither a known name nor an existing path; not fetched yet; or no longer the
            file of that name.
    """
    if name_or_path in PUBLISHED:
        require([name_or_path])
        folder = cache_folder() / name_or_path
        for file in PUBLISHED[name_or_path].files:
            sha256, proof = known_digest(name_or_path, file)
            if sha256 is not None:
                _compared(folder / file.name, sha256, proof)
        return PUBLISHED[name_or_path].place(folder)
    path = _given_path(name_or_path)
    if name_or_path in SHIPPED:
        _compared(path, SHIPPED[name_or_path].sha256, "the digest in this package")
    return path


def _given_path(name_or_path: str) -> Path:
    if name_or_path in SHIPPED:
        return SHIPPED[name_or_path].path
    path = Path(name_or_path).expanduser()
    if not path.exists():
        raise InputError(
            f"weights {name_or_path}: expected a file, a folder or a name, found none of them; "
            f"names are {', '.join((*SHIPPED, *PUBLISHED))}"
        )
    return path


def require(names: Iterable[str]) -> None:
    """Refuse to continue while weights in PUBLISHED are not fetched; other names are ignored.

    Raises:
        InputError: lists all that are missing, and the one command that fetches them.
    """
    missing = {
        name: files[0]
        for name in dict.fromkeys(names)
        if name in PUBLISHED and (files := missing_files(name))
    }
    if missing:
        raise InputError(
            f"weights {', '.join(missing)}: expected {', '.join(map(str, missing.values()))}, "
            f"found no such file{'s' if len(missing) > 1 else ''}; get them with: "
            f"motion_seg weights fetch {' '.join(missing)}"
        )


def published_name(name_or_path: str) -> str | None:
    """Return the name in PUBLISHED that is meant, going by the name itself or by the file name
    under which the weights are published; None if there is none."""
    if name_or_path in PUBLISHED:
        return name_or_path
    file = Path(name_or_path).name
    single = (name for name, each in PUBLISHED.items() if [f.name for f in each.files] == [file])
    return next(single, None)


def cache_folder() -> Path:
    """Return the folder of fetched weights: $MOTION_SEG_CACHE, else
    $XDG_CACHE_HOME/motion_seg_ros, else ~/.cache/motion_seg_ros."""
    if own := os.environ.get(CACHE_VARIABLE):
        return Path(own).expanduser()
    common = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(common).expanduser() / "motion_seg_ros"


def missing_files(name: str) -> list[Path]:
    """Return the files of weights in PUBLISHED that are not in the cache folder."""
    places = (cache_folder() / name / file.name for file in PUBLISHED[name].files)
    return [place for place in places if not place.is_file()]


def check_names(names: Iterable[str]) -> None:
    """Refuse names that are not in SHIPPED or PUBLISHED.

    Raises:
        InputError: lists all of them.
    """
    unknown = [name for name in names if name not in SHIPPED and name not in PUBLISHED]
    if unknown:
        raise InputError(
            f"weights {', '.join(unknown)}: expected a name, found none like it; names are "
            f"{', '.join(PUBLISHED)}"
        )


def verify(name_or_path: str) -> list[Checked]:
    """Read weights through, and compare them with all that is known about them.

    Args:
        name_or_path: as for `resolve`. For files given by path, only the format and completeness
            can be checked.

    Raises:
        InputError: names the first file that is missing, incomplete or not the right one.
    """
    if name_or_path in PUBLISHED:
        require([name_or_path])
        return [check_file(name_or_path, each) for each in PUBLISHED[name_or_path].files]
    path = _given_path(name_or_path)
    if name_or_path in SHIPPED:
        return [_checked(path, SHIPPED[name_or_path].sha256, "the digest in this package")]
    if not path.is_dir():
        return [_checked(path, None, "the format alone")]
    parts = sorted(each for each in path.iterdir() if each.name.endswith((".safetensors", ".json")))
    if not any(each.suffix == ".safetensors" for each in parts):
        raise InputError(f"{path}: expected a folder with .safetensors files, found none in it")
    return [_checked(each, None, "the format alone") for each in parts]


def known_digest(name: str, file: PublishedFile) -> tuple[str | None, str]:
    """Return the SHA-256 that a file of weights in PUBLISHED must have (None: unknown), and the
    source of that digest in a few words."""
    if file.sha256 is not None:
        return file.sha256, "the digest in this package"
    record = read_records(cache_folder() / name).get(file.name)
    if record is None:
        return None, "the format alone"
    return record.sha256, "the publisher's digest" if record.stated else "the first fetch"


def check_file(name: str, file: PublishedFile) -> Checked:
    """Check a fetched file of weights in PUBLISHED.

    Raises:
        InputError: it is missing, incomplete or not the right one.
    """
    path = cache_folder() / name / file.name
    check_format(path, PUBLISHED[name].model_type)
    return _compared(path, *known_digest(name, file))


def _checked(path: Path, sha256: str | None, proof: str) -> Checked:
    check_format(path)
    return _compared(path, sha256, proof)


def _compared(path: Path, sha256: str | None, proof: str) -> Checked:
    found = sha256_of(path)
    if sha256 not in (None, found):
        raise InputError(
            f"{path}: expected SHA-256 {sha256} ({proof}), found {found}; it is damaged or another "
            "file: get it again"
        )
    return Checked(path, path.stat().st_size, found, proof)
