"""Calibration files: read as they are, or refused in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import recordings
import yaml
from camera_files import TEXT, write_camera
from hostile import FLOATS, TEXTS, attempt, damaged, share
from hypothesis import given
from hypothesis import strategies as st

from motion_seg_ros.errors import InputError
from motion_seg_ros.io.bag import BagTopic
from motion_seg_ros.io.camera_file import MAX_BYTES, CalibratedSource, calibrated, read_camera_file
from motion_seg_ros.io.image_folder import ImageFolder

SIZE = (72, 96)


def test_what_camera_calibration_writes(tmp_path: Path) -> None:
    found = read_camera_file(write_camera(tmp_path / "a.yaml")).fitted(SIZE, rectified=False)
    assert found.camera is not None
    assert found.camera.size == SIZE
    np.testing.assert_array_equal(found.camera.matrix, [[80.5, 0, 48], [0, 81.25, 36], [0, 0, 1]])
    assert found.camera.distortion_model == "plumb_bob"
    assert found.camera.distortion == (-0.2, 0.05, 1e-3, -2e-5, 0.0)


def test_rectified_images(tmp_path: Path) -> None:
    found = read_camera_file(write_camera(tmp_path / "a.yaml")).fitted(SIZE, rectified=True)
    assert found.camera is not None
    np.testing.assert_array_equal(found.camera.matrix, [[75, 0, 47], [0, 76, 35], [0, 0, 1]])
    assert found.camera.distortion_model == "none"


def test_what_may_be_missing(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(
        "image_width: 96\nimage_height: 72\ncamera_matrix: [80, 0, 48, 0, 80, 36, 0, 0, 1]"
    )
    found = read_camera_file(file).fitted(SIZE, rectified=False)
    assert found.camera is not None
    assert (found.camera.focal_px, found.camera.distortion_model) == (80, "none")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("image_width: 96", "", "expected image_width as a number of pixels, found none"),
        ("image_width: 96", "image_width: wide", "found 'wide'"),
        ("image_width: 96", "image_width: true", "found True"),
        ("image_height: 72", "image_height: -72", "found -72"),
        ("camera_matrix", "camera", "expected 9 numbers as data of camera_matrix, found none"),
        ("81.25, ", "", "expected 9 numbers as data of camera_matrix, found [80.5, 0.0"),
        ("81.25", "much", "expected 9 numbers as data of camera_matrix"),
        ("81.25", ".nan", "expected 9 numbers as data of camera_matrix"),
        ("81.25", "[1]", "expected 9 numbers as data of camera_matrix"),
        ("80.5", "0", "found one without valid intrinsics: camera matrix"),
        ("80.5, 0. , 48. , 0. , 81.25, 36. , 0. , 0. , 1. ", "0,0,0,0,0,0,0,0,0", "all zeros"),
        ("-0.2, 0.05, ", "", "expected 4 or 5 coefficients of plumb_bob, found 3"),
        ("-0.2, 0.05", "-2e8, 0.05", "that fit the image"),
        ("model: plumb_bob", "model: mirror", "found 'mirror'"),
        ("75. ,", "", "expected 12 numbers as data of projection_matrix"),
        ("image_width: 96", "%YAML:1.0", "expected the YAML file of camera_calibration"),
        ("image_width: 96", "- 96", "expected the YAML file of camera_calibration"),
        ("image_width: 96", "image_width: !!python/object:os.system {}", "expected the YAML file"),
    ],
)
def test_wrong_files(tmp_path: Path, old: str, new: str, words: str) -> None:
    file = write_camera(tmp_path / "a.yaml", old, new)
    with pytest.raises(InputError) as raised:
        read_camera_file(file)
    assert str(raised.value).startswith(f"{file}: expected ")
    assert words in str(raised.value)


@pytest.mark.parametrize(
    "data", [b"", b"7", b"[1, 2]", b"\xff\xfe", b"\x89PNG\r\n\x1a\n", b"a: [" * 999]
)
def test_other_files(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.yaml").write_bytes(data)
    with pytest.raises(InputError, match="expected the YAML file of camera_calibration, found "):
        read_camera_file(tmp_path / "a.yaml")


def test_no_file_at_all(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="found none that can be read: No such file"):
        read_camera_file(tmp_path / "a.yaml")
    with pytest.raises(InputError, match="found none that can be read: Is a directory"):
        read_camera_file(tmp_path)
    (tmp_path / "film.yaml").write_bytes(b" " * (MAX_BYTES + 1))
    with pytest.raises(InputError, match="expected at most 1000000 bytes"):
        read_camera_file(tmp_path / "film.yaml")


def test_images_of_another_size(tmp_path: Path) -> None:
    file = read_camera_file(write_camera(tmp_path / "a.yaml"))
    recordings.write_images(tmp_path / "in", recordings.pan(1, (64, 48)))
    source = calibrated(ImageFolder(tmp_path / "in", 10.0), file)
    with pytest.raises(InputError) as raised:
        list(source)
    assert str(raised.value) == (
        f"{tmp_path}/a.yaml: expected the calibration of images of 64x48, found one for 96x72, the "
        "images are 64x48; calibrate the camera at this size, or leave --camera out"
    )


def test_a_sequence_with_the_camera_of_a_file(tmp_path: Path) -> None:
    file = read_camera_file(write_camera(tmp_path / "a.yaml"))
    recordings.write_images(tmp_path / "in", recordings.pan(3))
    plain = ImageFolder(tmp_path / "in", 10.0)
    source = calibrated(plain, file)
    assert isinstance(source, CalibratedSource)
    assert (source.name, source.path, source.length, source.fps) == ("in", tmp_path / "in", 3, 10.0)
    cameras = [each.frame.camera for each in source]
    assert cameras[0] is not None
    assert all(each is cameras[0] for each in cameras)
    assert cameras[0].distortion[0] == -0.2
    said = "a.yaml: fits the images, focal length 80.5 px, plumb_bob"
    assert [each.calibration for each in source] == [said] * 3
    assert calibrated(plain, None) is plain


def test_a_file_wins_over_a_bag_and_knows_rectified_images(tmp_path: Path) -> None:
    file = read_camera_file(write_camera(tmp_path / "a.yaml"))
    topics: dict[str, list[Any]] = {
        topic: [recordings.image_message(recordings.pan(1)[0], 5)]
        for topic in ("/cam/image_raw", "/cam/image_rect")
    }
    topics["/cam/camera_info"] = [recordings.camera_info_message(5)]
    bag = recordings.write_bag(tmp_path / "bag", topics)
    found = {}
    for topic in ("/cam/image_raw", "/cam/image_rect"):
        (item,) = calibrated(BagTopic(bag, topic), file)
        assert item.frame.camera is not None
        found[topic] = item.frame.camera.matrix[0, 0]
    assert found == {"/cam/image_raw": 80.5, "/cam/image_rect": 75.0}


values = st.none() | st.booleans() | FLOATS | st.integers() | TEXTS | st.just([]) | st.just({})
numbers = st.lists(values | st.floats(-1, 1), max_size=14)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cameras") / "camera.yaml"


@share(0.02)
@given(data=damaged(TEXT.encode()))
def test_damaged_files(place: Path, data: bytes) -> None:
    place.write_bytes(data)
    attempt(lambda: read_camera_file(place), InputError)


@share(0.05)
@given(
    st.dictionaries(
        st.sampled_from(sorted(yaml.safe_load(TEXT))),
        values | numbers | st.fixed_dictionaries({"data": numbers | values}),
    )
)
def test_values_of_strangers(place: Path, changes: dict[str, Any]) -> None:
    place.write_text(yaml.safe_dump({**yaml.safe_load(TEXT), **changes}), encoding="utf-8")
    found = attempt(lambda: read_camera_file(place), InputError)
    assert found is None or found.calibration.camera is not None
