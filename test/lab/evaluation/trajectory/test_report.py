"""The table, the file and the page of a comparison of camera paths."""

from __future__ import annotations

import base64
import dataclasses
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from chromium import find_chromium, visit

from motion_seg_ros.errors import OutputError
from motion_seg_ros.lab.evaluation.trajectory.comparison import (
    NONE,
    OURS,
    TRUE,
    ClipMaps,
    MapScores,
)
from motion_seg_ros.lab.evaluation.trajectory.drawing import drawing
from motion_seg_ros.lab.evaluation.trajectory.errors import PathErrors
from motion_seg_ros.lab.evaluation.trajectory.report import (
    TrajectoryResults,
    as_table,
    summary,
    write_trajectories,
)

# An arc in a slanted plane.
ARC = np.array([[np.cos(a), np.sin(a), np.sin(a)] for a in np.linspace(0, 2, 6)])


def placed(ate_m: float, off_m: float = 0.0) -> MapScores:
    positions = {
        index / 10: (float(x) + off_m, float(y), float(z)) for index, (x, y, z) in enumerate(ARC)
    }
    return MapScores(6, 345, 1, PathErrors(ate_m, ate_m, 0.012, 0.3, positions), 4.5)


FAILED = MapScores(0, 0, 0, PathErrors(None, 0.8), 1.5, "too few <matches> to start a map")


def clip(name: str, **maps: MapScores) -> ClipMaps:
    path = tuple((float(x), float(y), float(z)) for x, y, z in ARC)
    return ClipMaps(name, 6, 3.2, path, maps)


SPOILED = clip("spoiled_0", none=placed(0.5, 0.4), ours=placed(0.2, 0.1), true=placed(0.1))
CALM = clip("calm_0", none=placed(0.11), ours=placed(0.1), true=placed(0.1))
UNKNOWN = clip("a<b", none=FAILED, ours=placed(0.1))
MAPPED = dataclasses.replace(SPOILED, pictures={NONE: b"\xff\xd8ghosts", OURS: b"\xff\xd8none"})
RESULTS = TrajectoryResults(
    (SPOILED, CALM, UNKNOWN),
    version="1.2.3",
    versions={"evo": "9.8"},
    mapping={"max_features": 77},
    command="motion_seg evaluate --trajectory",
)


def test_the_table_has_a_row_for_each_clip() -> None:
    lines = as_table(RESULTS).splitlines()
    rows = {words[0]: words[1:] for line in lines[2:5] if (words := line.split())}
    assert rows["spoiled_0"] == [
        *("50.0", "20.0", "10.0"),
        *("1.2", "1.2", "1.2"),
        *("6/6", "6/6", "6/6"),
        "75%",
    ]
    assert rows["calm_0"][-2:] == ["not", "spoiled"]
    assert rows["a<b"] == ["80.0", "10.0", "-", "-", "1.2", "-", "0/6", "6/6", "-", "-"]
    assert "Movers spoil 1 of 2 clips" in lines[-1]
    assert "75% on average, and at least half in 1" in lines[-1]


def test_the_summary_says_when_nothing_is_spoiled() -> None:
    assert "none spoiled" in summary(TrajectoryResults((CALM,)))


def test_the_file_has_all_figures_and_what_is_worked_out_from_them(tmp_path: Path) -> None:
    write_trajectories(tmp_path, RESULTS, overwrite=False)
    content = json.loads((tmp_path / "trajectory.json").read_text(encoding="utf-8"))
    assert content["schema"] == 1
    assert content["version"] == "1.2.3"
    assert content["mapping"] == {"max_features": 77}
    assert (content["spoiled"], content["recovered_half"]) == (1, 1)
    assert content["recovered_mean"] == pytest.approx(0.75)
    first, calm, unknown = content["clips"]
    assert (first["spoiled"], calm["spoiled"], unknown["spoiled"]) == (True, False, None)
    assert first["recovered"] == pytest.approx(0.75)
    assert first["maps"][TRUE]["errors"]["ate_m"] == 0.1
    assert first["maps"][NONE]["registered"] == 6
    assert unknown["maps"][NONE]["errors"]["ate_m"] is None
    assert unknown["maps"][NONE]["failure"] == FAILED.failure
    assert unknown["maps"][OURS]["points"] == 345


def test_the_page_needs_nothing_else_and_escapes_names(tmp_path: Path) -> None:
    write_trajectories(tmp_path, RESULTS, overwrite=False)
    page = (tmp_path / "trajectory.html").read_text(encoding="utf-8")
    assert "a&lt;b" in page
    assert "a<b" not in page
    assert "too few &lt;matches&gt; to start a map" in page
    assert not re.search(r'(src|href)="(?!data:|#)', page)
    assert page.count("data:image/svg+xml;base64,") == 3
    assert "Movers spoil 1 of 2 clips" in page
    # The legend has the colours of the drawings.
    legend = re.findall(r"\.swatch\.s\d \{ --colour: (#\w+); \}", page)
    assert legend == re.findall(r"\.(?:none|ours|true)\{stroke:(#\w+)", drawing(SPOILED))


PROBE = """
const all = (query) => [...document.querySelectorAll(query)];
const images = all("img");
await Promise.all(images.map((each) => each.decode()));
const wide = all("body *").filter(
  (each) => !each.closest(".scroll") && each.getBoundingClientRect().right > innerWidth + 1);
return {
  widths: images.map((each) => each.naturalWidth),
  wide: wide.map((each) => each.outerHTML.slice(0, 120)),
  rows: all("tbody tr").map((each) => each.cells.length),
};
"""


@pytest.mark.skipif(find_chromium() is None, reason="no Chromium here (apt-get install chromium)")
@pytest.mark.parametrize(("width", "dark"), [(360, True), (1280, False)])
def test_a_browser_shows_all_drawings_and_nothing_overflows(
    tmp_path: Path, width: int, dark: bool
) -> None:
    write_trajectories(tmp_path, RESULTS, overwrite=False)
    page = tmp_path / "trajectory.html"
    text = page.read_text(encoding="utf-8")
    # The page runs no scripts, and so forbids them: the probe is one.
    page.write_text(text.replace("style-src", "script-src 'unsafe-inline'; style-src"))
    shown = visit(page, PROBE, width=width, dark=dark)
    assert len(shown.probe["widths"]) == 3
    assert all(each > 0 for each in shown.probe["widths"])
    assert shown.probe["wide"] == []
    assert shown.probe["rows"] == [11, 11, 11]
    assert shown.console == []


def test_dense_maps_are_files_and_in_the_page_and_not_in_the_numbers(tmp_path: Path) -> None:
    write_trajectories(tmp_path, TrajectoryResults((MAPPED, CALM)), overwrite=False)
    folder = tmp_path / "trajectories"
    assert (folder / "spoiled_0_map_without_masks.jpg").read_bytes() == b"\xff\xd8ghosts"
    assert (folder / "spoiled_0_map_with_our_masks.jpg").read_bytes() == b"\xff\xd8none"
    page = (tmp_path / "trajectory.html").read_text(encoding="utf-8")
    shown = re.findall(r"data:image/jpeg;base64,([^\"]+)", page)
    assert [base64.b64decode(each) for each in shown] == [b"\xff\xd8ghosts", b"\xff\xd8none"]
    first, _ = json.loads((tmp_path / "trajectory.json").read_text(encoding="utf-8"))["clips"]
    assert "pictures" not in first


def test_the_same_results_make_the_same_files(tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        write_trajectories(tmp_path / name, RESULTS, overwrite=False)
    files = [each for each in (tmp_path / "first").rglob("*") if each.is_file()]
    assert len(files) == 2 + 3
    for each in files:
        other = tmp_path / "second" / each.relative_to(tmp_path / "first")
        assert each.read_bytes() == other.read_bytes()
    with pytest.raises(OutputError, match="already exists"):
        write_trajectories(tmp_path / "first", RESULTS, overwrite=False)


def test_a_drawing_keeps_lengths_and_shows_only_what_is_known() -> None:
    lines = paths(drawing(SPOILED))
    assert set(lines) == {"truth", NONE, OURS, TRUE}
    assert np.allclose(lines["truth"], lines[TRUE], atol=0.11)
    # An arc of radius 1 across and sqrt(2) along the slope is drawn as long as it is.
    steps = np.linalg.norm(np.diff(ARC, axis=0), axis=1)
    drawn = np.linalg.norm(np.diff(lines["truth"], axis=0), axis=1)
    assert np.allclose(drawn / drawn[0], steps / steps[0], rtol=0.01)
    assert set(paths(drawing(UNKNOWN))) == {"truth", OURS}


def paths(svg: str) -> dict[str, np.ndarray]:
    """Class -> (K, 2) points of the drawn paths, all inside the picture."""
    root = ET.fromstring(svg)
    width, height = map(float, root.attrib["viewBox"].split()[2:])
    found = {}
    for each in root.iter("{http://www.w3.org/2000/svg}path"):
        if each.attrib["class"] != "bar":
            numbers = re.findall(r"-?[\d.]+", each.attrib["d"])
            points = np.array(numbers, np.float64).reshape(-1, 2)
            assert (points >= 0).all()
            assert (points <= [width, height]).all()
            found[each.attrib["class"]] = points
    return found
