"""Folders of photographs: what is kept of a package, and that nothing in them changes."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from motion_seg_ros.errors import InputError, OutputError
from motion_seg_ros.lab.training.photographs import folder as module
from motion_seg_ros.lab.training.photographs.folder import (
    LIST,
    fetch_photographs,
    open_photographs,
)
from motion_seg_ros.lab.training.photographs.packages import UnpackedPackage

COPYRIGHT = "Files: *\nCopyright: 2001, A. Author\nLicense: CC0-1.0\n"


def natural(seed: int, size: tuple[int, int] = (600, 900)) -> np.ndarray:
    """A picture with detail all over."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 255, (30, 45, 3), np.uint8)
    return cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_CUBIC)


def animal(seed: int) -> np.ndarray:
    image = np.zeros((200, 240, 4), np.uint8)
    image[..., :3] = natural(seed, (200, 240))
    image[50:150, 60:180, 3] = 255
    return image


@pytest.fixture
def filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder filled from one package of six pictures, three of which are worth keeping."""

    def unpack(name: str, below: Path) -> UnpackedPackage:
        root = below / name
        stamps = root / "usr/share/tuxpaint/stamps/animals"
        (stamps / "cartoon").mkdir(parents=True)
        backgrounds = root / "usr/share/backgrounds"
        backgrounds.mkdir()
        cv2.imwrite(str(backgrounds / "large.png"), natural(1, (1800, 2700)))
        cv2.imwrite(str(backgrounds / "small.png"), natural(1))  # the same once more
        cv2.imwrite(str(backgrounds / "other.jpg"), natural(2))
        cv2.imwrite(str(backgrounds / "flat.png"), np.full((800, 900, 3), 77, np.uint8))
        cv2.imwrite(str(stamps / "cow.png"), animal(3))
        cv2.imwrite(str(stamps / "cartoon/cow.png"), animal(4))
        return UnpackedPackage(name, "1.0", root, COPYRIGHT)

    monkeypatch.setattr(module, "unpack", unpack)
    folder = tmp_path / "photographs"
    fetch_photographs(folder, ["wallpapers"])
    return folder


def test_kept_are_photographs_once_and_things_that_could_move(filled: Path) -> None:
    found = open_photographs(filled)
    assert [(each.file, each.kind) for each in found.photographs] == [
        ("wallpapers/cow.png", "mover"),
        ("wallpapers/large.jpg", "photograph"),
        ("wallpapers/other.jpg", "photograph"),
    ]
    assert [Path(path).name for path in found.paths()] == ["large.jpg", "other.jpg"]
    assert cv2.imread(found.paths()[0]).shape == (1024, 1536, 3)
    assert cv2.imread(found.paths("mover")[0], cv2.IMREAD_UNCHANGED).shape[2] == 4
    assert sorted(path.name for path in filled.iterdir()) == [LIST, "wallpapers"]


def test_authors_and_licences_stay_with_them(filled: Path) -> None:
    for each in open_photographs(filled).photographs:
        assert each.authors == ("2001, A. Author",)
        assert each.licence == "CC0-1.0"
        assert (each.package, each.version) == ("wallpapers", "1.0")
    assert (filled / "wallpapers/copyright").read_text() == COPYRIGHT


def test_the_digest_is_that_of_names_and_contents(filled: Path) -> None:
    before = open_photographs(filled).digest
    assert open_photographs(filled).digest == before
    listed = json.loads((filled / LIST).read_text())
    listed["photographs"] = [
        each for each in listed["photographs"] if not each["file"].endswith("other.jpg")
    ]
    (filled / LIST).write_text(json.dumps(listed))
    assert open_photographs(filled).digest != before


def test_a_photograph_that_changed_is_refused(filled: Path) -> None:
    with (filled / "wallpapers/other.jpg").open("ab") as file:
        file.write(b"x")
    with pytest.raises(InputError, match=r"other.jpg: expected the photograph of SHA-256"):
        open_photographs(filled)
    (filled / "wallpapers/other.jpg").unlink()
    with pytest.raises(InputError, match=r"other.jpg: .*No such file.*fetch them again"):
        open_photographs(filled)


def test_a_folder_without_a_list_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected a list of photographs, found .*No such file"):
        open_photographs(tmp_path)


def test_a_folder_that_was_filled_is_not_filled_again(filled: Path) -> None:
    with pytest.raises(OutputError, match=r"expected no photographs yet, found photographs\.json"):
        fetch_photographs(filled, ["wallpapers"])
