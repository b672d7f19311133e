"""True poses, from scenes and from files in the TUM format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from motion_seg_ros.errors import InputError
from motion_seg_ros.lab.evaluation.trajectory.poses import read_tum, scene_poses
from motion_seg_ros.lab.evaluation.trajectory.scenes import SCENES, trajectory_scene
from motion_seg_ros.lab.synthetic.renderer import Renderer

HALF = 0.5**0.5
GOOD = "1.5 1 2 3 0 0 0 1\n1.6 4 5 6 0 0 0 1\n1.7 7 8 9 0 0 0 1\n"


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "poses.txt"
    path.write_text(text, encoding="utf-8")
    return path


def test_comments_are_left_out_and_quaternions_turn_the_right_way(tmp_path: Path) -> None:
    text = f"# stamp x y z qx qy qz qw\n\n10.25 1 2 3 0 0 {HALF} {HALF} # to the left\n"
    text += f"10.5 4 5 6 {HALF} 0 0 {HALF}\n10.75,0,0,0,0,{HALF},0,{HALF}\n"
    poses = read_tum(write(tmp_path, text))
    assert poses.stamps_s.tolist() == [10.25, 10.5, 10.75]
    x, y, z = np.eye(3)
    turned = poses.camera_to_world[:, :3, :3]
    # A quarter turn about an axis takes the next axis to the one after it.
    assert np.allclose(turned[0] @ x, y)
    assert np.allclose(turned[1] @ y, z)
    assert np.allclose(turned[2] @ z, x)
    assert poses.camera_to_world[1, :, 3].tolist() == [4, 5, 6, 1]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "at least 3 poses, found 0"),
        (GOOD + "1.8 1 2 3 0 0 0\n", "line 4: expected 8 numbers"),
        (GOOD + "1.8 1 2 3 0 0 0 one\n", "line 4: expected 8 numbers"),
        (GOOD + "1.8 1 2 nan 0 0 0 1\n", "line 4: expected 8 numbers"),
        (GOOD + "1.8 1 2 3 0 0 0 2\n", "line 4: expected a quaternion of length 1, found length 2"),
        (GOOD + "1.7 1 2 3 0 0 0 1\n", "rising stamps, found 1.700000 after 1.700000"),
    ],
)
def test_a_wrong_file_is_named_in_one_line(tmp_path: Path, text: str, words: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(InputError) as error:
        read_tum(path)
    assert str(error.value).startswith(f"{path}: ")
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_file_and_one_that_is_no_text_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read_tum(tmp_path / "none.txt")
    (tmp_path / "poses.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not a text"):
        read_tum(tmp_path / "poses.txt")


def test_a_scenes_poses_are_those_it_is_rendered_with() -> None:
    scene = trajectory_scene("nothing_moves", seed=3, size=(32, 24), frames=3)
    poses = scene_poses(scene)
    for frame in Renderer(scene):
        assert np.allclose(poses.camera_to_world[frame.index] @ frame.world_to_camera, np.eye(4))
        assert poses.stamps_s[frame.index] == pytest.approx(frame.stamp_ns * 1e-9, abs=1e-9)


@pytest.mark.parametrize("name", sorted(SCENES))
def test_every_scene_moves_what_it_says_and_the_camera_travels(name: str) -> None:
    scene = trajectory_scene(name, size=(64, 48), frames=4)
    moving = [frame.moving.mean() for frame in Renderer(scene)]
    if name == "nothing_moves":
        assert max(moving) == 0
    elif name == "walker_far":
        assert 0 < max(moving) < 0.05
    else:
        assert max(moving) > 0.1
    xyz = scene_poses(scene).camera_to_world[:, :3, 3]
    assert np.linalg.norm(xyz[-1] - xyz[0]) > 1.5
