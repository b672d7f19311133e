"""`motion_seg evaluate --trajectory`, run as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import mapping
import pytest
import recordings

from motion_seg_ros.cli import evaluate_trajectories, main
from motion_seg_ros.errors import MissingDependencyError
from motion_seg_ros.lab.evaluation.trajectory.poses import scene_poses
from motion_seg_ros.lab.evaluation.trajectory.scenes import trajectory_scene
from motion_seg_ros.lab.synthetic.renderer import Renderer

COMMAND = ("evaluate", "--trajectory", "--jobs", "1")
QUICK = ("--set", "masks.backend=densifier", "--set", "labelling.backend=geometric")
START_S = 1305031102


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


@mapping.needs_colmap
@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--dataset", "davis2016"), "expected synthetic, folder or bag with --trajectory"),
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
