"""The numbers of the README are those that were measured: what the check finds, and what mends
it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import figures
import pytest
from checkout import ROOT
from figures import FigureError, check, collect, write
from measured import without_folders

ORIGIN = {
    "command": "motion_seg evaluate -o out",
    "commit": "1234567890abcdef1234567890abcdef12345678",
    "machine": "2 cores of a Xeon",
    "date": "2026-11-29",
}
VALUES = {"one.J": 0.73204, "one.share": 0.8131, "count": 1234.2, "worst.J": -0.05}
README = """\
# Package 3.5

## How good

DAVIS 2016 (854x480), Xeon, `1234567`<!-- figures: 2016 854x480 davis.commit davis.machine=Xeon -->

| | J | share | pixels |
|---|---|---|---|
| **ours** | **.732** | 81.3 % | 1,234 <!-- figures: davis.one.J .share davis.count --> |
| worst of the 95th | -.05 | 0.73 <!-- figures: 95 davis.worst.J davis.one.J --> |

```bash
motion_seg --seeds 0-9
```

[Elsewhere](results_2.md#a-3), `--set window.size=16`, MOG2 and F1.

## How fast

Fast.

## Elsewhere

Nobody looks at 3.14 here,
but at .7 there. <!-- figures: davis.one.J -->
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout whose texts and figures agree."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "README.md").write_text(README)
    set_figures(tmp_path, davis={**ORIGIN, "values": VALUES})
    write(tmp_path)
    return tmp_path


def set_figures(root: Path, **runs: dict[str, Any]) -> None:
    (root / figures.FILE).write_text(json.dumps(runs))


def change(file: Path, before: str, after: str) -> None:
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after, 1))


def fault(root: Path) -> str:
    """What the check finds, less the last line, which is the remedy."""
    with pytest.raises(FigureError) as error:
        check(root)
    return str(error.value).rpartition("\n")[0]


def test_the_numbers_of_this_checkout_are_those_that_were_measured() -> None:
    check(ROOT)


def test_what_agrees_stays_as_it_is(root: Path) -> None:
    assert (root / "README.md").read_text() == README
    check(root)


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (".732", ".733", "README.md:9: expected .732 (davis.one.J), found .733"),
        ("**.732**", "**0.732**", None),  # the form is the writer's choice
        ("81.3 %", "81.2 %", "README.md:9: expected 81.3 (davis.one.share), found 81.2"),
        ("1,234", "1,235", "README.md:9: expected 1,234 (davis.count), found 1,235"),
        ("-.05", ".05", "README.md:10: expected -.05 (davis.worst.J), found .05"),
        ("0.73 ", "0.74 ", "README.md:10: expected 0.73 (davis.one.J), found 0.74"),
        ("2016 (", "2017 (", "README.md:5: expected 2016, as its comment says, found 2017"),
        ("(854x480)", "(854x481)", "README.md:5: expected 854x480, as its comment says"),
        ("`1234567`", "`1234568`", "README.md:5: expected 1234567 (davis.commit), found 1234568"),
        ("Xeon, ", "EPYC, ", "README.md:5: expected Xeon in the line and in davis.machine"),
        (".7 there", ".8 there", "README.md:25: expected .7 (davis.one.J), found .8"),
        ("3.14", "3.15", None),  # not a section that is covered
        ("## How good", "## How well", "README.md: expected the section How good, found none"),
        ("MOG2 and F1", "MOG2 and 0.9", "README.md:16: expected a comment that names the figures"),
        ("MOG2 and F1", "commit `abcdef0`", "README.md:16: expected a comment that names"),
        ("**ours**", "**ours** of 3", "README.md:9: expected names of 4 numbers"),
        ("| worst", "| bad | .1 |\n| worst", "README.md:10: expected a comment that names"),
        ("davis.worst.J", "-.05", "README.md:10: expected the name of a figure for -.05"),
        ("davis.count", "1,234", "README.md:9: expected the name of a figure for 1,234"),
        ("davis.worst.J", "davis.best.J", "expected davis.best.J in docs/figures.json, found none"),
        ("davis.worst.J", "other.worst.J", "expected other.worst.J in docs/figures.json"),
        ("-.05 | ", "", "README.md:10: expected names of 2 numbers (95 0.73), found 3"),
    ],
)
def test_a_text_that_differs(root: Path, before: str, after: str, words: str | None) -> None:
    change(root / "README.md", before, after)
    if words is None:
        check(root)
    else:
        assert words in fault(root)


@pytest.mark.parametrize("place", VALUES)
def test_a_figure_that_is_missing(root: Path, place: str) -> None:
    values = {name: each for name, each in VALUES.items() if name != place}
    set_figures(root, davis={**ORIGIN, "values": values})
    assert f"expected davis.{place} in docs/figures.json, found none" in fault(root)


def test_a_figure_that_no_text_names(root: Path) -> None:
    set_figures(root, davis={**ORIGIN, "values": {**VALUES, "two.J": 0.5}})
    assert "davis.two.J: expected a text that names it, found none" in fault(root)
    write(root)
    check(root)


@pytest.mark.parametrize("field", ORIGIN)
def test_a_run_of_unknown_origin(root: Path, field: str) -> None:
    set_figures(root, davis={**ORIGIN, field: "", "values": VALUES})
    assert f"davis: expected its {field}, found none" in fault(root)


def test_the_page_is_that_of_the_figures(root: Path) -> None:
    said = (root / figures.PAGE).read_text()
    assert "| `one.J` | 0.73204 |" in said
    assert "Commit `1234567`, 2026-11-29, 2 cores of a Xeon." in said
    change(root / figures.PAGE, "0.73204", "0.74")
    assert fault(root).startswith("docs/figures.md: expected what docs/figures.json says")


def test_new_figures_are_written_in_the_form_of_the_old(root: Path) -> None:
    other = {"one.J": 0.8, "one.share": 0.05, "count": 7.0, "worst.J": 1.004}
    set_figures(root, davis={**ORIGIN, "commit": "fedcba9876", "values": other})
    write(root)
    said = (root / "README.md").read_text()
    assert "| **ours** | **.800** | 5.0 % | 7 <!--" in said
    assert "| worst of the 95th | 1.00 | 0.80 <!--" in said
    assert "Xeon, `fedcba9`<!--" in said
    assert "3.14 here,\nbut at .8 there." in said


class TestCollecting:
    def source(self, tmp_path: Path, **changes: object) -> Path:
        """A file of results with more than the texts use."""
        file = tmp_path / "results.json"
        command = "motion_seg evaluate --root /d/DAVIS --set a.b=/x/w.onnx -o ../x/one --overwrite"
        content = {
            **ORIGIN,
            "command": command,
            "one": {"J": 0.61, "share": 0.5, "F": 0.4},
            "count": 12,
            "worst": {"J": 0.1},
            "configuration": {"window.size": 16},
        }
        file.write_text(json.dumps({**content, **changes}))
        return file

    def test_what_texts_use_is_taken_over(self, root: Path, tmp_path: Path) -> None:
        collect({"davis": self.source(tmp_path)}, root)
        (run,) = json.loads((root / figures.FILE).read_text()).values()
        wanted = {"one.J": 0.61, "one.share": 0.5, "count": 12, "worst.J": 0.1}
        assert run.pop("values") == wanted
        command = "motion_seg evaluate --root DAVIS --set a.b=w.onnx -o out"
        assert run == {**ORIGIN, "command": command}
        assert "expected .610 (davis.one.J), found .732" in fault(root)
        write(root)
        assert "**.610** | 50.0 % | 12 <!--" in (root / "README.md").read_text()

    def test_the_machine_of_a_benchmark(self, root: Path, tmp_path: Path) -> None:
        on = {"cores": 2, "cpu": "Xeon", "system": "Linux 6", "opencv": "5"}
        collect({"davis": self.source(tmp_path, machine=on)}, root)
        (run,) = json.loads((root / figures.FILE).read_text()).values()
        assert run["machine"] == "2 cores of Xeon; Linux 6"

    def test_the_candidates_of_a_cross_validation(self, root: Path, tmp_path: Path) -> None:
        other = {**ORIGIN, "commit": "abcdef0", "scores": {"J_mean": 0.5}}
        file = self.source(tmp_path, candidates={"x": ORIGIN, "y": other})
        collect({"davis": file}, root)
        (run,) = json.loads((root / figures.FILE).read_text()).values()
        assert run["candidates"]["y"] == {"command": ORIGIN["command"], "commit": "abcdef0"}
        write(root)
        assert "| y | `abcdef0` |" in (root / figures.PAGE).read_text()

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"commit": f"{ORIGIN['commit']}-dirty"}, "commit of an unchanged source, found 1234"),
            ({"commit": "unknown"}, "commit of an unchanged source, found unknown"),
            ({"commit": "1234567, abcdef0"}, "commit of an unchanged source, found 1234567, abc"),
            ({"commit": ""}, "expected its commit, found none"),
            ({"machine": ""}, "expected its machine, found none"),
            ({"one": {"J": 0.5}}, "expected the number one.share, found None"),
            ({"count": "12"}, "expected the number count, found '12'"),
            ({"candidates": {"x": {**ORIGIN, "commit": "unknown"}}}, "found unknown"),
        ],
    )
    def test_what_cannot_be_traced_is_refused(
        self, root: Path, tmp_path: Path, changes: dict[str, object], words: str
    ) -> None:
        before = (root / figures.FILE).read_text()
        with pytest.raises(FigureError) as error:
            collect({"davis": self.source(tmp_path, **changes)}, root)
        assert words in str(error.value)
        assert (root / figures.FILE).read_text() == before

    def test_a_run_that_no_text_names(self, root: Path, tmp_path: Path) -> None:
        with pytest.raises(FigureError, match="expected a text that names figures of speed"):
            collect({"speed": self.source(tmp_path)}, root)

    def test_a_file_that_is_missing(self, root: Path, tmp_path: Path) -> None:
        with pytest.raises(FigureError, match="missing"):
            collect({"davis": tmp_path / "missing.json"}, root)


def test_folders_are_left_out_of_commands() -> None:
    command = "motion_seg benchmark --input '/a b/c d' --json /x/cost.json --seeds 0-9"
    found = "motion_seg benchmark --input 'c d' --json cost.json --seeds 0-9"
    assert without_folders(command) == found


def test_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        figures.main(["collect", "results.json"])
    assert exit_.value.code == 2
    assert "expected RUN=FILE" in capsys.readouterr().err
