"""The inputs of `motion_seg segment`: folders of images, videos and rosbags, opened together."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import Any

from motion_seg_ros.errors import InputError
from motion_seg_ros.io.bag_files import is_bag
from motion_seg_ros.io.base import DepthChoice, FrameSource
from motion_seg_ros.io.mistaken_inputs import check_input
from motion_seg_ros.io.sources import has_stamps, open_sources, warn_without_depth
from motion_seg_ros.jobs import Outcome


def open_inputs(
    arguments: argparse.Namespace, depth: DepthChoice | None
) -> tuple[list[FrameSource], list[Outcome[Any]]]:
    """Open the sequences of all inputs, and return failures for those that cannot be read.

    Args:
        arguments: with inputs, topic and rate.
        depth: recorded depth that belongs to the images.

    Raises:
        InputError: an input does not exist, the only one cannot be read, or two sequences have the
            same name.
    """
    for path in arguments.inputs:
        check_input(path)
    sources: list[FrameSource] = []
    unread: list[Outcome[Any]] = []
    some_bags = any(map(is_bag, arguments.inputs))
    all_stamped = all(map(has_stamps, arguments.inputs))
    for path in arguments.inputs:
        topic, its_depth = arguments.topic, depth
        if some_bags and not is_bag(path):
            topic = None
            its_depth = depth and dataclasses.replace(depth, topic=None)
        try:
            fps = arguments.fps if all_stamped or not has_stamps(path) else None
            sources += open_sources(path, topic=topic, fps=fps, depth=its_depth)
        except InputError as error:
            if len(arguments.inputs) == 1:
                raise
            unread.append(Outcome(str(path), failure=str(error), tries=0))
    _check_names(sources)
    for each in sources:
        warn_without_depth(each, depth)
    return sources, unread


def _check_names(sources: list[FrameSource]) -> None:
    seen: dict[str, Path] = {}
    for each in sources:
        if each.name in seen:
            raise InputError(
                f"{each.path}: its output would be called {each.name}, as that of "
                f"{seen[each.name]}; rename one, or segment it to another folder"
            )
        seen[each.name] = each.path
