"""Comparisons of labellers as tables, JSON and pictures."""

from __future__ import annotations

import builtins
import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from label_streams import Told, moment, tracks_of, two_streams

from motion_seg_ros.lab.evaluation.labels.comparison import Comparison, LabelStream, compare
from motion_seg_ros.lab.evaluation.labels.report import (
    RESULTS_FILE,
    as_json,
    as_table,
    write_comparisons,
)
from motion_seg_ros.lab.evaluation.labels.run import LabelInputs
from motion_seg_ros.settings.pipeline import make_config

NO_INPUTS = LabelInputs(
    davis=None, tracks=None, sequences=None, samples=None, files="*", max_samples=None
)


def test_table_and_json() -> None:
    labellers = {"good": Told([0.9, 0.8, 0.2, 0.1]), "mute": Told()}
    found = compare(two_streams(), labellers)
    table = as_table(found)
    rows = {line.split()[0]: line for line in table.splitlines() if line.strip()}
    assert {"all", "one", "two", "#pan", "#slow", "mute"} <= rows.keys()
    assert rows["one"].split()[1:7] == ["4", "50.0%", "good", "1.000", "1.000", "1.000"]
    assert rows["two"].split()[3:9] == ["good", "-", "-", "-", "-", "-"]  # no mover there
    assert " nan" not in table
    tree = json.loads(json.dumps(as_json(found), allow_nan=False))
    assert tree["by_name"]["one"]["good"]["shipped_threshold"]["f1"] == 1
    assert tree["by_name"]["two"]["good"]["shipped_threshold"]["recall"] is None
    assert tree["mean_f1_of_names"]["good"]["shipped_threshold"] == 1  # `two` has no mover
    assert tree["thresholds"]["mute"] == {"shipped": 0.5, "best_in_hindsight": 1.0}


def test_motions_are_a_table_of_their_own() -> None:
    def stream(name: str, motion: list[int]) -> LabelStream:
        tracks = tracks_of([0] * 4, [9] * 4, 4)
        asked = moment(tracks, [each > 0 for each in motion])
        return LabelStream(name, (), [asked], np.array(motion))

    streams = [stream("one", [0, 0, 1, 2]), stream("two", [0, 0, 0, 1])]
    found = compare(streams, {"a": Told([0.1, 0.1, 0.9, 0.9])})
    lines = [line.split() for line in as_table(found).splitlines()]
    assert ["one", "4", "3", "a", "25.0%", "33.3%", "0.0%", "0.0%"] in lines
    assert ["two", "4", "2", "a", "25.0%", "16.7%", "25.0%", "16.7%"] in lines
    assert ["mean", "of", "2", "a", "25.0%", "25.0%", "12.5%", "8.3%"] in lines
    assert ["one", "motion", "50.0%", "66.7%", "50.0%", "50.0%"] in lines
    tree = json.loads(json.dumps(as_json(found), allow_nan=False))["motions"]
    assert tree["by_name"]["one"]["a"]["apart"]["error"] == 0.25
    assert tree["by_name"]["two"]["two at best"]["apart"] == {"error": 0, "per_motion": 0}
    assert tree["median"]["a"]["as_one"]["error"] == 0.125
    assert as_json(compare(two_streams(), {"a": Told()}))["motions"] is None


def write(folder: Path, comparison: Comparison) -> None:
    write_comparisons(folder, make_config(), NO_INPUTS, {"here": comparison})


def test_picture_shows_a_line_per_labeller(tmp_path: Path) -> None:
    labellers = {"good": Told([0.9, 0.8, 0.2, 0.1]), "poor": Told([0.1, 0.2, 0.8, 0.9])}
    pictures = []
    for names in (["good"], ["good", "poor"]):
        write(tmp_path, compare(two_streams(), {name: labellers[name] for name in names}))
        pictures.append((tmp_path / "here.png").read_bytes())
        results = json.loads((tmp_path / RESULTS_FILE).read_text())
        assert results["labellers"] == names
        assert "labelling.backend" not in results["configuration"]
    assert pictures[0] != pictures[1]


def test_picture_without_movers(tmp_path: Path) -> None:
    stream = LabelStream("still", (), [moment(tracks_of([0], [9], 4), [False])])
    write(tmp_path, compare([stream], {"a": Told([0.4])}))
    assert (tmp_path / "here.png").is_file()


def test_without_matplotlib_only_the_picture_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    imported = builtins.__import__

    def without(name: str, *arguments: Any, **options: Any) -> Any:
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return imported(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with caplog.at_level(logging.WARNING):
        write(tmp_path, compare(two_streams(), {"a": Told([0.9, 0.8, 0.2, 0.1])}))
    assert [each.name for each in tmp_path.iterdir()] == [RESULTS_FILE]
    (message,) = caplog.messages
    assert message.startswith("here.png is left out: matplotlib is not installed")
