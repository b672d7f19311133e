"""Calibration files as camera_calibration writes them."""

from __future__ import annotations

from pathlib import Path

TEXT = """\
image_width: 96
image_height: 72
camera_name: narrow_stereo
camera_matrix:
  rows: 3
  cols: 3
  data: [ 80.5, 0. , 48. , 0. , 81.25, 36. , 0. , 0. , 1. ]
distortion_model: plumb_bob
distortion_coefficients:
  rows: 1
  cols: 5
  data: [-0.2, 0.05, 1e-03, -2e-05, 0.0]
rectification_matrix:
  rows: 3
  cols: 3
  data: [1. , 0. , 0. , 0. , 1. , 0. , 0. , 0. , 1. ]
projection_matrix:
  rows: 3
  cols: 4
  data: [ 75. , 0. , 47. , 0. , 0. , 76. , 35. , 0. , 0. , 0. , 1. , 0. ]
"""
"""Of images of 96x72. 1e-03 without a dot is a text for YAML 1.1."""


def write_camera(path: Path, old: str = "", new: str = "") -> Path:
    """Write TEXT with `old` replaced by `new`."""
    assert old in TEXT
    path.write_text(TEXT.replace(old, new) if old else TEXT, encoding="utf-8")
    return path
