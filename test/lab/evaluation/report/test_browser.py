"""The report in a real browser: nothing overflows, bars are to scale, pictures and scripts work."""

from __future__ import annotations

from pathlib import Path

import pytest
from chromium import Visit, find_chromium, visit
from invented_results import results, sequence, whole, with_pictures

from motion_seg_ros.lab.evaluation.report.page import write_report
from motion_seg_ros.lab.evaluation.report.runs import ReportRun
from motion_seg_ros.lab.evaluation.scoring import method_scores

pytestmark = pytest.mark.skipif(
    find_chromium() is None, reason="no Chromium here (apt-get install chromium)"
)

LONG = "a_sequence_with_a_name_that_is_as_long_as_only_the_names_of_rosbags_ever_are_2024-11-23"
STRANGE = "<b>&amp; \"漢字\" 'é'</b>"
REGION = {"camel": [1.0, 0.5, 0.75, 0.25], LONG: [0.0, 0.0, 0.0, 0.0], STRANGE: [1.0] * 4}

PROBE = """
const all = (query) => [...document.querySelectorAll(query)];
const images = all("img");
images.forEach((each) => (each.loading = "eager"));
await Promise.all(images.map((each) => each.decode()));
const wide = all("body *").filter((each) => {
  const inScroll = each.closest(".scroll") && !each.classList.contains("scroll");
  return !inScroll && each.getBoundingClientRect().right > window.innerWidth + 1;
});
const figure = document.querySelector(".over-time");
const readings = () => figure.querySelector("figcaption").innerText.split(/\\s+/).join(" ");
const before = readings();
const key = (name) => figure.dispatchEvent(new KeyboardEvent("keydown", { key: name }));
key("ArrowRight");
key("ArrowRight");
const second = readings();
key("Escape");
const after = readings();
const area = figure.querySelector(".area").getBoundingClientRect();
figure.querySelector(".area").dispatchEvent(
  new PointerEvent("pointermove", { clientX: area.right - 1, clientY: area.top + 5 }));
const last = readings();
const names = () => all("#bars tbody th").map((each) => each.textContent);
const sorted = { first: names() };
all("#bars th button")[1].click();
sorted.descending = names();
all("#bars th button")[1].click();
sorted.ascending = names();
all("#bars th button")[0].click();
sorted.names = names();
return {
  innerWidth: window.innerWidth,
  scrollWidth: document.documentElement.scrollWidth,
  wide: wide.map((each) => each.outerHTML.slice(0, 120)),
  widths: images.map((each) => each.naturalWidth),
  alts: images.filter((each) => !each.alt).length,
  bars: all("#bars .bar").map((each) => [
    parseFloat(each.querySelector(".value").textContent),
    each.querySelector(".fill").getBoundingClientRect().width
      / each.querySelector(".track").getBoundingClientRect().width,
    getComputedStyle(each.querySelector(".fill")).backgroundColor,
  ]),
  gains: all("#gains .bar").map((each) => {
    const track = each.querySelector(".track").getBoundingClientRect();
    const fill = each.querySelector(".fill").getBoundingClientRect();
    return [(fill.left - track.left) / track.width, (fill.right - track.left) / track.width];
  }),
  curves: all(".over-time .line").map((each) => {
    const box = each.getBoundingClientRect();
    const area = each.closest(".area").getBoundingClientRect();
    return [(area.bottom - box.bottom) / area.height, (area.bottom - box.top) / area.height];
  }),
  paper: getComputedStyle(document.body).backgroundColor,
  ink: getComputedStyle(document.body).color,
  bold: all("b, script").length,
  headers: all("table").filter((each) => !each.querySelector("th")).length,
  before, second, after, last, sorted,
};
"""


def a_run(folder: Path, name: str = "run", gain: float = 0.0) -> ReportRun:
    scores = {
        each: with_pictures(
            folder, f"s{index}", whole([min(value + gain, 1.0) for value in region])
        )
        for index, (each, region) in enumerate(REGION.items())
    }
    return ReportRun(name, results(scores), folder)


@pytest.fixture(scope="module")
def visits(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Visit]:
    """One run with a method beside it on a wide window, two runs on a narrow one in the dark."""
    folder = tmp_path_factory.mktemp("report")
    one = a_run(folder)
    beside = {name: sequence([0.5] * 4) for name in REGION}
    both = ReportRun(
        "run",
        results(one.results.scores.per_sequence, against={"mog2": method_scores(beside)}),
        folder,
    )
    write_report(folder / "one.html", [both])
    write_report(folder / "two.html", [one, a_run(folder, f"other_{LONG}", 0.125)])
    return {
        "wide": visit(folder / "one.html", PROBE),
        "narrow": visit(folder / "two.html", PROBE, width=400, dark=True),
    }


@pytest.mark.parametrize("which", ["wide", "narrow"])
def test_no_script_fails_and_nothing_is_refused(visits: dict[str, Visit], which: str) -> None:
    assert visits[which].console == []


@pytest.mark.parametrize(("which", "width"), [("wide", 1280), ("narrow", 400)])
def test_nothing_is_wider_than_the_window(visits: dict[str, Visit], which: str, width: int) -> None:
    found = visits[which].probe
    assert found["innerWidth"] == width
    assert found["wide"] == []
    assert found["scrollWidth"] <= width


def test_pictures_are_decoded_and_described(visits: dict[str, Visit]) -> None:
    found = visits["wide"].probe
    assert found["widths"] == [64, 96, 32] * len(REGION)
    assert visits["narrow"].probe["widths"] == [64, 96, 32] * len(REGION) * 2
    assert found["alts"] == 0


@pytest.mark.parametrize(("which", "count"), [("wide", 12), ("narrow", 12)])
def test_bars_are_as_long_as_their_values(visits: dict[str, Visit], which: str, count: int) -> None:
    bars = visits[which].probe["bars"]
    assert len(bars) == count  # sequences x measures x series
    for value, length, _ in bars:
        assert length == pytest.approx(value, abs=0.011)
    assert {0.0, 1.0} <= {value for value, _, _ in bars}
    assert len({colour for _, _, colour in bars}) == 2, "a colour for each series"


def test_gains_go_right_from_the_middle(visits: dict[str, Visit]) -> None:
    assert visits["wide"].probe["gains"] == []
    gains = visits["narrow"].probe["gains"]
    assert len(gains) == 2 * len(REGION)
    assert all(left == pytest.approx(0.5, abs=0.02) for left, _ in gains)
    # 0.125, and camel's mean gains less, as none is above 1; the axis ends at 0.2.
    ends = sorted({round(right, 2) for _, right in gains})
    assert ends == pytest.approx(
        [0.5, 0.5 + 0.5 * 0.09375 / 0.2, 0.5 + 0.5 * 0.125 / 0.2], abs=0.02
    )


def test_curves_span_the_values(visits: dict[str, Visit]) -> None:
    curves = visits["wide"].probe["curves"]
    assert len(curves) == 2 * len(REGION)
    beside, ours = curves[:2]  # ours is drawn last, over the others
    assert ours == pytest.approx([0.25, 1.0], abs=0.03)
    assert beside == pytest.approx([0.5, 0.5], abs=0.03)


def test_values_are_read_off_by_keyboard_and_pointer(visits: dict[str, Visit]) -> None:
    found = visits["wide"].probe
    assert found["before"] == "mean J 0.625 F 0.625 J 0.500 F 0.500"
    assert found["second"] == "00002 J 0.500 F 0.750 J 0.500 F 0.500"
    assert found["after"] == found["before"]
    assert found["last"] == "00004 J 0.250 F 1.000 J 0.500 F 0.500"


def test_the_table_is_sorted_by_a_click(visits: dict[str, Visit]) -> None:
    found = visits["wide"].probe["sorted"]
    assert found["first"] == [STRANGE, "camel", LONG]
    assert found["descending"] == [STRANGE, "camel", LONG]
    assert found["ascending"] == [LONG, "camel", STRANGE]
    assert found["names"] == sorted(REGION, key=str.casefold)


def test_dark_and_light(visits: dict[str, Visit]) -> None:
    light, dark = visits["wide"].probe, visits["narrow"].probe
    assert light["paper"] == "rgb(255, 255, 255)"
    assert dark["paper"] != light["paper"]
    assert dark["ink"] != light["ink"]
    assert {each[2] for each in dark["bars"]}.isdisjoint({each[2] for each in light["bars"]})


def test_names_are_text(visits: dict[str, Visit]) -> None:
    assert "<b>&amp;amp; \"漢字\" 'é'</b>" not in visits["wide"].dom
    assert "&lt;b&gt;&amp;amp;" in visits["wide"].dom


def test_all_tables_have_headers(visits: dict[str, Visit]) -> None:
    assert visits["wide"].probe["headers"] == visits["narrow"].probe["headers"] == 0


def test_a_failing_script_would_be_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<body><script>nowhere.to.be.found();</script></body>")
    (line,) = visit(page, "return {};").console
    assert "nowhere is not defined" in line
