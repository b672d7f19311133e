"""Photographs out of Debian packages: downloading, unpacking, and who made them.

The packages of Debian's main section are free by its guidelines; each says in its file `copyright`
who made what, and under which licence.
"""

from __future__ import annotations

import fnmatch
import re
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from motion_seg_ros.errors import InputError, MissingDependencyError

PACKAGES = (
    "lomiri-wallpapers-16.04",
    "lomiri-wallpapers-20.04",
    "mate-backgrounds",
    "plasma-workspace-wallpapers",
    "tuxpaint-stamps-default",
)
"""Packages with photographs among their pictures, as looked through in Debian 12; the last has
animals, vehicles and trees on a transparent ground."""
PICTURES = (".jpg", ".jpeg", ".png", ".webp")
UNKNOWN = "see the package's file copyright"
_SECONDS = 1800  # that a package may take to download; set by hand


@dataclass(frozen=True)
class Credit:
    """Who made a picture, and its licence, as the package says.

    Attributes:
        authors: lines such as "2008, A. Name <a@b.c>".
        licence: its short name.
    """

    authors: tuple[str, ...]
    licence: str


@dataclass(frozen=True)
class UnpackedPackage:
    """A package that was downloaded and unpacked.

    Attributes:
        name, version: of the package.
        root: folder of its files.
        copyright: text of its file of that name.
    """

    name: str
    version: str
    root: Path
    copyright: str

    def pictures(self) -> list[Path]:
        """Return the paths of its pictures, sorted."""
        found = (path for path in self.root.rglob("*") if path.suffix.lower() in PICTURES)
        return sorted(path for path in found if path.is_file() and not path.is_symlink())

    def credit(self, picture: Path) -> Credit:
        """Return who made a picture."""
        return credit_of(self.copyright, picture.relative_to(self.root).as_posix())


def unpack(name: str, folder: Path) -> UnpackedPackage:
    """Download the newest package that apt knows, and unpack it below a folder.

    Needs neither root nor an installation: `apt-get download` and `dpkg-deb`.

    Raises:
        MissingDependencyError: this machine has no apt.
        InputError: the package cannot be downloaded or unpacked.
    """
    root = folder / name
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        _run(["apt-get", "download", name], Path(temporary), name)
        archives = sorted(Path(temporary).glob("*.deb"))
        if len(archives) != 1:
            raise InputError(
                f"{name}: expected apt-get to download one package, found {len(archives)}; choose "
                "another one with --package"
            )
        _run(["dpkg-deb", "--extract", str(archives[0]), str(root)], folder, name)
        version = _run(["dpkg-deb", "--field", str(archives[0]), "Version"], folder, name).strip()
    text = root / "usr/share/doc" / name / "copyright"
    try:
        said = text.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise InputError(
            f"{name}: expected its licence in {text}, found: {error.strerror}; choose another "
            "package with --package"
        ) from error
    return UnpackedPackage(name, version, root, said)


def _run(command: list[str], folder: Path, package: str) -> str:
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except FileNotFoundError as error:
        raise MissingDependencyError(
            f"{command[0]}: expected the program, to fetch Debian packages, found none; run this "
            "on Debian or Ubuntu, or copy the folder from there"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise InputError(
            f"{package}: expected it within {_SECONDS} s, found {command[0]} still waiting; check "
            "the network and start again"
        ) from error
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith(("E:", "dpkg-deb:"))]
        raise InputError(
            f"{package}: expected {command[0]} to get it, found: {' '.join(said) or 'no reason'}; "
            "check the network, run `apt-get update`, or leave it out with --package"
        )
    return done.stdout


def credit_of(text: str, path: str) -> Credit:
    """Return who made a file of a package by its file `copyright`.

    Args:
        text: in Debian's machine-readable format 1.0, of which the last paragraph that names the
            file holds. Packages install files elsewhere than their sources have them, so a pattern
            matches the end of the path. Of other formats nothing is known.
        path: of the installed file.
    """
    best: tuple[int, Credit] | None = None
    for paragraph in _paragraphs(text):
        patterns = paragraph.get("files", "").split()
        rank = max((_rank(pattern, path) for pattern in patterns), default=0)
        if rank and (best is None or rank >= best[0]):
            authors = tuple(line.strip() for line in paragraph.get("copyright", "").splitlines())
            licence = paragraph.get("license", "").split("\n")[0].strip()
            best = rank, Credit(tuple(filter(None, authors)), licence or UNKNOWN)
    return best[1] if best else Credit((UNKNOWN,), UNKNOWN)


def _rank(pattern: str, path: str) -> int:
    """Return 0 where a pattern does not match a path, more the more it says."""
    if pattern == "*":
        return 1
    if fnmatch.fnmatchcase(path, pattern) or fnmatch.fnmatchcase(path, f"*/{pattern}"):
        return 3
    name = PurePosixPath(pattern).name
    return 2 if name != "*" and fnmatch.fnmatchcase(PurePosixPath(path).name, name) else 0


def _paragraphs(text: str) -> Iterator[dict[str, str]]:
    """Generate the fields of each paragraph, names in lower case."""
    for block in re.split(r"\n[ \t]*\n", text):
        fields: dict[str, str] = {}
        name = ""
        for line in block.splitlines():
            if line[:1] in (" ", "\t"):
                fields[name] = f"{fields.get(name, '')}\n{line.strip()}"
            elif ":" in line:
                name, value = line.split(":", 1)
                name = name.lower()
                fields[name] = value.strip()
        yield fields
