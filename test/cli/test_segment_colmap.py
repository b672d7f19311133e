"""`motion_seg segment --export colmap`, run as a user runs it."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest
import recordings
import results

from motion_seg_ros.cli import main, segment


def test_the_folder_is_there_and_the_commands_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(segment, "build", lambda config: results.StubSegmenter())
    recordings.write_images(tmp_path / "walk", recordings.pan(3, (96, 72)), "f{}.jpg")
    out = tmp_path / "out"
    arguments = ["segment", str(tmp_path / "walk"), "-o", str(out), "--no-overlay"]
    assert main.main([*arguments, "--export", "colmap"]) == 0
    folder = out / "walk" / "colmap"
    assert sorted(each.name for each in (folder / "images").iterdir()) == [
        f"f{index}.jpg" for index in range(3)
    ]
    for index in range(3):
        ids = cv2.imread(str(out / "walk" / f"f{index}.png"))
        keep = cv2.imread(str(folder / "masks" / f"f{index}.jpg.png"), cv2.IMREAD_UNCHANGED)
        assert (keep[ids.any(axis=2)] == 0).all()
        assert (keep == 255).any()
    # The stub's box is at x = 2 to 11 in the first frame of three, and at 6 to 15 in the last one,
    # which the first one is when the clip is played backwards; masks grow by 4.
    keep = cv2.imread(str(folder / "masks" / "f0.jpg.png"), cv2.IMREAD_UNCHANGED)
    assert keep[8, 3:24].tolist() == [0] * 17 + [255] * 4
    assert not cv2.imread(str(out / "walk" / "f0.png"))[8, 12:].any()
    said = capsys.readouterr().out
    assert f"--ImageReader.mask_path {folder}/masks" in said
    assert "pycolmap.incremental_mapping" in said
    # Without the option there is no such folder: another output, so nothing is kept.
    assert main.main([*arguments, "--overwrite"]) == 0
    assert not folder.exists()
    assert "colmap" not in capsys.readouterr().out
