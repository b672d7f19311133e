"""`motion_seg evaluate-labels`, run as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from camera_files import write_camera

from motion_seg_ros.camera import Camera
from motion_seg_ros.cli import evaluate_labels, main
from motion_seg_ros.lab.track_samples import TrackSample, write_samples

SIZE = (120, 160)
LABELLER = ("--labellers", "geometric")


def write_clip(root: Path, name: str, frames: int = 8) -> None:
    """A square that passes over a still, textured wall, and its masks."""
    images, masks = root / "JPEGImages/480p" / name, root / "Annotations/480p" / name
    images.mkdir(parents=True)
    masks.mkdir(parents=True)
    rng = np.random.default_rng(1)
    wall = cv2.GaussianBlur(rng.integers(0, 255, (*SIZE, 3), np.uint8), (5, 5), 0)
    square = cv2.GaussianBlur(rng.integers(0, 255, (40, 40, 3), np.uint8), (5, 5), 0)
    for index in range(frames):
        image, mask = wall.copy(), np.zeros(SIZE, np.uint8)
        place = (slice(40, 80), slice(20 + 3 * index, 60 + 3 * index))
        image[place], mask[place] = square, 255
        cv2.imwrite(str(images / f"{index:05d}.jpg"), image)
        cv2.imwrite(str(masks / f"{index:05d}.png"), mask)


def sample(seed: int) -> TrackSample:
    """A still camera, 200 tracks, the first 20 of which move."""
    rng = np.random.default_rng(seed)
    start = rng.uniform(5, 115, (200, 2))
    moving = np.arange(200) < 20
    step = np.where(moving[:, None], [1.5, 0.5], 0.0)
    xy = start + np.arange(8)[:, None, None] * step + rng.normal(0, 0.05, (8, 200, 2))
    return TrackSample(
        xy_px=xy.astype(np.float32),
        visible=np.ones((8, 200), bool),
        confidence=np.full((8, 200), 0.5, np.float32),
        size=SIZE,
        moving=moving,
        labelled=np.ones(200, bool),
        matrix=Camera.guessed(SIZE).matrix,
        tags=("still", "fast") if seed % 2 else ("still",),
    )


@pytest.fixture
def davis(tmp_path: Path) -> Path:
    write_clip(tmp_path / "davis", "pass")
    return tmp_path / "davis"


def assert_fails(capsys: pytest.CaptureFixture[str], *arguments: object, words: str) -> None:
    """Status 2, and one line on stderr with the words."""
    status = main.main(["evaluate-labels", *(str(each) for each in arguments)])
    captured = capsys.readouterr()
    assert status == 2
    assert captured.err.splitlines()[-1].startswith("motion_seg: error: ")
    assert words in captured.err.splitlines()[-1]


def test_clips_and_samples(tmp_path: Path, davis: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "data").mkdir()
    write_samples(tmp_path / "data" / "test-drawn-00000.npz", [sample(0), sample(1)])
    write_samples(tmp_path / "data" / "test-drawn-00001.npz", [sample(2), sample(3)])
    write_samples(tmp_path / "data" / "train-drawn-00000.npz", [sample(4)])
    out = tmp_path / "out"
    arguments = ["evaluate-labels", "--davis", str(davis), "--samples", str(tmp_path / "data")]
    assert main.main([*arguments, *LABELLER, "-o", str(out)]) == 0
    said = capsys.readouterr().out
    assert "pass" in said
    assert "#fast" in said
    results = json.loads((out / "results.json").read_text())
    on_clips = results["davis"]["all"]["geometric"]["shipped_threshold"]
    assert on_clips["roc_auc"] > 0.9
    assert on_clips["recall"] > 0.9
    assert results["davis"]["by_name"].keys() == {"pass"}
    on_samples = results["samples"]["by_name"]["test-drawn"]["geometric"]["shipped_threshold"]
    assert (on_samples["count"], on_samples["positives"]) == (800, 80)
    fast = results["samples"]["by_tag"]["fast"]["geometric"]["shipped_threshold"]
    assert fast["count"] == 400
    assert sorted(each.name for each in out.iterdir()) == [
        "davis.png",
        "results.json",
        "samples.png",
    ]
    assert cv2.imread(str(out / "davis.png")) is not None


def write_tracks(folder: Path, name: str, seed: int) -> None:
    """The tracks of `sample` as a file of labelled tracks; every tenth is not judged."""
    folder.mkdir(exist_ok=True)
    made = sample(seed)
    motion = made.moving.astype(np.int8)
    motion[::10] = -1
    xy_px, visible = made.xy_px.copy(), made.visible.copy()
    visible[-1, :5] = False
    np.savez(folder / f"{name}.npz", xy_px=xy_px, visible=visible, motion=motion, size=SIZE)


def test_labelled_tracks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, out = tmp_path / "tracks", tmp_path / "out"
    write_tracks(folder, "road_1", 0)
    write_tracks(folder, "road_2", 1)
    arguments = ["evaluate-labels", "--tracks", str(folder), *LABELLER]
    assert main.main([*arguments, "-o", str(out)]) == 0
    said = capsys.readouterr().out
    assert "\nlabelled tracks: 2 frames, 352 tracks judged" in said
    assert {"road_1", "road_2"} <= {line.split()[0] for line in said.splitlines() if line.strip()}
    results = json.loads((out / "results.json").read_text())
    assert results["inputs"]["tracks"] == str(folder)
    assert "mean of 2" in said
    # Each track counts as labelled when last in sight, the five that are hidden at the end too.
    motions = results["tracks"]["motions"]["by_name"]["road_1"]
    assert motions["geometric"]["count"] == 180
    assert motions["one motion"]["as_one"]["error"] == pytest.approx(18 / 180)
    assert motions["geometric"]["as_one"]["error"] < 0.05
    assert results["tracks"]["by_name"].keys() == {"road_1", "road_2"}
    found = results["tracks"]["by_name"]["road_1"]["geometric"]["shipped_threshold"]
    # 200 tracks less 20 that are not judged and 4 more that are out of sight; 20 - 2 - 4 move.
    assert (found["count"], found["positives"]) == (176, 14)
    assert found["f1"] == found["roc_auc"] == 1
    assert results["tracks"]["frames"] == 2
    assert cv2.imread(str(out / "tracks.png")) is not None
    assert main.main([*arguments, "--sequences", "road_2"]) == 0
    assert "road_1" not in capsys.readouterr().out


def test_tracks_with_a_calibration(tmp_path: Path) -> None:
    write_tracks(tmp_path / "tracks", "road", 0)
    text = write_camera(tmp_path / "camera.yaml").read_text(encoding="utf-8")
    text = text.replace("width: 96", "width: 160").replace("height: 72", "height: 120")
    (tmp_path / "camera.yaml").write_text(text, encoding="utf-8")
    arguments = ["--tracks", str(tmp_path / "tracks"), "--camera", str(tmp_path / "camera.yaml")]
    out = tmp_path / "out"
    assert main.main(["evaluate-labels", *arguments, *LABELLER, "-o", str(out)]) == 0
    results = json.loads((out / "results.json").read_text())
    assert results["inputs"]["camera"] == str(tmp_path / "camera.yaml")
    assert results["tracks"]["all"]["geometric"]["shipped_threshold"]["roc_auc"] == 1


def test_tracks_have_the_form_of_clips(tmp_path: Path, davis: Path) -> None:
    write_tracks(tmp_path / "tracks", "road", 0)
    out = tmp_path / "out"
    inputs = ["--davis", str(davis), "--tracks", str(tmp_path / "tracks")]
    assert main.main(["evaluate-labels", *inputs, *LABELLER, "-o", str(out)]) == 0
    results = json.loads((out / "results.json").read_text())
    assert results["tracks"].keys() == results["davis"].keys()
    assert (
        results["tracks"]["all"]["geometric"].keys() == results["davis"]["all"]["geometric"].keys()
    )


def test_a_clip_too_short_to_judge(tmp_path: Path) -> None:
    write_clip(tmp_path / "davis", "brief", frames=3)
    out = tmp_path / "out"
    arguments = ["evaluate-labels", "--davis", str(tmp_path / "davis"), "-o", str(out)]
    assert main.main([*arguments, *LABELLER]) == 0
    results = json.loads((out / "results.json").read_text())
    everything = results["davis"]["all"]["geometric"]["shipped_threshold"]
    assert everything["count"] == 0
    assert everything["f1"] is None


def test_without_output_nothing_is_written(
    tmp_path: Path, davis: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(tmp_path.rglob("*"))
    assert main.main(["evaluate-labels", "--davis", str(davis), *LABELLER]) == 0
    assert "geometric" in capsys.readouterr().out
    assert sorted(tmp_path.rglob("*")) == before


def test_the_same_numbers_on_every_run(tmp_path: Path, davis: Path) -> None:
    contents = []
    for name in ("one", "two"):
        out = tmp_path / name
        assert main.main(["evaluate-labels", "--davis", str(davis), *LABELLER, "-o", str(out)]) == 0
        contents.append((out / "results.json").read_bytes())
    assert contents[0] == contents[1]


def test_a_number_of_samples(tmp_path: Path) -> None:
    for index in range(3):
        write_samples(tmp_path / f"test-{index}.npz", [sample(index), sample(9), sample(11)])
    out = tmp_path / "out"
    arguments = ["evaluate-labels", "--samples", str(tmp_path), "--max-samples", "4"]
    assert main.main([*arguments, *LABELLER, "-o", str(out)]) == 0
    results = json.loads((out / "results.json").read_text())
    assert results["samples"]["frames"] == 4


def test_samples_rendered_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def build(folder: Path, **options: object) -> None:
        asked.append(options)
        folder.mkdir()
        write_samples(folder / "test-rendered-00000.npz", [sample(0)])

    monkeypatch.setattr(evaluate_labels, "build_dataset", build)
    arguments = ["evaluate-labels", "--samples", str(tmp_path / "made"), *LABELLER]
    assert main.main([*arguments, "--render", "7"]) == 0
    (options,) = asked
    assert (options["windows"], options["seed"], options["split"]) == (7, 0, "test")


def test_thresholds(tmp_path: Path, davis: Path) -> None:
    out = tmp_path / "out"
    arguments = ["evaluate-labels", "--davis", str(davis), *LABELLER, "-o", str(out)]
    assert main.main([*arguments, "--threshold", "geometric=1"]) == 0
    results = json.loads((out / "results.json").read_text())
    assert results["davis"]["thresholds"]["geometric"]["shipped"] == 1
    assert results["davis"]["all"]["geometric"]["shipped_threshold"]["recall"] == 0


def test_by_default_all_that_can_run_are_compared(
    tmp_path: Path, davis: Path, caplog: pytest.LogCaptureFixture
) -> None:
    out = tmp_path / "out"
    assert main.main(["evaluate-labels", "--davis", str(davis), "-o", str(out)]) == 0
    results = json.loads((out / "results.json").read_text())
    assert results["labellers"] == ["transformer", "geometric"]
    assert results["davis"]["all"].keys() == {"transformer", "geometric"}
    (warning,) = caplog.messages
    assert warning.startswith("labeller official is left out: ")
    assert "\n" not in warning
    assert "set tracking.backend=tapir" in warning


def test_by_default_samples_leave_out_what_needs_images(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_samples(tmp_path / "test-0.npz", [sample(0)])
    arguments = ["evaluate-labels", "--samples", str(tmp_path), "--threshold", "official=0.5"]
    assert main.main([*arguments, "-o", str(tmp_path / "out")]) == 0
    assert "official is left out: stored tracks have no images" in caplog.text


class TestErrors:
    def test_nothing_to_judge_on(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert_fails(capsys, words="expected --davis ROOT, --tracks FOLDER or --samples")

    def test_no_such_data_set(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert_fails(capsys, "--davis", tmp_path, *LABELLER, words="JPEGImages/480p in it")

    def test_no_such_clip(self, davis: Path, capsys: pytest.CaptureFixture[str]) -> None:
        arguments = ("--davis", davis, "--sequences", "walk", *LABELLER)
        assert_fails(capsys, *arguments, words="--sequences walk: expected a sequence")

    def test_nowhere_to_render_to(self, davis: Path, capsys: pytest.CaptureFixture[str]) -> None:
        arguments = ("--davis", davis, "--render", 7, *LABELLER)
        assert_fails(capsys, *arguments, words="--render: expected with --samples FOLDER")

    def test_no_tracks(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert_fails(capsys, "--tracks", tmp_path, *LABELLER, words="<clip>.npz of labelled tracks")

    def test_a_damaged_file_of_tracks(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        np.savez(tmp_path / "road.npz", visible=np.ones((3, 4), bool))
        words = "road.npz: expected an array xy_px, found visible; see motion_seg evaluate-labels"
        assert_fails(capsys, "--tracks", tmp_path, *LABELLER, words=words)

    def test_no_such_track_file(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        write_tracks(tmp_path / "tracks", "road_1", 0)
        arguments = ("--tracks", tmp_path / "tracks", "--sequences", "road_3", *LABELLER)
        assert_fails(capsys, *arguments, words="did you mean road_1?")

    def test_a_calibration_of_another_size(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        write_tracks(tmp_path / "tracks", "road_1", 0)
        camera = write_camera(tmp_path / "camera.yaml")
        arguments = ("--tracks", tmp_path / "tracks", "--camera", camera, *LABELLER)
        words = "camera.yaml: expected the calibration of images of 160x120, found one for 96x72"
        assert_fails(capsys, *arguments, words=words)

    def test_no_samples(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert_fails(capsys, "--samples", tmp_path, *LABELLER, words="test-*.npz, found none")

    def test_no_samples_in_the_file(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "test-0.npz").write_bytes(b"nothing")
        assert_fails(capsys, "--samples", tmp_path, *LABELLER, words="test-0.npz: expected a file")

    def test_no_such_labeller(self, davis: Path, capsys: pytest.CaptureFixture[str]) -> None:
        arguments = ("--davis", davis, "--labellers", "geometrical")
        assert_fails(capsys, *arguments, words="--labellers geometrical: expected some of ")

    def test_a_labeller_asked_for_that_cannot_run(
        self, davis: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        arguments = ("--davis", davis, "--labellers", "official,geometric")
        assert_fails(capsys, *arguments, words="set tracking.backend=tapir")

    @pytest.mark.parametrize("text", ["geometric", "geometric=2", "geometric=x", "other=0.5"])
    def test_wrong_threshold(
        self, davis: Path, text: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        arguments = ("--davis", davis, *LABELLER, "--threshold", text)
        assert_fails(capsys, *arguments, words=f"--threshold {text}: expected LABELLER=VALUE")

    def test_a_broken_mask_leaves_nothing_behind(
        self, tmp_path: Path, davis: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (davis / "Annotations/480p/pass/00005.png").write_bytes(b"")
        before = sorted(tmp_path.rglob("*"))
        arguments = ("--davis", davis, *LABELLER, "-o", tmp_path / "out")
        assert_fails(capsys, *arguments, words="00005.png: expected a mask image")
        assert sorted(tmp_path.rglob("*")) == before

    def test_an_earlier_output_stays(
        self, tmp_path: Path, davis: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "out").mkdir()
        arguments = ("--davis", davis, *LABELLER, "-o", tmp_path / "out")
        assert_fails(capsys, *arguments, words="already exists")
