"""The program's own options and its exit status."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys

import pytest

import motion_seg_ros
from motion_seg_ros.cli import main, segment
from motion_seg_ros.errors import InputError

COMMANDS = (
    "segment",
    "replay",
    "demo",
    "benchmark",
    "train",
    "train-masks",
    "evaluate",
    "evaluate-labels",
    "report",
    "weights",
)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main.main(["--version"])
    assert exit_.value.code == 0
    assert capsys.readouterr().out == f"motion_seg {motion_seg_ros.__version__}\n"


@pytest.mark.parametrize("command", [(), *((each,) for each in COMMANDS)])
def test_help_has_examples(command: tuple[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main.main([*command, "--help"])
    assert exit_.value.code == 0
    said = capsys.readouterr().out
    assert "examples:\n  motion_seg " in said
    assert "==SUPPRESS==" not in said


def test_help_names_exactly_the_commands_that_exist(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main.main(["--help"])
    listed = capsys.readouterr().out.split("commands:")[1].split("examples:")[0]
    names = re.findall(r"^    (\S+)", listed, re.MULTILINE)
    assert set(names) == set(COMMANDS)


@pytest.mark.parametrize("arguments", [[], ["segments"], ["segment", "--fps", "0"]])
def test_wrong_usage_is_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main.main(arguments)
    assert exit_.value.code == 2


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (InputError("first line\nsecond line"), "first line second line"),
        (OSError(28, "No space left on device", "/tmp/x"), "/tmp/x: No space left on device"),
    ],
)
def test_an_error_is_one_line_and_status_2(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
    words: str,
) -> None:
    def fail(arguments: argparse.Namespace) -> None:
        raise error

    monkeypatch.setattr(segment, "run", fail)
    assert main.main(["segment", "x", "-o", "y"]) == 2
    assert capsys.readouterr().err == f"motion_seg: error: {words}\n"


def test_interrupt_is_status_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(arguments: argparse.Namespace) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(segment, "run", interrupt)
    assert main.main(["segment", "x", "-o", "y"]) == 130


def test_runs_as_a_module() -> None:
    command = [sys.executable, "-m", "motion_seg_ros.cli.main", "--version"]
    assert subprocess.run(command, capture_output=True, text=True).stdout.startswith("motion_seg ")
