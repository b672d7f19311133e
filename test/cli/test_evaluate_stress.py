"""`motion_seg evaluate --stress`, run as a user runs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from evaluations import assert_fails, results, run, without_times, write_sequence

from motion_seg_ros.cli import main
from motion_seg_ros.io.indexed_png import read_id_map
from motion_seg_ros.lab.evaluation import evaluate
from motion_seg_ros.lab.evaluation.results import read_results


@pytest.fixture
def davis(tmp_path: Path) -> Path:
    write_sequence(tmp_path / "davis", "one", frames=8)
    return tmp_path / "davis"


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The folders of masks that are made, as they are."""
    seen: list[str] = []
    original = evaluate._run

    def count(task: Any, *arguments: Any) -> Any:
        seen.append(task.name)
        return original(task, *arguments)

    monkeypatch.setattr(evaluate, "_run", count)
    return seen


def test_all_that_is_written(
    davis: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run(davis, out, "--stress", "every_2nd,half_size,noise") == 0
    said = capsys.readouterr().out
    found = read_results(out)
    assert found.stress is not None
    assert list(found.stress.conditions) == ["every_2nd", "half_size", "noise"]
    clean = dict(
        zip(
            found.scores.per_sequence["one"].per_frame.name,
            found.scores.per_sequence["one"].per_frame.J,
            strict=True,
        )
    )
    rare = found.stress.conditions["every_2nd"]
    shown = [each.stem for each in sorted((out / "masks/every_2nd/one").glob("*.png"))]
    assert shown == ["00000", "00002", "00004", "00006"]
    assert rare.frames == 3
    same = [clean[each] for each in shown[1:]]
    assert rare.J_mean - rare.J_difference == pytest.approx(sum(same) / 3)
    small = read_id_map(out / "masks/half_size/one/00004.png", (48, 64))
    assert small.shape == (48, 64)
    for name, each in found.stress.conditions.items():
        assert f"{name:<17}{each.frames:>9}{each.J_mean:>9.3f}" in said
    assert 'id="robustness"' in (out / "report.html").read_text(encoding="utf-8")
    assert list((out / "pictures").iterdir()) == [out / "pictures/one"]


def test_goes_on_where_it_was(
    davis: Path, tmp_path: Path, counted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out, words = tmp_path / "out", ("--stress", "every_3rd,jpeg")
    original = evaluate._keep

    def interrupted(scores: Any, staged: Path) -> Any:
        if counted[-1] == "jpeg":
            raise KeyboardInterrupt
        return original(scores, staged)

    with monkeypatch.context() as patch:
        patch.setattr(evaluate, "_keep", interrupted)
        assert run(davis, out, *words) != 0
    assert counted == ["motion_seg", "every_3rd", "jpeg"]
    assert not (out / "results.json").exists()
    assert run(davis, out, *words) == 0
    assert counted[3:] == ["jpeg"]
    first = without_times(results(out))
    # The clean run is there, too, and what another seed cannot change.
    assert run(davis, out, "--stress", "noise", "--stress-seed", "5") == 0
    assert counted[4:] == ["noise_5"]
    assert results(out)["stress"]["seed"] == 5
    assert run(davis, tmp_path / "again", *words) == 0
    assert without_times(results(tmp_path / "again")) == first


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--stress", "--predictions", "masks"), "--stress: expected without --predictions"),
        (("--stress", "--trajectory"), "--stress: expected without --trajectory"),
        (("--stress", "--against", "mog2"), "--stress: expected without --against"),
        (("--stress-seed", "1"), "--stress-seed: expected with --stress"),
        (("--stress", "--stress-seed", "-1"), "--stress-seed: expected 0 or more, found -1"),
        (("--stress", "lowlight"), "--stress lowlight: expected some of every_2nd"),
        (("--stress", "lowlight"), "did you mean low_light?"),
    ],
)
def test_wrong_options(
    davis: Path,
    tmp_path: Path,
    words: tuple[str, ...],
    told: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert_fails(capsys, run(davis, tmp_path / "out", *words), told)
    assert not (tmp_path / "out").exists()


def test_help_names_the_conditions(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main.main(["evaluate", "--help"])
    said = capsys.readouterr().out
    assert "jittered_stamps" in said
    assert "--stress-seed" in said
