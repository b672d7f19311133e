"""The package finds its own files in a source tree and where it is installed."""

from __future__ import annotations

from pathlib import Path

import pytest

import motion_seg_ros
from motion_seg_ros.errors import MissingDependencyError
from motion_seg_ros.io.message_types import typestore
from motion_seg_ros.io.package_files import package_folder

MESSAGES = ("MovingObject", "MovingObjectArray", "Track", "TrackArray")


def test_messages_and_configuration_are_found() -> None:
    assert {each.stem for each in package_folder("msg").glob("*.msg")} == set(MESSAGES)
    assert (package_folder("config") / "fastdds_large_images.xml").is_file()


@pytest.mark.parametrize(
    "site", ["lib/python3.11/site-packages", "local/lib/python3.10/dist-packages"]
)
def test_installed_below_a_prefix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, site: str
) -> None:
    module = tmp_path / site / "motion_seg_ros" / "__init__.py"
    module.parent.mkdir(parents=True)
    module.touch()
    share = tmp_path / "share" / "motion_seg_ros"
    (share / "msg").mkdir(parents=True)
    monkeypatch.setattr(motion_seg_ros, "__file__", str(module))
    assert package_folder("msg") == share / "msg"


def test_installed_below_a_prefix_that_ros_searches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "site-packages" / "motion_seg_ros" / "__init__.py"
    monkeypatch.setattr(motion_seg_ros, "__file__", str(elsewhere))
    share = tmp_path / "install" / "share" / "motion_seg_ros"
    (share / "other").mkdir(parents=True)
    monkeypatch.setenv("AMENT_PREFIX_PATH", f"/nowhere:{tmp_path / 'install'}")
    assert package_folder("other") == share / "other"
    with pytest.raises(MissingDependencyError, match="its folder missing"):
        package_folder("missing")


def test_own_message_types_are_known_to_rosbags() -> None:
    types = typestore()
    for name in MESSAGES:
        assert f"motion_seg_ros/msg/{name}" in types.types
    assert types.types["motion_seg_ros/msg/MovingObject"].SOURCE_PROPAGATED == 1
