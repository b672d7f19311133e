"""Choice of the middleware's profile, and what is known about the one in use."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS 2: make setup, or a full installation")

from node_bench import MARKER_NODE, Bench, NodeProcess, image_message, ping

from motion_seg_ros.ros.middleware import (
    DEFAULT_SEGMENT_BYTES,
    PROFILE_FILES,
    PROFILE_VARIABLES,
    profile_variable,
    segment_bytes,
    shortage,
    use_large_segment,
)

CONFIG = Path(__file__).parents[2] / "config"
LARGE, LOCAL = CONFIG / "fastdds_large_images.xml", CONFIG / "fastdds_large_images_localhost.xml"
FAST_DDS = "rmw_fastrtps_cpp"
MB = 2**20


@pytest.mark.parametrize(
    ("environment", "profile"),
    [
        ({}, LARGE),
        ({"RMW_IMPLEMENTATION": "rmw_fastrtps_cpp"}, LARGE),
        ({"RMW_IMPLEMENTATION": "rmw_fastrtps_dynamic_cpp"}, LARGE),
        ({"ROS_AUTOMATIC_DISCOVERY_RANGE": "SUBNET"}, LARGE),
        ({"ROS_AUTOMATIC_DISCOVERY_RANGE": "OFF"}, LARGE),
        ({"ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}, LOCAL),
        ({"ROS_LOCALHOST_ONLY": "1"}, LOCAL),
        ({"ROS_LOCALHOST_ONLY": "0"}, LARGE),
        ({"FASTRTPS_DEFAULT_PROFILES_FILE": ""}, LARGE),
        # The user's choice.
        ({"RMW_IMPLEMENTATION": "rmw_cyclonedds_cpp"}, None),
        ({"RMW_IMPLEMENTATION": "rmw_zenoh_cpp"}, None),
        ({"FASTRTPS_DEFAULT_PROFILES_FILE": "/their.xml"}, None),
        ({"FASTDDS_DEFAULT_PROFILES_FILE": "/their.xml"}, None),
        ({"FASTDDS_BUILTIN_TRANSPORTS": "LARGE_DATA"}, None),
    ],
)
def test_the_profile_is_set_unless_the_user_chose(
    tmp_path: Path, environment: dict[str, str], profile: Path | None
) -> None:
    changed = dict(environment)
    assert use_large_segment(changed, tmp_path, tmp_path) == ""
    expected = {} if profile is None else {"FASTRTPS_DEFAULT_PROFILES_FILE": str(profile)}
    assert changed == {**environment, **expected}


def test_fast_dds_3_warns_about_the_variable_of_version_2(tmp_path: Path) -> None:
    (tmp_path / "kilted/lib").mkdir(parents=True)
    (tmp_path / "kilted/lib/libfastdds.so.3.2").touch()
    environment = {"AMENT_PREFIX_PATH": f"/overlay:{tmp_path / 'kilted'}"}
    assert use_large_segment(environment, tmp_path, tmp_path) == ""
    assert environment["FASTDDS_DEFAULT_PROFILES_FILE"] == str(LARGE)
    assert "FASTRTPS_DEFAULT_PROFILES_FILE" not in environment


@pytest.mark.parametrize("name", PROFILE_FILES)
def test_a_profile_in_the_working_directory_is_the_users(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("<dds/>")
    environment: dict[str, str] = {}
    assert use_large_segment(environment, tmp_path, tmp_path) == ""
    assert environment == {}


def test_a_segment_that_does_not_fit_is_not_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def statvfs(path: object, free: int = 40 * MB) -> os.statvfs_result:
        return os.statvfs_result((4096, 4096, 16384, 99999, free // 4096, 9, 9, 9, 0, 255))

    environment: dict[str, str] = {}
    monkeypatch.setattr(os, "statvfs", statvfs)
    assert use_large_segment(environment, tmp_path, tmp_path) == ""
    environment.clear()
    monkeypatch.setattr(os, "statvfs", lambda path: statvfs(path, 20 * MB))
    warning = use_large_segment(environment, tmp_path, Path("/dev/shm"))
    assert environment == {}
    assert "/dev/shm: expected 36.0 MB" in warning
    assert "found 20.0 MB free" in warning
    assert "--shm-size" in warning


def xml(transports: str, participant: str, default: str = "true") -> str:
    return f"""<?xml version="1.0"?><dds xmlns="http://www.eprosima.com"><profiles>
    <transport_descriptors>{transports}</transport_descriptors>
    <participant profile_name="p" is_default_profile="{default}"><rtps>{participant}</rtps>
    </participant></profiles></dds>"""


def shm(name: str, content: str = "") -> str:
    return (
        f"<transport_descriptor><transport_id>{name}</transport_id><type>SHM</type>{content}"
        "</transport_descriptor>"
    )


UDP = (
    "<transport_descriptor><transport_id>udp</transport_id><type>UDPv4</type>"
    "</transport_descriptor>"
)


def uses(*names: str, builtin: bool) -> str:
    used = "".join(f"<transport_id> {name} </transport_id>" for name in names)
    flag = str(builtin).lower()
    flag = f"<useBuiltinTransports>{flag}</useBuiltinTransports>"
    return f"<userTransports>{used}</userTransports>{flag}"


@pytest.mark.parametrize(
    ("text", "size"),
    [
        (LARGE.read_text(), 32 * MB),
        (LOCAL.read_text(), 32 * MB),
        (xml(shm("a", "<segment_size>2097152</segment_size>"), uses("a", builtin=False)), 2 * MB),
        (xml(shm("a"), uses("a", builtin=False)), DEFAULT_SEGMENT_BYTES),
        (
            xml(
                shm("b", "<segment_size>9</segment_size>")
                + shm("a", "<segment_size>2097152</segment_size>"),
                uses("a", builtin=False),
            ),
            2 * MB,
        ),
        (xml(UDP, uses("udp", builtin=True)), DEFAULT_SEGMENT_BYTES),
        (xml("", ""), DEFAULT_SEGMENT_BYTES),
        (xml(shm("a", "<segment_size>9</segment_size>"), ""), DEFAULT_SEGMENT_BYTES),
        (
            xml(shm("a", "<segment_size>9</segment_size>"), uses("a", builtin=False), "false"),
            DEFAULT_SEGMENT_BYTES,
        ),
        (xml(UDP, uses("udp", builtin=False)), None),  # no shared memory at all
        ("not XML", DEFAULT_SEGMENT_BYTES),
        (
            xml(shm("a", "<segment_size>x</segment_size>"), uses("a", builtin=False)),
            DEFAULT_SEGMENT_BYTES,
        ),
    ],
)
def test_the_segment_of_a_profile(tmp_path: Path, text: str, size: int | None) -> None:
    file = tmp_path / "profile.xml"
    file.write_text(text)
    for variable in PROFILE_VARIABLES:
        assert segment_bytes(FAST_DDS, {variable: str(file)}, tmp_path) == size
    (tmp_path / PROFILE_FILES[0]).write_text(text)
    assert segment_bytes(FAST_DDS, {}, tmp_path) == size


def test_the_segment_without_a_profile(tmp_path: Path) -> None:
    assert segment_bytes(FAST_DDS, {}, tmp_path) == DEFAULT_SEGMENT_BYTES
    missing = {PROFILE_VARIABLES[0]: str(tmp_path / "missing.xml")}
    assert segment_bytes(FAST_DDS, missing, tmp_path) == DEFAULT_SEGMENT_BYTES
    for transports, size in (("SHM", DEFAULT_SEGMENT_BYTES), ("UDPv4", None), ("LARGE_DATA", None)):
        environment = {"FASTDDS_BUILTIN_TRANSPORTS": transports}
        assert segment_bytes(FAST_DDS, environment, tmp_path) == size
    assert segment_bytes("rmw_cyclonedds_cpp", {}, tmp_path) is None


def test_a_shortage_is_told_with_numbers_and_remedy() -> None:
    text = shortage(int(1.5 * MB), MB // 2)
    assert "expected 1.5 MB for the images of a frame, found a segment of 0.5 MB" in text
    assert f"unset {profile_variable()} and FASTDDS_BUILTIN_TRANSPORTS" in text
    assert shortage(MB, MB) == ""
    assert shortage(MB, None) == ""


def largest_segment_of(environment: dict[str, str]) -> int:
    """Size of the largest file in shared memory that a process with a node maps."""
    code = """
        from motion_seg_ros.ros.middleware import use_large_segment
        assert use_large_segment() == ""
        import os, rclpy
        rclpy.init(args=[])
        node = rclpy.create_node("probe")
        mapped = {line.split()[-1] for line in open("/proc/self/maps") if "/dev/shm/fast" in line}
        print(max(os.stat(each).st_size for each in mapped if os.path.exists(each)))
        node.destroy_node()
        rclpy.shutdown()
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={k: v for k, v in {**os.environ, **environment}.items() if v},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout.splitlines()[-1])


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("reach", ["SUBNET", "LOCALHOST", "OFF"])
def test_the_middleware_takes_the_profile(reach: str) -> None:
    if os.environ.get("RMW_IMPLEMENTATION", FAST_DDS) != FAST_DDS:
        pytest.skip("profiles are Fast DDS'")
    if shutil.disk_usage("/dev/shm").free < 40 * MB:
        pytest.skip("/dev/shm is too small")
    unset = dict.fromkeys(PROFILE_VARIABLES, "")
    # A domain apart, or segments of other processes of the tests would be mapped too.
    domain = random.randint(216, 231)  # ports above the ephemeral ones
    place = {"ROS_AUTOMATIC_DISCOVERY_RANGE": reach, "ROS_DOMAIN_ID": str(domain)}
    assert largest_segment_of({**unset, **place}) > 32 * MB
    assert largest_segment_of({**unset, **place, "FASTDDS_BUILTIN_TRANSPORTS": "DEFAULT"}) < MB


def test_the_node_says_that_its_segment_is_too_small(tmp_path: Path) -> None:
    arguments = ["-r", "__ns:=/small", "-p", "diagnostics.period_s:=0.2"]
    env = {"FASTDDS_BUILTIN_TRANSPORTS": "DEFAULT"}  # the user's choice
    node = NodeProcess(MARKER_NODE, arguments, env, tmp_path / "log")
    bench = Bench("small")
    try:
        bench.connect(node, ping)
        assert "shared memory" not in bench.status("segmentation").message
        for stamp in (10, 11):
            bench.images.publish(image_message(np.zeros((480, 640, 3), np.uint8), stamp))
        said = bench.status("segmentation", lambda s: "shared memory of Fast DDS" in s.message)
        assert said.level >= b"\x01"
        assert "found a segment of 0.5 MB" in said.message
        bench.spin_until(lambda: "shared memory of Fast DDS" in node.output)
        bench.spin(1.0)
        assert node.output.count("shared memory of Fast DDS") == 1
    finally:
        bench.close()
        status = node.stop()
    assert status == 0, node.output
