"""Trained weights by name: where they are, and what proves that they are the right ones.

Two kinds have names: those that come with the package, and those in
motion_seg_ros.weights.catalogue, which `motion_seg weights fetch` brings into the cache folder.
Only `fetch` uses the network.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType

from motion_seg_ros.errors import InputError, OutputError
from motion_seg_ros.weights.catalogue import HUGGING_FACE, PUBLISHED, PublishedFile
from motion_seg_ros.weights.download import Downloaded, digest, download
from motion_seg_ros.weights.formats import check_format

RECEIPT = "fetched.json"  # beside downloaded files: what they were when they came
LOCK = ".lock"  # beside them: held by the process that downloads
CACHE_VARIABLE = "MOTION_SEG_CACHE"
OFFLINE_VARIABLES = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
YES = {"1", "on", "yes", "true"}


@dataclass(frozen=True)
class Weights:
    """A file of weights, or a folder of them.

    Attributes:
        path: the file or folder.
        sha256: the file's digest in hexadecimal; None where any will do.
    """

    path: Path
    sha256: str | None


@dataclass(frozen=True)
class Checked:
    """A file that was found to be right.

    Attributes:
        path: the file.
        size: in bytes.
        sha256: its digest in hexadecimal.
        proof: what it was compared with, in a few words.
    """

    path: Path
    size: int
    sha256: str
    proof: str


_PACKAGE = Path(__file__).parents[1]
SHIPPED: Mapping[str, Weights] = MappingProxyType(
    {
        "track_transformer_lite": Weights(
            _PACKAGE / "labelling" / "track_transformer_lite.safetensors",
            "8f314cd0af447097d9b369b7c5e7ffb319eb06da8991b57ad0ab660c2a64912a",
        ),
        "mask_network_lite": Weights(
            _PACKAGE / "masks" / "fusion" / "mask_network_lite.safetensors",
            "6ee2ce9f0a7ca52bf028977a1ea3364a5bc1b88b66c69aaaacd5981c5e2eed38",
        ),
    }
)
"""What comes with the package; each has a model card beside it."""


def find_weights(name: str) -> Weights:
    """The weights of a name, or of a path.

    Raises:
        InputError: neither a known name nor an existing path; or not fetched yet.
    """
    return SHIPPED[name] if name in SHIPPED else Weights(resolve(name), None)


def resolve(name_or_path: str) -> Path:
    """The file or folder of weights: what a backend is to be given.

    Args:
        name_or_path: a name in SHIPPED or PUBLISHED; else a path, "~" being the home folder.

    Raises:
        InputError: neither a known name nor an existing path; or not fetched yet.
    """
    if name_or_path in SHIPPED:
        return SHIPPED[name_or_path].path
    if name_or_path in PUBLISHED:
        require([name_or_path])
        return PUBLISHED[name_or_path].place(cache_folder() / name_or_path)
    path = Path(name_or_path).expanduser()
    if not path.exists():
        raise InputError(
            f"weights {name_or_path}: expected a file, a folder or a name, found none of them; "
            f"names are {', '.join((*SHIPPED, *PUBLISHED))}"
        )
    return path


def require(names: Iterable[str]) -> None:
    """Refuse to go on where weights in PUBLISHED are not fetched, whatever else is named.

    Raises:
        InputError: names all that are not, and the one command that gets them.
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
    """Which weights in PUBLISHED are meant, going by the name, or else by the name of the file as
    it is published; None: none, or it cannot be told."""
    if name_or_path in PUBLISHED:
        return name_or_path
    file = Path(name_or_path).name
    single = (name for name, each in PUBLISHED.items() if [f.name for f in each.files] == [file])
    return next(single, None)


def cache_folder() -> Path:
    """Where fetched weights are: $MOTION_SEG_CACHE, else $XDG_CACHE_HOME/motion_seg_ros, else
    ~/.cache/motion_seg_ros."""
    if own := os.environ.get(CACHE_VARIABLE):
        return Path(own).expanduser()
    common = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(common).expanduser() / "motion_seg_ros"


def missing_files(name: str) -> list[Path]:
    """What is not there of weights in PUBLISHED."""
    places = (cache_folder() / name / file.name for file in PUBLISHED[name].files)
    return [place for place in places if not place.is_file()]


def fetch(name: str) -> Path:
    """Download weights in PUBLISHED to the cache folder; what is there and right stays.

    One process at a time does so: another one waits, says so, and finds what the first one got.

    Returns:
        What `resolve` gives from now on.

    Raises:
        InputError: not such a name; the environment forbids the network; or the files cannot be
            had or are not what is stated of them.
        OutputError: they cannot be written.
    """
    check_names([name])
    if name in SHIPPED:
        return SHIPPED[name].path
    folder = cache_folder() / name
    if not all(_is_right(name, folder / file.name, file) for file in PUBLISHED[name].files):
        _refuse_offline(name, folder)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with _locked(folder):
                _get_what_is_wrong(name, folder)
        except OSError as error:
            raise OutputError(
                f"{folder}: cannot write: {error.strerror or error}; check permissions, or set "
                f"{CACHE_VARIABLE} to another folder"
            ) from error
    return PUBLISHED[name].place(folder)


def check_names(names: Iterable[str]) -> None:
    """Refuse names that are not in SHIPPED or PUBLISHED.

    Raises:
        InputError: names all of them.
    """
    unknown = [name for name in names if name not in SHIPPED and name not in PUBLISHED]
    if unknown:
        raise InputError(
            f"weights {', '.join(unknown)}: expected a name, found none like it; names are "
            f"{', '.join(PUBLISHED)}"
        )


def _get_what_is_wrong(name: str, folder: Path) -> None:
    """Download the files that are not there, or not right."""
    for file in PUBLISHED[name].files:
        place = folder / file.name
        if not _is_right(name, place, file):
            came = download(_address(file.url), place, sha256=file.sha256)
            _keep_if_right(name, place)
            _note(folder, file, came)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """A block that only one process at a time is in; the lock goes when its process ends."""
    with (folder / LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"{folder}: waiting for another process that fetches it", file=sys.stderr)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def verify(name_or_path: str) -> list[Checked]:
    """Read weights through, and compare them with all that is known of them.

    Args:
        name_or_path: as for `resolve`. Of files by path only the format can be checked, and that
            they are whole.

    Raises:
        InputError: names the first file that is missing, not whole or not the right one.
    """
    path = resolve(name_or_path)
    if name_or_path in SHIPPED:
        expected = SHIPPED[name_or_path].sha256
        return [_checked(path, expected, "the digest in this package")]
    if name_or_path in PUBLISHED:
        folder = cache_folder() / name_or_path
        files = PUBLISHED[name_or_path].files
        return [_check_file(name_or_path, folder / each.name, each) for each in files]
    if not path.is_dir():
        return [_checked(path, None, "")]
    parts = sorted(each for each in path.iterdir() if each.name.endswith((".safetensors", ".json")))
    if not any(each.suffix == ".safetensors" for each in parts):
        raise InputError(f"{path}: expected a folder with .safetensors files, found none in it")
    return [_checked(each, None, "") for each in parts]


def _is_right(name: str, place: Path, file: PublishedFile) -> bool:
    """Whether one file of weights in PUBLISHED is there, whole, and what is known of it."""
    if not place.is_file():
        return False
    try:
        _check_file(name, place, file)
    except InputError:
        return False
    return True


def _check_file(name: str, place: Path, file: PublishedFile) -> Checked:
    """One file of weights in PUBLISHED."""
    noted = _noted(place.parent).get(file.name)
    model_type = PUBLISHED[name].model_type
    if file.sha256 is not None:
        return _checked(place, file.sha256, "the publisher's digest", model_type)
    if noted is None:
        return _checked(place, None, "", model_type)
    stated = "the publisher's digest" if noted.stated else "what was downloaded"
    if place.stat().st_size != noted.size:
        raise InputError(
            f"{place}: expected {noted.size} bytes, found {place.stat().st_size}; fetch it again"
        )
    return _checked(place, noted.sha256, stated, model_type)


def _checked(path: Path, sha256: str | None, proof: str, model_type: str | None = None) -> Checked:
    check_format(path, model_type)
    found = digest(path)
    if sha256 not in (None, found):
        raise InputError(
            f"{path}: expected SHA-256 {sha256}, found {found}; it is damaged or another file: "
            "get it again"
        )
    return Checked(path, path.stat().st_size, found, proof or "the format alone")


def _keep_if_right(name: str, place: Path) -> None:
    """Throw away what came in place of a file, such as the page of a network's log-in."""
    try:
        check_format(place, PUBLISHED[name].model_type)
    except InputError:
        place.unlink()
        raise


def _address(url: str) -> str:
    """Hugging Face's mirror, where $HF_ENDPOINT names one, as for its own programs."""
    endpoint = os.environ.get("HF_ENDPOINT", "").rstrip("/")
    return url.replace(HUGGING_FACE, endpoint, 1) if endpoint else url


def _refuse_offline(name: str, folder: Path) -> None:
    for variable in OFFLINE_VARIABLES:
        value = os.environ.get(variable, "")
        if value.lower() in YES:
            addresses = " ".join(file.url for file in PUBLISHED[name].files)
            raise InputError(
                f"weights fetch {name}: expected leave to use the network, found "
                f"{variable}={value}; unset it, or put these files into {folder}: {addresses}"
            )


def _noted(folder: Path) -> dict[str, Downloaded]:
    """By file name: what was noted of downloads to a folder; nothing if it cannot be read."""
    try:
        content = json.loads((folder / RECEIPT).read_text(encoding="utf-8"))
        return {
            name: Downloaded(int(each["size"]), str(each["sha256"]), bool(each["stated"]))
            for name, each in content.items()
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}


def _note(folder: Path, file: PublishedFile, came: Downloaded) -> None:
    noted = {**_noted(folder), file.name: came}
    text = json.dumps({name: asdict(each) for name, each in noted.items()}, indent=2)
    partial = folder / f".{RECEIPT}.partial"
    partial.write_text(text + "\n", encoding="utf-8")
    partial.replace(folder / RECEIPT)
