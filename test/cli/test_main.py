"""The program's own options and its exit status."""

from __future__ import annotations

import argparse
import re
import signal
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


def test_runs_as_a_module() -> None:
    command = [sys.executable, "-m", "motion_seg_ros.cli.main", "--version"]
    assert subprocess.run(command, capture_output=True, text=True).stdout.startswith("motion_seg ")
