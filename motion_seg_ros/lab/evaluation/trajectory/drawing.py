"""Drawings of camera paths."""

from __future__ import annotations

import html

import numpy as np
import numpy.typing as npt

from motion_seg_ros.lab.evaluation.trajectory.comparison import (
    NONE,
    OURS,
    TRUE,
    ClipMaps,
    MapScores,
)

Array = npt.NDArray[np.float64]
_SPAN, _MARGIN, _LONGEST_BAR = 1000, 60, 300
COLOURS = {NONE: "#d55e00", OURS: "#0072b2", TRUE: "#008a65"}
"""Okabe and Ito's colours: told apart with any colour vision."""
_STYLE = (
    "rect{fill:#fff}path{fill:none;stroke-width:5;stroke-linecap:round;stroke-linejoin:round}"
    ".truth{stroke:#1b1f24;stroke-width:14;stroke-opacity:.25}"
    f".none{{stroke:{COLOURS[NONE]};stroke-dasharray:16 9}}.ours{{stroke:{COLOURS[OURS]}}}"
    f".true{{stroke:{COLOURS[TRUE]};stroke-dasharray:4 10}}"
    ".bar{stroke:#59636e;stroke-width:3}text{font:28px system-ui,sans-serif;fill:#59636e}"
)


def drawing(clip: ClipMaps) -> str:
    """Draw the paths as SVG, in the plane in which the camera travelled most."""
    true = np.array(clip.true_positions_m)
    paths = {masks: _positions(each) for masks, each in clip.maps.items()}
    known = {masks: xyz for masks, xyz in paths.items() if len(xyz)}
    to_plane = _ToPlane(true)
    place = _Canvas(np.concatenate([to_plane(each) for each in (true, *known.values())]))
    lines = [f'<path class="truth" d="{place.path(to_plane(true))}"/>']
    for masks, xyz in known.items():
        lines.append(f'<path class="{masks}" d="{place.path(to_plane(xyz))}"/>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_SPAN} {place.height}" '
        f'role="img"><title>camera paths of {html.escape(clip.name)}</title><style>{_STYLE}</style>'
        f'<rect width="{_SPAN}" height="{place.height}"/>{"".join(lines)}{place.scale()}</svg>\n'
    )


class _Canvas:
    """A drawing _SPAN wide of points in metres."""

    def __init__(self, points: Array) -> None:
        self._low, high = points.min(axis=0), points.max(axis=0)
        extent = np.maximum(high - self._low, 1e-9)
        room = _SPAN - 2 * _MARGIN
        self._per_m = float(min(room / extent[0], room / extent[1]))
        self.height = round(float(extent[1]) * self._per_m) + 3 * _MARGIN

    def path(self, points: Array) -> str:
        """Return an SVG path through (K, 2) points."""
        xy = (points - self._low) * self._per_m + _MARGIN
        return "M" + "L".join(f"{x:.1f} {self.height - _MARGIN - y:.1f}" for x, y in xy)

    def scale(self) -> str:
        """Return a scale bar of a round length."""
        length = 10.0 ** np.floor(np.log10(_LONGEST_BAR / self._per_m))
        length = float(
            max(k * length for k in (1, 2, 5) if k * length * self._per_m <= _LONGEST_BAR)
        )
        y = self.height - _MARGIN / 3
        end = _MARGIN + length * self._per_m
        return (
            f'<path class="bar" d="M{_MARGIN} {y:.0f}H{end:.1f}"/>'
            f'<text x="{end + 14:.0f}" y="{y + 9:.0f}">{length:g} m</text>'
        )


class _ToPlane:
    """Projects (K, 3) positions to (K, 2), along the two directions of most true motion."""

    def __init__(self, true: Array) -> None:
        self._centre = true.mean(axis=0)
        _, _, directions = np.linalg.svd(true - self._centre, full_matrices=False)
        axes = directions[:2]
        # The signs of a decomposition are arbitrary.
        signs = np.sign(axes[np.arange(2), np.abs(axes).argmax(axis=1)])
        self._axes = axes * signs[:, None]

    def __call__(self, xyz: Array) -> Array:
        return np.asarray((xyz - self._centre) @ self._axes.T)


def _positions(scores: MapScores) -> Array:
    found = scores.errors.positions_m or {}
    return np.array(list(found.values()), np.float64).reshape(-1, 3)
