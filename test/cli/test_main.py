"""The program's own options and its exit status."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import recordings
from checkout import ROOT

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
    "compare-masks",
    "photographs",
    "evaluate",
    "evaluate-labels",
    "report",
    "cross-validate",
    "weights",
    "doctor",
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


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_cleans_up_to_the_end_once_it_is_interrupted(
    first: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    cleaned = []

    def work(arguments: argparse.Namespace) -> None:
        try:
            signal.raise_signal(first)
        finally:
            for again in main.INTERRUPTS:
                signal.raise_signal(again)
            cleaned.append(True)

    monkeypatch.setattr(segment, "run", work)
    before = [signal.getsignal(each) for each in main.INTERRUPTS]
    assert main.main(["segment", "x", "-o", "y"]) == 130
    assert cleaned == [True]
    assert [signal.getsignal(each) for each in main.INTERRUPTS] == before


def test_goes_on_without_a_terminal_under_nohup(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        monkeypatch.setattr(segment, "run", lambda arguments: signal.raise_signal(signal.SIGHUP))
        assert main.main(["segment", "x", "-o", "y"]) == 0
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.fixture
def without_lab(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the program in a copy of the package that lacks the laboratory."""
    shutil.copytree(
        ROOT / "motion_seg_ros",
        tmp_path / "motion_seg_ros",
        ignore=shutil.ignore_patterns("lab", "__pycache__"),
    )

    # An editable install would find it elsewhere.
    code = """
import sys
sys.modules["motion_seg_ros.lab"] = None
from motion_seg_ros.cli.main import main
sys.exit(main(sys.argv[1:]))
"""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", code, *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
            capture_output=True,
            text=True,
        )

    return run


def test_segment_and_help_do_without_the_laboratory(
    without_lab: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    recordings.write_images(tmp_path / "walk", recordings.pan(3, (160, 120)))
    done = without_lab("segment", "walk", "-o", "out")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "walk" / "00002.png").is_file()
    done = without_lab("--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "    segment  " in done.stdout
    assert "    evaluate  " not in done.stdout
    for command in (("evaluate", "--help"), ("segment", "walk", "-o", "ray", "--ray", "local")):
        done = without_lab(*command)
        assert done.returncode == 2
        assert "motion_seg: error: expected the package motion_seg_ros.lab, which" in done.stderr


def test_runs_as_a_module() -> None:
    command = [sys.executable, "-m", "motion_seg_ros.cli.main", "--version"]
    assert subprocess.run(command, capture_output=True, text=True).stdout.startswith("motion_seg ")
