"""The middleware as `motion_seg doctor` sees it."""

from __future__ import annotations

from pathlib import Path

import pytest
from checkout import ROOT

from motion_seg_ros.cli.checkup import ros_side

LARGE = ROOT / "config" / "fastdds_large_images.xml"
RMW = "rmw_fastrtps_cpp"


@pytest.fixture(autouse=True)
def nothing_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("RMW_IMPLEMENTATION", raising=False)
    monkeypatch.delenv("ROS_AUTOMATIC_DISCOVERY_RANGE", raising=False)


def test_a_camera_started_here_would_lose_images(monkeypatch: pytest.MonkeyPatch) -> None:
    found = ros_side.fast_dds_segment(RMW)
    assert found.state == "note"
    assert "32.0 MB for the node; 0.5 MB for cameras" in found.found
    command = found.remedy.partition("#")[0].strip()
    assert command == f"export FASTRTPS_DEFAULT_PROFILES_FILE={LARGE}"
    name, _, value = command.removeprefix("export ").partition("=")
    monkeypatch.setenv(name, value)
    assert ros_side.fast_dds_segment(RMW).state == "ok", "the command mends it"


def test_a_profile_without_shared_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    profile = tmp_path / "udp.xml"
    text = LARGE.read_text(encoding="utf-8")
    profile.write_text(text.replace("<transport_id>shm_big</transport_id><", "<"))
    monkeypatch.setenv("FASTRTPS_DEFAULT_PROFILES_FILE", str(profile))
    found = ros_side.fast_dds_segment(RMW)
    assert (found.state, found.remedy) == ("note", "")
    assert "no shared memory" in found.found
