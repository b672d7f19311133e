"""Readers of data sets, on small folders in the published layouts."""

from __future__ import annotations

import logging
import pickle
from pathlib import Path

import annotated_folders as made
import numpy as np
import pytest
from checkout import ROOT

from motion_seg_ros.errors import InputError
from motion_seg_ros.lab.evaluation.annotated import AnnotatedSequence
from motion_seg_ros.lab.evaluation.datasets.base import DataSet
from motion_seg_ros.lab.evaluation.datasets.catalogue import DATASETS, Place, open_dataset
from motion_seg_ros.lab.evaluation.datasets.davis import LISTS

DAVIS_DEV = ROOT / "../shared/data/davis_dev"


def opened(name: str, root: Path | None, *sequences: str, truth: Path | None = None) -> DataSet:
    return open_dataset(name, Place(root, sequences or None, truth))


def check_frames(sequence: AnnotatedSequence, count: int) -> None:
    """All frames come, in order, and the scored ones have truth of their size."""
    items = list(sequence.frames)
    assert len(items) == sequence.frames.length == count
    assert [each.frame.stamp_ns for each in items] == sorted(each.frame.stamp_ns for each in items)
    assert set(sequence.scored) <= {each.name for each in items}
    for each in items:
        if each.name in sequence.scored:
            assert sequence.truth(each.name).id_map.shape == each.frame.size


class TestDavis:
    def test_2016(self, tmp_path: Path) -> None:
        made.davis(tmp_path, "goat")
        data = opened("davis2016", tmp_path)
        (sequence,) = data.sequences
        check_frames(sequence, 6)
        assert sequence.name == "goat"
        assert sequence.scored == ("00001", "00002", "00003", "00004")
        truth = sequence.truth("00002")
        np.testing.assert_array_equal(truth.id_map, made.square_ids(2, 1, 1))
        assert truth.ignored is None
        assert not data.separate

    @pytest.mark.parametrize("annotations", ["Annotations", "Annotations_unsupervised"])
    def test_2017(self, tmp_path: Path, annotations: str) -> None:
        made.davis(tmp_path, "goat", annotations=annotations, several=True)
        data = opened("davis2017", tmp_path)
        (sequence,) = data.sequences
        assert len(sequence.scored) == 6
        truth = sequence.truth("00000")
        np.testing.assert_array_equal(truth.id_map, made.square_ids(0, 1, 2))
        assert truth.ignored is not None
        assert truth.ignored.sum() == 9
        assert data.separate

    def test_unsupervised_annotations_come_first(self, tmp_path: Path) -> None:
        made.davis(tmp_path, "goat")
        made.davis(tmp_path, "goat", annotations="Annotations_unsupervised", several=True)
        (sequence,) = opened("davis17_moving", tmp_path).sequences
        assert sequence.truth("00000").id_map.max() == 2

    def test_2016_taken_for_2017(self, tmp_path: Path) -> None:
        made.davis(tmp_path, "goat")
        with pytest.raises(InputError, match="found 255 alone; choose --dataset davis2016"):
            opened("davis2017", tmp_path)

    def test_lists(self) -> None:
        counts = {name: len(names) for name, names in LISTS.items()}
        assert counts == {
            "davis2016": 20,
            "davis16_moving": 16,
            "davis2017": 30,
            "davis17_moving": 22,
        }
        assert all(len(set(names)) == len(names) for names in LISTS.values())
        assert set(LISTS["davis16_moving"]) < set(LISTS["davis2016"]) < set(LISTS["davis2017"])
        assert set(LISTS["davis17_moving"]) < set(LISTS["davis2017"])

    def test_the_list_chooses(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        for name in ("goat", "camel", "bear"):
            made.davis(tmp_path, name, frames=3)
        with caplog.at_level(logging.WARNING):
            names = {
                each: [sequence.name for sequence in opened(each, tmp_path).sequences]
                for each in ("davis2016", "davis16_moving")
            }
        assert names == {"davis2016": ["camel", "goat"], "davis16_moving": ["goat"]}
        assert "2 of the 20 sequences of davis2016 are there" in caplog.text
        assert [each.name for each in opened("davis2016", tmp_path, "bear").sequences] == ["bear"]

    def test_other_sequences_where_none_of_the_list_is_there(self, tmp_path: Path) -> None:
        made.davis(tmp_path, "mine", frames=3)
        assert [each.name for each in opened("davis2016", tmp_path).sequences] == ["mine"]

    def test_too_short_to_score(self, tmp_path: Path) -> None:
        made.davis(tmp_path, "goat", frames=2)
        with pytest.raises(InputError, match="expected frames to score, found 2 images"):
            opened("davis2016", tmp_path)

    @pytest.mark.parametrize(
        "part", ["JPEGImages", "JPEGImages/480p", "JPEGImages/480p/goat/00000.jpg", ".."]
    )
    def test_the_root_is_found_nearby(self, tmp_path: Path, part: str) -> None:
        made.davis(tmp_path / "DAVIS", "goat", frames=3)
        place = (tmp_path / "DAVIS").resolve()
        with pytest.raises(InputError) as error:
            opened("davis2016", tmp_path / "DAVIS" / part)
        assert str(error.value).endswith(
            f"expected JPEGImages/480p in it, found none; did you mean {place}?"
        )

    def test_another_resolution(self, tmp_path: Path) -> None:
        made.davis(tmp_path, "goat", frames=3)
        for each in ("JPEGImages", "Annotations"):
            (tmp_path / each / "480p").rename(tmp_path / each / "Full-Resolution")
        with pytest.raises(InputError, match=r"JPEGImages/Full-Resolution: get .* of 480p"):
            opened("davis2016", tmp_path)

    def test_the_nearest_name_is_suggested(self, tmp_path: Path) -> None:
        for name in ("goat", "camel"):
            made.davis(tmp_path, name, frames=3)
        with pytest.raises(InputError, match=r"--sequences goats: .*; did you mean goat\?"):
            opened("davis2016", tmp_path, "goats")
        with pytest.raises(InputError, match=r"--sequences x: .*; there are camel, goat"):
            opened("davis2016", tmp_path, "x")

    @pytest.mark.parametrize("place", ["caf\udce9/00000", "goat/caf\udce9"])
    def test_names_that_are_no_text(self, tmp_path: Path, place: str) -> None:
        try:
            made.save(tmp_path / f"JPEGImages/480p/{place}.jpg", made.picture(0, 1))
        except OSError:
            pytest.skip("this file system takes no such names")
        made.save(tmp_path / f"Annotations/480p/{place}.png", made.square_ids(0, 1))
        with pytest.raises(InputError, match=r"expected names in UTF-8, found caf\\udce9"):
            opened("davis2016", tmp_path)


class TestSegTrack:
    def test_one_object(self, tmp_path: Path) -> None:
        made.segtrack(tmp_path, "frog", objects=1)
        (sequence,) = opened("segtrackv2", tmp_path).sequences
        check_frames(sequence, 4)
        assert len(sequence.scored) == 4
        expected = made.square_ids(1, 1)
        np.testing.assert_array_equal(sequence.truth("frog_00001").id_map, expected)

    def test_several_objects(self, tmp_path: Path) -> None:
        made.segtrack(tmp_path, "bmx", objects=2)
        data = opened("segtrackv2", tmp_path, "bmx")
        expected = made.square_ids(3, 1, 2)
        np.testing.assert_array_equal(data.sequences[0].truth("bmx_00003").id_map, expected)
        assert data.separate

    def test_no_truth_of_a_sequence(self, tmp_path: Path) -> None:
        made.segtrack(tmp_path, "frog", objects=1)
        (tmp_path / "GroundTruth/frog").rename(tmp_path / "GroundTruth/toad")
        with pytest.raises(InputError, match=r"GroundTruth/frog: expected a folder of masks"):
            opened("segtrackv2", tmp_path)

    def test_where_to_get_it(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="oregonstate"):
            opened("segtrackv2", tmp_path)


class TestFbms:
    @pytest.mark.parametrize("ppm", [False, True])
    def test_sparse_truth(self, tmp_path: Path, ppm: bool) -> None:
        made.fbms(tmp_path, "cars1", ppm=ppm)
        (sequence,) = opened("fbms59", tmp_path).sequences
        check_frames(sequence, 5)
        assert sequence.scored == ("cars1_01", "cars1_04")
        expected = made.square_ids(3, 1, 2)
        np.testing.assert_array_equal(sequence.truth("cars1_04").id_map, expected)

    def test_the_split_itself(self, tmp_path: Path) -> None:
        made.fbms(tmp_path, "cars1")
        assert len(opened("fbms59", tmp_path / "Testset").sequences) == 1

    def test_masks_as_png(self, tmp_path: Path) -> None:
        made.fbms(tmp_path, "cars1")
        folder = tmp_path / "Testset/cars1/GroundTruth"
        made.save(folder / "cars1_01.png", np.full(made.SIZE, 255, np.uint8))
        (folder / "cars1_01.pgm").unlink()
        (sequence,) = opened("fbms59", tmp_path).sequences
        assert (sequence.truth("cars1_01").id_map == 2).all()

    def test_frames_by_number_where_names_differ(self, tmp_path: Path) -> None:
        made.fbms(tmp_path, "cars1")
        file = tmp_path / "Testset/cars1/GroundTruth/cars1Def.dat"
        text = file.read_text().replace("Input file name:\ncars1_04", "Input file name:\nx")
        file.write_text(text)
        (sequence,) = opened("fbms59", tmp_path).sequences
        assert sequence.scored == ("cars1_01", "cars1_04")

    def test_values_that_are_not_listed_are_background(self, tmp_path: Path) -> None:
        made.fbms(tmp_path, "cars1")
        odd = np.full(made.SIZE, 77, np.uint8)
        made.save(tmp_path / "Testset/cars1/GroundTruth/cars1_01.pgm", odd)
        (sequence,) = opened("fbms59", tmp_path).sequences
        assert not sequence.truth("cars1_01").id_map.any()

    @pytest.mark.parametrize(
        ("old", "new", "words"),
        [
            ("regions:\n3", "regions:\n4", "with 4 regions, found 3"),
            ("shot:\n2", "shot:\n7", "with 7 annotated frames, found 2"),
            ("Input file name:\ncars1_04", "Input file name:\nx", "expected a frame below 3"),
        ],
    )
    def test_damaged_definitions(self, tmp_path: Path, old: str, new: str, words: str) -> None:
        made.fbms(tmp_path, "cars1")
        file = tmp_path / "Testset/cars1/GroundTruth/cars1Def.dat"
        file.write_text(file.read_text().replace(old, new, 1))
        for index in (4, 5):  # frames that the definition counts are missing
            (tmp_path / f"Testset/cars1/cars1_{index:02d}.jpg").unlink()
        with pytest.raises(InputError, match=words):
            opened("fbms59", tmp_path)

    def test_a_listed_mask_is_missing(self, tmp_path: Path) -> None:
        made.fbms(tmp_path, "cars1")
        (tmp_path / "Testset/cars1/GroundTruth/cars1_04.pgm").unlink()
        with pytest.raises(InputError, match=r"cars1_04\.pgm: no such file"):
            opened("fbms59", tmp_path)

    def test_where_to_get_it(self, tmp_path: Path) -> None:
        (tmp_path / "Testset/cars1").mkdir(parents=True)
        with pytest.raises(InputError, match=r"uni-freiburg\.de"):
            opened("fbms59", tmp_path)


class TestFolder:
    @pytest.mark.parametrize("names", [("images", "masks"), ("frames", "GroundTruth")])
    @pytest.mark.parametrize("several", [False, True])
    def test_layouts(self, tmp_path: Path, names: tuple[str, str], several: bool) -> None:
        within = "walk" if several else ""
        for index in range(3):
            save = (tmp_path / names[0] / within / f"{index}.png", made.picture(index, 1, 2))
            made.save(*save)
            if index != 1:
                ids = made.square_ids(index, 5, 2)
                made.save(tmp_path / names[1] / within / f"{index}.png", ids)
        (sequence,) = opened("folder", tmp_path).sequences
        check_frames(sequence, 3)
        assert sequence.name == (within or tmp_path.name)
        assert sequence.scored == ("0", "2")
        expected = made.square_ids(2, 5, 2)
        np.testing.assert_array_equal(sequence.truth("2").id_map, expected)

    def test_masks_apart(self, tmp_path: Path) -> None:
        made.save(tmp_path / "a/0.jpg", made.picture(0, 1))
        made.save(tmp_path / "b/0.png", made.square_ids(0, 1))
        (sequence,) = opened("folder", tmp_path / "a", truth=tmp_path / "b").sequences
        assert (sequence.name, sequence.scored) == ("a", ("0",))

    def test_no_masks(self, tmp_path: Path) -> None:
        made.save(tmp_path / "images/0.jpg", made.picture(0, 1))
        with pytest.raises(InputError, match="expected a folder masks or"):
            opened("folder", tmp_path)


class TestSynthetic:
    def test_truth_is_that_of_the_pictures(self) -> None:
        (sequence,) = opened("synthetic", None, "mover_stops").sequences
        items = list(sequence.frames)
        # All but the first: of one picture alone nothing can be told.
        assert sequence.scored == tuple(each.name for each in items[1:])
        assert [sequence.truth(name).id_map.max() for name in ("00002", "00020")] == [1, 0]
        # Between two frames while it moves, only where the mover was or is the pictures differ.
        before, after = items[2].frame.image_bgr, items[3].frame.image_bgr
        changed = np.abs(before.astype(int) - after).max(axis=2) > 0
        moving = sequence.truth("00002").id_map + sequence.truth("00003").id_map > 0
        assert changed[moving].mean() > 0.8
        assert changed[~moving].mean() < 0.01

    def test_all_scenes_are_there(self) -> None:
        data = opened("synthetic", None)
        assert {"pan_only", "crossing_movers"} < {each.name for each in data.sequences}
        assert data.separate

    def test_no_such_scene(self) -> None:
        with pytest.raises(InputError, match="--sequences walk: expected a sequence"):
            opened("synthetic", None, "walk")

    def test_it_has_no_root(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="--root: expected with data sets of files"):
            opened("synthetic", tmp_path)


class TestAll:
    @pytest.fixture
    def root(self, tmp_path: Path) -> Path:
        made.davis(tmp_path, "goat")
        return tmp_path

    def test_sequences_can_be_sent_to_other_processes(self, root: Path) -> None:
        made.fbms(root / "fbms", "cars1")
        made.segtrack(root / "segtrack", "bmx", 2)
        for data in (
            opened("davis2016", root),
            opened("fbms59", root / "fbms"),
            opened("segtrackv2", root / "segtrack"),
            opened("synthetic", None, "pan_only"),
        ):
            (sequence,) = data.sequences
            again = pickle.loads(pickle.dumps(sequence))
            name = sequence.scored[0]
            np.testing.assert_array_equal(again.truth(name).id_map, sequence.truth(name).id_map)

    def test_a_mask_is_missing(self, root: Path) -> None:
        for index in (1, 2, 3, 5):
            (root / f"Annotations/480p/goat/{index:05d}.png").unlink()
        words = "of the 6 images .* found none for 00001, 00002, 00003 and 1 more"
        with pytest.raises(InputError, match=words):
            opened("davis2016", root)

    def test_an_image_is_missing(self, root: Path, caplog: pytest.LogCaptureFixture) -> None:
        (root / "JPEGImages/480p/goat/00002.jpg").unlink()
        (sequence,) = opened("davis2016", root).sequences
        assert sequence.scored == ("00001", "00003", "00004")
        assert "masks without an image in" in caplog.text
        assert "goat: 00002; they are left out" in caplog.text

    @pytest.mark.parametrize(
        "what", ["JPEGImages/480p/goat/00002.jpg", "Annotations/480p/goat/00002.png"]
    )
    def test_damage_is_found_before_anything_runs(self, root: Path, what: str) -> None:
        (root / what).write_bytes(b"damage")
        with pytest.raises(
            InputError, match=f"{Path(what).name}: expected an? .*none that decodes"
        ):
            opened("davis2016", root)
        made.save(root / what, np.zeros((9, 12), np.uint8))
        with pytest.raises(
            InputError, match="of 64x48 like the sequence's first image, found 12x9"
        ):
            opened("davis2016", root)

    @pytest.mark.parametrize("name", [each for each in DATASETS if each != "synthetic"])
    def test_no_such_root(self, name: str, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="no such file or folder"):
            opened(name, tmp_path / "missing")
        with pytest.raises(InputError, match="expected --root"):
            opened(name, None)

    def test_options_of_other_data_sets(self, root: Path) -> None:
        with pytest.raises(InputError, match="--truth: expected with --dataset folder or bag"):
            opened("davis2016", root, truth=root)
        with pytest.raises(InputError, match="--topic: expected with --dataset bag"):
            open_dataset("davis2016", Place(root, topic="/image"))


def test_real_clips() -> None:
    if not DAVIS_DEV.is_dir():
        pytest.skip("no clips of DAVIS beside this repository")
    data = opened("davis2016", DAVIS_DEV)
    assert [len(each.scored) for each in data.sequences] == [
        (each.frames.length or 0) - 2 for each in data.sequences
    ]
    check_frames(data.sequences[4], 40)
    moving = [each.name for each in opened("davis16_moving", DAVIS_DEV).sequences]
    assert set(moving) == {each.name for each in data.sequences} - {
        "breakdance",
        "camel",
        "scooter-black",
    }
