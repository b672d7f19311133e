"""Command line option for the calibration of the camera, of commands that read images."""

from __future__ import annotations

import argparse
from pathlib import Path

from motion_seg_ros.io.camera_file import CameraFile, read_camera_file


def add_option(parser: argparse.ArgumentParser) -> None:
    """Add --camera; `read` understands it."""
    parser.add_argument(
        "--camera",
        type=Path,
        metavar="FILE",
        help="calibration of the camera, the YAML file of camera_calibration (default: of a bag "
        "the recorded camera_info; else the longer side of the image as focal length)",
    )


def read(arguments: argparse.Namespace) -> CameraFile | None:
    """Return the calibration that the option gives.

    Raises:
        InputError: a file that is wrong.
    """
    return None if arguments.camera is None else read_camera_file(arguments.camera)
