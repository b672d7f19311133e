"""Pipelines from plans."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import motion_seg_ros.build as builder
from motion_seg_ros.settings.declaration import settings
from motion_seg_ros.settings.pipeline import Config

BACK_ENDS = [
    each
    for each in vars(builder).values()
    if inspect.isclass(each)
    and each.__module__.startswith("motion_seg_ros.")
    and not issubclass(each, Exception)
]
SETTINGS = {each.name.rpartition(".")[2] for each in settings(Config)}


@pytest.mark.parametrize("back_end", BACK_ENDS, ids=lambda each: each.__name__)
def test_the_defaults_of_settings_are_written_in_the_settings_alone(back_end: type) -> None:
    ways = [back_end, getattr(back_end, "load", back_end)]
    parameters = [each for way in ways for each in inspect.signature(way).parameters.values()]
    repeated = {
        each.name
        for each in parameters
        if each.name in SETTINGS and each.default is not inspect.Parameter.empty
    }
    assert not repeated


def test_the_default_pipeline_does_without_large_libraries() -> None:
    pytest.importorskip("onnxruntime")
    code = """
import sys
from motion_seg_ros.build import build
from motion_seg_ros.plan import resolve
from motion_seg_ros.settings.pipeline import Config
build(resolve(Config(), live=True))
print([each for each in ("scipy", "torch", "rosbags", "jinja2") if each in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr
