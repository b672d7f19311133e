"""Files of flow errors."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np

from motion_seg_ros.lab.training.simulation.flow_errors import (
    FlowErrors,
    shipped_errors,
    write_errors,
)


def test_errors_are_written_as_they_are_read(tmp_path: Path) -> None:
    path = tmp_path / "errors.json"
    errors = dataclasses.replace(FlowErrors(), kernel_px=2.345)
    write_errors(path, errors)
    assert FlowErrors(**json.loads(path.read_text())) == errors


def test_the_shipped_errors_are_those_of_a_tracker_that_works() -> None:
    errors = shipped_errors()
    assert all(np.isfinite(value) for value in dataclasses.astuple(errors))
    assert 0 < errors.noise_moving_px < 1
    assert 0 <= errors.opposition <= 1
    assert 0 <= errors.memory <= 1
