"""Shards on disk: the same whatever the workers and interruptions, or not there at all."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from random_samples import random_samples

from motion_seg_ros.errors import InputError, OutputError
from motion_seg_ros.lab.track_samples import TrackSample, read_samples
from motion_seg_ros.lab.training.simulation import dataset
from motion_seg_ros.lab.training.simulation.dataset import (
    SOURCES,
    SPLITS,
    build_dataset,
    scene_kind,
    scene_seed,
    shard_path,
)
from motion_seg_ros.lab.training.simulation.scene_kinds import HELD_OUT_KINDS


def build(folder: Path, windows: int = 20, **changes: object) -> dataset.DatasetSummary:
    settings: dict[str, object] = {
        "windows": windows,
        "seed": 5,
        "workers": 1,
        "split": "train",
        "progress": False,
        "scenes_per_shard": 4,
        "maker": random_samples,
    }
    return build_dataset(folder, **{**settings, **changes})  # type: ignore[arg-type]


def contents(folder: Path) -> dict[str, bytes]:
    """File name -> what is in it, of a whole folder."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_counts_whole_shards(tmp_path: Path) -> None:
    summary = build(tmp_path)
    samples = sum(len(read_samples(path)) for path in tmp_path.glob("train-rendered-*.npz"))
    assert summary.windows == samples >= 20
    assert summary.scenes == 4 * len(summary.shards)
    assert sorted(summary.shards) == sorted(tmp_path.glob("*.npz"))


def test_does_not_depend_on_workers_or_interruptions(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    build(one, workers=1)
    build(two, workers=3)
    shard_path(two, "train", 0).unlink()
    build(two, workers=2)
    assert contents(one) == contents(two)


def test_whole_shards_are_not_made_again(tmp_path: Path) -> None:
    build(tmp_path)
    times = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.npz")}
    build(tmp_path, windows=40)
    assert {path: path.stat().st_mtime_ns for path in times} == times
    assert len(list(tmp_path.glob("*.npz"))) > len(times)


def test_no_two_splits_or_data_sets_share_a_scene() -> None:
    seeds = [
        scene_seed(seed, split, scene, source)
        for seed in range(3)
        for split in SPLITS
        for source in SOURCES
        for scene in (0, 1, dataset.SCENES_PER_SEED - 1)
    ]
    assert len(set(seeds)) == len(seeds)


def test_a_seed_means_the_scenes_that_it_meant_in_earlier_versions(tmp_path: Path) -> None:
    assert scene_seed(0, "train", 7) == 7
    assert scene_seed(0, "validation", 3) == 20_000_003
    assert scene_seed(1, "test", 0) == 100_000_000
    build(tmp_path)
    other = tmp_path / "train-projected-00000.npz"  # of an earlier version
    other.write_bytes(b"")
    assert other not in build(tmp_path).shards


def test_clean_windows_are_beside_the_rendered_ones_and_of_other_scenes(tmp_path: Path) -> None:
    rendered, clean = build(tmp_path), build(tmp_path, source="clean")
    assert {path.name[:13] for path in clean.shards} == {"train-clean-0"}
    assert not set(rendered.shards) & set(clean.shards)
    first, other = (read_samples(each.shards[0])[0].tags for each in (rendered, clean))
    assert first == (f"seed{scene_seed(5, 'train', 0)}", "None")
    assert other == (f"seed{scene_seed(5, 'train', 0, 'clean')}", "None")


def test_held_out_kinds_are_in_the_test_split_only(tmp_path: Path) -> None:
    for split in ("train", "validation"):
        assert {scene_kind(split, scene) for scene in range(100)} == {None}  # type: ignore[arg-type]
    assert {scene_kind("test", scene) for scene in range(100)} == {None, *HELD_OUT_KINDS}
    build(tmp_path, split="test")
    tags = {sample.tags[1] for path in tmp_path.glob("*.npz") for sample in read_samples(path)}
    assert "None" in tags
    assert tags & set(HELD_OUT_KINDS)


def test_refuses_shards_of_other_settings(tmp_path: Path) -> None:
    build(tmp_path)
    before = contents(tmp_path)
    with pytest.raises(InputError, match=r"train\.json.*'seed': 6.*found.*'seed': 5"):
        build(tmp_path, seed=6)
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    "change", [{"workers": 0}, {"split": "training"}, {"scenes_per_shard": 0}, {"seed": -1}]
)
def test_refuses_values_out_of_range(tmp_path: Path, change: dict[str, object]) -> None:
    with pytest.raises(InputError):
        build(tmp_path / "new", **change)
    assert not (tmp_path / "new").exists()


def test_a_full_disk_leaves_the_earlier_shards_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = dataset.write_samples

    def write_two(path: Path, samples: list[TrackSample]) -> None:
        if len(list(tmp_path.glob("*.npz"))) == 2:
            path.with_suffix(".partial").write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, samples)

    monkeypatch.setattr(dataset, "write_samples", write_two)
    with pytest.raises(OutputError, match="No space left"):
        build(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "train-rendered-00000.npz",
        "train-rendered-00001.npz",
        "train.json",
    ]
    assert all(read_samples(path) for path in tmp_path.glob("*.npz"))


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file"):
        build(tmp_path / "file")


def test_a_broken_shard_is_named(tmp_path: Path) -> None:
    path = build(tmp_path).shards[0]
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(InputError, match=path.name):
        build(tmp_path)
