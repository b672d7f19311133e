"""Data sets of `motion_seg evaluate`, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from motion_seg_ros.errors import InputError
from motion_seg_ros.io.base import DepthChoice
from motion_seg_ros.lab.evaluation.datasets.bag import open_bag_dataset
from motion_seg_ros.lab.evaluation.datasets.base import DataSet, chosen
from motion_seg_ros.lab.evaluation.datasets.davis import LISTS, open_davis
from motion_seg_ros.lab.evaluation.datasets.fbms import open_fbms
from motion_seg_ros.lab.evaluation.datasets.folder import open_folder
from motion_seg_ros.lab.evaluation.datasets.rendered import (
    SCENES,
    SYNTHETIC,
    SceneMaker,
    open_rendered,
)
from motion_seg_ros.lab.evaluation.datasets.segtrack import open_segtrack

RENDERED = ("synthetic", "unseen")
DATASETS = (*LISTS, "segtrackv2", "fbms59", *RENDERED, "folder", "bag")


@dataclass(frozen=True)
class Place:
    """Location of a data set.

    Attributes:
        root: its folder or bag; None only for rendered scenes.
        sequences: those wanted; None for all.
        truth: folder of the masks of a folder or bag, where they are apart.
        topic: image topic of a bag; None if it has only one beside the truth.
        truth_topic: topic of the masks of a bag.
        seeds: of rendered scenes.
        depth: recorded depth that belongs to the images of a bag or folder, and rendered scenes
            come with a sensor's; None: none does.
        void: number of the pixels of a folder's or bag's truth that do not count; None: all count.
    """

    root: Path | None
    sequences: tuple[str, ...] | None = None
    truth: Path | None = None
    topic: str | None = None
    truth_topic: str | None = None
    seeds: tuple[int, ...] = (0,)
    depth: DepthChoice | None = None
    void: int | None = None


def open_dataset(name: str, place: Place, unseen: Mapping[str, SceneMaker] = {}) -> DataSet:
    """Open a data set, one of DATASETS, and check it before anything runs.

    Args:
        name: of the data set.
        place: what to read.
        unseen: scenes of the data set of that name: kinds that are held out of training, which
            this room does not know.

    Raises:
        InputError: an option that does not fit, another layout, or something is missing or broken.
        MissingDependencyError: rosbags is not installed.
    """
    _check_options(name, place)
    if name in RENDERED:
        kinds, usual = (SYNTHETIC, SCENES) if name == "synthetic" else (unseen, tuple(unseen))
        wanted = place.sequences or usual
        with_depth = place.depth is not None
        return open_rendered(name, kinds, wanted, seeds=place.seeds, with_depth=with_depth)
    if place.root is None:
        raise InputError(f"--dataset {name}: expected --root, the folder it is in")
    if not place.root.exists():
        raise InputError(f"{place.root}: no such file or folder; check --root")
    if name in LISTS:
        return open_davis(name, place.root, place.sequences)
    if name == "bag":
        return _open_bag(place.root, place)
    if name == "folder":
        return open_folder(place.root, place.sequences, place.truth, place.depth, place.void)
    return {"segtrackv2": open_segtrack, "fbms59": open_fbms}[name](place.root, place.sequences)


def _check_options(name: str, place: Place) -> None:
    """Refuse options of other data sets."""
    if name in RENDERED and place.root is not None:
        raise InputError(f"--root: expected with data sets of files, found {name}; leave it out")
    if name not in RENDERED and place.seeds != (0,):
        raise InputError(f"--seeds: expected with rendered scenes, found {name}; leave it out")
    for option, value, of in (
        ("--truth", place.truth, ("folder", "bag")),
        ("--void", place.void, ("folder", "bag")),
        ("--topic", place.topic, ("bag",)),
        ("--truth-topic", place.truth_topic, ("bag",)),
        ("--depth-topic", place.depth and place.depth.topic, ("bag",)),
    ):
        if value is not None and name not in of:
            raise InputError(f"{option}: expected with --dataset {' or '.join(of)}, found {name}")


def _open_bag(root: Path, place: Place) -> DataSet:
    sequences = open_bag_dataset(
        root,
        topic=place.topic,
        truth_topic=place.truth_topic,
        truth_folder=place.truth,
        depth=place.depth,
        void=place.void,
    )
    by_name = {each.name: each for each in sequences}
    names = chosen(list(by_name), place.sequences, root)
    taken = [by_name[each] for each in names]
    return DataSet("bag", tuple(taken), separate=any(each.separate for each in taken))
