"""`motion_seg photographs`: what it says of what it fetched, and when it cannot."""

from __future__ import annotations

from pathlib import Path

import pytest
from photographs import photograph_folder

from motion_seg_ros.cli import main
from motion_seg_ros.lab.training.photographs import folder as module


def test_it_says_whose_the_photographs_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[tuple[Path, list[str]]] = []

    def fetch(folder: Path, packages: list[str]) -> module.PhotographFolder:
        asked.append((folder, packages))
        return module.open_photographs(photograph_folder(folder, seed=0))

    monkeypatch.setattr(module, "fetch_photographs", fetch)
    folder = tmp_path / "photographs"
    assert main.main(["photographs", str(folder), "--package", "a", "--package", "b"]) == 0
    assert asked == [(folder, ["a", "b"])]
    said = capsys.readouterr().out
    assert "3 of made-up 1: CC0-1.0" in said
    assert module.open_photographs(folder).digest in said


def test_without_a_network_it_fails_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    apt = tmp_path / "apt-get"
    apt.write_text("#!/bin/sh\necho 'E: Temporary failure resolving' >&2\nexit 100\n")
    apt.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    folder = tmp_path / "photographs"
    assert main.main(["photographs", str(folder)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "E: Temporary failure resolving; check the network" in said
    assert list(folder.iterdir()) == []
