"""A picture of how the simulated tracker's errors compare with the real one's."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from motion_seg_ros.errors import MissingDependencyError
from motion_seg_ros.lab.training.simulation.flow_steps import DISTANCE, RELATIVE, SPEED, TEXTURE
from motion_seg_ros.lab.training.simulation.track_errors import TrackErrors
from motion_seg_ros.types import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_REAL: Mapping[str, Any] = {"linestyle": "-", "marker": "o", "markersize": 3}
_SIMULATED: Mapping[str, Any] = {"linestyle": "--", "marker": "x", "markersize": 4}
_STYLES = (("real", _REAL), ("simulated", _SIMULATED))
_SIDES = ("farther side of a boundary", "nearer side of a boundary")
_DRIFT_PX = np.geomspace(0.01, 30, 60)


def draw_comparison(
    path: Path,
    flows: tuple[Mapping[str, FloatArray], Mapping[str, FloatArray]],
    tracks: tuple[TrackErrors, TrackErrors],
) -> None:
    """Write a picture of real (solid) and simulated (dashed) errors.

    Args:
        path: of the picture; its ending names the format.
        flows: statistics of flow_steps, real and simulated.
        tracks: real and simulated.

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingDependencyError(
            "matplotlib is not installed; pip install 'motion_seg_ros[train]'"
        ) from error
    figure = Figure(figsize=(16, 8), layout="constrained")
    axes = figure.subplots(2, 4)
    for (label, style), flow in zip(_STYLES, flows, strict=True):
        for side in (0, 1):
            _draw_bleed(axes[0, side], flow["bleed"][side, ..., 0], _SIDES[side], label, style)
        _draw_bleed(axes[0, 2], flow["lost"][0], "lost steps, farther side", label, style)
        _draw_quantiles(axes[0, 3], flow["error"], SPEED, "speed [px/frame]", label, style)
        _draw_quantiles(axes[1, 0], flow["texture"], TEXTURE, "texture [levels/px]", label, style)
    for (label, style), found in zip(_STYLES, tracks, strict=True):
        line = {"linestyle": style["linestyle"], "color": "k", "label": label}
        drift = found.drift_px[np.isfinite(found.drift_px)]
        axes[1, 1].semilogx(_DRIFT_PX, [(drift > each).mean() for each in _DRIFT_PX], **line)
        ages = np.bincount(found.age) / len(found.age)
        axes[1, 2].plot(np.arange(len(ages)), np.cumsum(ages), **line)
        confidence = found.confidence[np.isfinite(found.confidence)]
        shares, edges = np.histogram(confidence, 25, (0, 1))
        axes[1, 3].plot((edges[1:] + edges[:-1]) / 2, shares / len(confidence), **line)
    _name(axes[1, 1], "drift since the seed [px]", "share of tracks above")
    _name(axes[1, 2], "age [frames]", "share of tracks not older")
    _name(axes[1, 3], "confidence", "share of tracks")
    figure.savefig(path, dpi=80)


def _draw_bleed(
    axes: Axes, rows: FloatArray, title: str, label: str, style: Mapping[str, Any]
) -> None:
    middle = [(a + b) / 2 for a, b in itertools.pairwise(DISTANCE)]
    for index, row in enumerate(rows):
        name = f"{label}, {RELATIVE[index]:g} to {RELATIVE[index + 1]:g} px/frame apart"
        axes.plot(middle, row, color=f"C{index}", label=name, **style)
    axes.set_title(title)
    axes.set_ylim(0, 1)
    _name(axes, "distance to the boundary [px]", "share")


def _draw_quantiles(
    axes: Axes,
    rows: FloatArray,
    edges: tuple[float, ...],
    name: str,
    label: str,
    style: Mapping[str, Any],
) -> None:
    middle = [np.sqrt(max(a, b / 4) * b) for a, b in itertools.pairwise(edges)]
    for index, quantile in enumerate(("median", "90 %", "99 %")):
        axes.loglog(
            middle, rows[:, index], color=f"C{index}", label=f"{label}, {quantile}", **style
        )
    axes.set_title("far from boundaries")
    _name(axes, name, "error of a step [px]")


def _name(axes: Axes, x: str, y: str) -> None:
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.legend(fontsize=6)
