"""`motion_seg evaluate --trajectory`, run as a user runs it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import mapping
import pytest
import recordings
import rgbd_walks

from motion_seg_ros.cli import evaluate_trajectories, main
from motion_seg_ros.errors import MissingDependencyError
from motion_seg_ros.lab.evaluation.trajectory.poses import scene_poses
from motion_seg_ros.lab.evaluation.trajectory.scenes import trajectory_scene
from motion_seg_ros.lab.synthetic.renderer import Renderer

COMMAND = ("evaluate", "--trajectory", "--jobs", "1")
QUICK = ("--set", "masks.backend=densifier", "--set", "labelling.backend=geometric")
START_S = 1305031102
needs_odometry = pytest.mark.skipif(
    not (hasattr(cv2, "Odometry") and mapping.EVO), reason="OpenCV 5 or evo: not installed"
)


def write_clip(folder: Path) -> Path:
    """A clip as of the TUM RGB-D benchmark: images named by their stamps, and a file of poses."""
    scene = trajectory_scene("truck_backing", size=(160, 120), frames=5)
    (folder / "rgb").mkdir(parents=True)
    (folder / "truth").mkdir()
    lines = ["# stamp tx ty tz qx qy qz qw"]
    for frame, pose in zip(Renderer(scene), scene_poses(scene).camera_to_world, strict=True):
        stamp = f"{START_S + frame.stamp_ns * 1e-9:.6f}"
        cv2.imwrite(str(folder / "rgb" / f"{stamp}.png"), frame.image_bgr)
        cv2.imwrite(str(folder / "truth" / f"{stamp}.png"), frame.moving * 255)
        x, y, z = pose[:3, 3]
        lines.append(f"{float(stamp) + 0.004:.6f} {x} {y} {z} 0 0 0 1")
    (folder / "groundtruth.txt").write_text("\n".join(lines), encoding="utf-8")
    return folder


@mapping.needs_colmap
def test_a_folder_with_poses_and_truth(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip, out = write_clip(tmp_path / "clip"), tmp_path / "out"
    arguments = [*COMMAND, *QUICK, "--root", clip / "rgb", "--poses", clip / "groundtruth.txt"]
    arguments += ["--truth", clip / "truth", "--features", 300, "-o", out]
    assert main.main([str(each) for each in arguments]) == 0
    assert sorted(each.name for each in out.iterdir()) == [
        "trajectories",
        "trajectory.html",
        "trajectory.json",
    ]
    content = json.loads((out / "trajectory.json").read_text(encoding="utf-8"))
    (found,) = content["clips"]
    assert found["name"] == "rgb"
    assert set(found["maps"]) == {"none", "ours", "true"}
    assert found["maps"]["true"]["registered"] == found["frames"] == 5
    assert found["maps"]["true"]["errors"]["ate_m"] < 0.02 * found["path_m"]
    assert content["mapping"]["max_features"] == 300
    assert {"pycolmap", "evo"} <= content["versions"].keys()
    assert "frames placed" in capsys.readouterr().out
    assert main.main([str(each) for each in arguments]) == 2
    assert "already exists" in capsys.readouterr().err


@mapping.needs_colmap
def test_a_bag_with_poses_of_the_same_clock(tmp_path: Path) -> None:
    bag, out = (
        recordings.image_bag(tmp_path / "drive", recordings.pan(4, (64, 48))),
        tmp_path / "out",
    )
    stamps = [(recordings.START_NS + k * recordings.STEP_NS) * 1e-9 for k in range(-1, 5)]
    lines = [f"{stamp + 0.003:.6f} {k} {k * k} 0 0 0 0 1" for k, stamp in enumerate(stamps)]
    (tmp_path / "poses.txt").write_text("\n".join(lines), encoding="utf-8")
    arguments = [*COMMAND, *QUICK, "--root", bag, "--poses", tmp_path / "poses.txt", "-o", out]
    assert main.main([str(each) for each in arguments]) == 0
    (found,) = json.loads((out / "trajectory.json").read_text(encoding="utf-8"))["clips"]
    # Of the poses those of the four frames count: 3, 5 and 7 up, and 1 across each.
    assert found["path_m"] == pytest.approx(10**0.5 + 26**0.5 + 50**0.5)
    assert set(found["maps"]) == {"none", "ours"}
    assert found["spoiled"] is None


CAMERA = """\
image_width: 160
image_height: 120
camera_matrix: {{data: [{focal}, 0, 79.5, 0, {focal}, 59.5, 0, 0, 1]}}
"""


@needs_odometry
@pytest.mark.parametrize("dataset", ["tum_rgbd", "bonn", "folder"])
def test_a_depth_camera_in_a_room_with_people(
    dataset: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scene = rgbd_walks.small_walk("group_crosses", 12)
    root, out = tmp_path / "walks", tmp_path / "out"
    clip = rgbd_walks.write_walk(root / "crossing", scene, bonn=dataset == "bonn")
    focal = scene.camera.matrix(0.0)[0, 0]
    (tmp_path / "camera.yaml").write_text(CAMERA.format(focal=focal), encoding="utf-8")
    arguments = [*COMMAND, *QUICK, "--dataset", dataset, "--root", clip, "-o", out]
    arguments += ["--truth", clip / "truth", "--camera", tmp_path / "camera.yaml"]
    assert main.main([str(each) for each in arguments]) == 0
    content = json.loads((out / "trajectory.json").read_text(encoding="utf-8"))
    (found,) = content["clips"]
    assert set(found["maps"]) == {"none", "ours", "true"}
    # Bonn's depth has a frame that is listed only.
    placed = 11 if dataset == "bonn" else 12
    assert found["maps"]["true"]["registered"] == placed
    errors = found["maps"]["true"]["errors"]
    # The rotation between frames tells the axes of the poses.
    assert errors["ate_m"] < 0.02 * found["path_m"]
    assert errors["rpe_m"] < 0.002
    assert errors["rpe_deg"] < 0.05
    assert found["spoiled"]
    assert content["configuration"]["depth.backend"] == "topic"
    assert content["mapping"]["max_depth_m"] == 8
    names = sorted(each.name for each in (out / "trajectories").iterdir())
    assert names == [
        "crossing.svg",
        "crossing_map_with_our_masks.jpg",
        "crossing_map_without_masks.jpg",
    ]
    page = (out / "trajectory.html").read_text(encoding="utf-8")
    assert page.count("data:image/jpeg;base64,") == 2
    assert "frames placed" in capsys.readouterr().out


@needs_odometry
@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--dataset", "tum_rgbd"), "expected --root"),
        (("--dataset", "tum_rgbd", "--root", "walk"), "expected a folder with rgb.txt"),
        (("--dataset", "bonn", "--root", "crossing"), "give the calibration by --camera"),
        (("--dataset", "tum_rgbd", "--root", "freiburg3"), "calibration of images of 160x120"),
        (("--dataset", "tum_rgbd", "--root", "lost"), "expected groundtruth.txt, found none"),
        (("--dataset", "folder", "--root", "crossing", "--fps", "9"), "--fps: expected without"),
        (("--dataset", "bonn", "--root", "crossing", "--features", "9"), "found a depth camera"),
        (("--dataset", "synthetic_rgbd", "--sequences", "nowhere"), "nowhere"),
        (("--dataset", "synthetic_rgbd", "--poses", "p.txt"), "expected no --root or --poses"),
        (
            ("--dataset", "synthetic_rgbd", "--set", "depth.backend=none"),
            "expected topic with synthetic_rgbd, as ~/static_depth needs it, found none",
        ),
    ],
)
def test_wrong_input_of_a_depth_camera_is_one_line(
    options: tuple[str, ...],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    recordings.write_images(tmp_path / "walk", recordings.pan(4, (64, 48)))
    rgbd_walks.write_walk(tmp_path / "crossing", rgbd_walks.small_walk("nobody", 4))
    for name in ("freiburg3", "lost"):
        shutil.copytree(tmp_path / "crossing", tmp_path / name)
    (tmp_path / "lost" / "groundtruth.txt").unlink()
    assert main.main([*COMMAND, *QUICK, *options, "-o", "out"]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert not (tmp_path / "out").exists()


def test_data_sets_of_paths_have_no_masks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(["evaluate", "--dataset", "bonn", "-o", str(tmp_path / "out")]) == 2
    assert "--dataset bonn: expected with --trajectory" in capsys.readouterr().err
    words = ["evaluate", "--dataset", "synthetic", "--features", "9", "-o", str(tmp_path / "out")]
    assert main.main(words) == 2
    assert "--features: expected with --trajectory" in capsys.readouterr().err


@mapping.needs_colmap
@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            ("--dataset", "davis2016"),
            "expected synthetic, folder, bag, tum_rgbd, bonn or synthetic_rgbd with",
        ),
        (("--sequences", "nowhere"), "nowhere"),
        (("--root", "walk"), "expected --poses"),
        (("--poses", "bad.txt"), "expected --root"),
        (("--dataset", "bag"), "expected --root"),
        (("--root", "walk", "--poses", "bad.txt"), "bad.txt: line 1: expected 8 numbers"),
        (("--root", "walk", "--poses", "far.txt"), "give poses of the same clock"),
        (("--against", "mog2"), "expected without --trajectory"),
    ],
)
def test_wrong_input_is_one_line_and_leaves_nothing(
    options: tuple[str, ...],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    recordings.write_images(tmp_path / "walk", recordings.pan(4, (64, 48)))
    (tmp_path / "bad.txt").write_text("1 2 3\n", encoding="utf-8")
    lines = [f"{1000 + k} 0 0 0 0 0 0 1" for k in range(5)]
    (tmp_path / "far.txt").write_text("\n".join(lines), encoding="utf-8")
    assert main.main([*COMMAND, *QUICK, *options, "-o", "out"]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert len(said.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_missing_package_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(*, rgbd: bool) -> None:
        raise MissingDependencyError("trajectories: expected the package pycolmap, found none")

    monkeypatch.setattr(evaluate_trajectories, "check_libraries", missing)
    assert main.main([*COMMAND, "-o", str(tmp_path / "out")]) == 2
    assert "pycolmap" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_evaluate_asks_for_a_data_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["evaluate", "-o", str(tmp_path / "out")]) == 2
    assert "expected --dataset" in capsys.readouterr().err


@pytest.mark.parametrize("seeds", ["", "1,", "1,1", "a", "3-1", "0-", "0-2,1", "0-99999999"])
def test_wrong_seeds_are_wrong_usage(seeds: str, tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as exit_:
        main.main([*COMMAND, "--seeds", seeds, "-o", str(tmp_path / "out")])
    assert exit_.value.code == 2
