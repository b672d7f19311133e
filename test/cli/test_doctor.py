"""`motion_seg doctor` as a process, on this machine and on damaged ones."""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from checkout import ROOT

from motion_seg_ros.plan import needed_weights
from motion_seg_ros.settings.pipeline import make_config
from motion_seg_ros.weights.cache import SHIPPED
from motion_seg_ros.weights.catalogue import PUBLISHED

START = """
import sys
sys.path.remove("")  # as with the installed program
from motion_seg_ros.cli.main import main
sys.exit(main(["doctor", *sys.argv[1:]]))
"""
HIDING = """
import sys
class Hider:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {hidden}:
            raise ModuleNotFoundError("No module named '%s'" % name, name=name)
sys.meta_path.insert(0, Hider())
"""


def doctor(
    folder: Path, *options: str, cwd: Path | None = None, **environment: str
) -> tuple[int, str]:
    """Exit status and output; modules in `folder` come before those that are installed."""
    done = subprocess.run(
        [sys.executable, "-c", START, *options],
        env={
            **os.environ,
            "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}",
            "MOTION_SEG_CACHE": str(folder / "cache"),
            **environment,
        },
        cwd=cwd or folder,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


def findings(output: str) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in json.loads(output)["findings"]}


def states(found: dict[str, dict[str, Any]], *names: str) -> set[str]:
    return {found[each]["state"] for each in names}


def test_a_sound_machine(tmp_path: Path) -> None:
    pytest.importorskip("rclpy", reason="rclpy: no ROS 2 here")
    pytest.importorskip("torch", reason="torch: not installed")
    elsewhere = tmp_path / "elsewhere"  # where the user is: what lies there is not installed
    elsewhere.mkdir()
    (elsewhere / "torch.py").write_text("raise ImportError('the wrong one')")
    status, output = doctor(tmp_path, "--json", cwd=elsewhere, ROS_DOMAIN_ID="87")
    found = findings(output)
    assert status == 0
    assert json.loads(output)["default_profile_runs_with_ros"] is True
    assert states(found, "rclpy", "middleware", "messages", "torch", "profile lite") == {"ok"}
    assert found["Fast DDS segment"]["state"] == "ok", "conftest.py chooses the large one"
    assert "domain 87" in found["middleware"]["found"]
    assert importlib.metadata.version("torch") in found["torch"]["found"]
    assert all(each["remedy"] == "" for each in found.values() if each["state"] == "ok")


def test_what_hides_crashes_or_raises_is_named_and_nothing_else_suffers(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(HIDING.format(hidden={"rclpy", "tqdm", "pooch"}))
    (tmp_path / "torch.py").write_text("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    (tmp_path / "transformers.py").write_text("raise RuntimeError('first\\nsecond')")
    status, output = doctor(tmp_path, "--json")
    found = findings(output)
    assert status == 1
    assert json.loads(output)["default_profile_runs_with_ros"] is False
    assert states(found, "rclpy", "Python packages") == {"missing"}
    assert found["profile lite"]["state"] == "ok", "it needs neither of them"
    assert states(found, "torch", "transformers", "pooch") == {"note"}
    assert states(found, "Python", "OpenCV", "safetensors", "weights full") <= {"ok", "note"}
    assert "SIGSEGV" in found["torch"]["found"]
    assert "tqdm" in found["Python packages"]["remedy"]
    assert found["torch"]["remedy"].endswith("pip install torch")
    assert found["pooch"]["remedy"].endswith("pip install pooch")


def test_a_middleware_that_is_not_there(tmp_path: Path) -> None:
    pytest.importorskip("rclpy", reason="rclpy: no ROS 2 here")
    environment = {"RMW_IMPLEMENTATION": "rmw_absent_cpp", "ROS_DISTRO": "jazzy"}
    status, output = doctor(tmp_path, "--json", **environment)
    found = findings(output)
    assert (status, found["middleware"]["state"]) == (1, "missing")
    assert "sudo apt install ros-jazzy-rmw-absent-cpp" in found["middleware"]["remedy"]
    assert "unset RMW_IMPLEMENTATION" in found["middleware"]["remedy"]
    assert found["rclpy"]["state"] == "ok"
    assert "messages" not in found, "it cannot be said"


def test_the_table_has_a_line_for_each_thing_and_its_command(tmp_path: Path) -> None:
    hidden = {"rclpy", "torch", "safetensors", "onnxruntime"}
    (tmp_path / "sitecustomize.py").write_text(HIDING.format(hidden=hidden))
    needed = list(needed_weights(make_config({"profile": "full"})).values())
    there = PUBLISHED[needed[0]].files
    for file in there:
        path = tmp_path / "cache" / needed[0] / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    status, output = doctor(tmp_path)
    lines = output.splitlines()
    assert status == 1
    assert lines[-1].startswith("The default profile does not run with ROS: ")
    for name in ("torch", "onnxruntime"):
        (at,) = (index for index, line in enumerate(lines) if line.startswith(f"note     {name} "))
        assert lines[at + 1].split("-> ")[1].endswith(f"-m pip install {name}")
    assert any(line.startswith("ok       profile lite") for line in lines)
    fetch = f"-> motion_seg weights fetch {' '.join(needed[1:])}"
    assert any(line.strip() == fetch for line in lines)
    assert sum(line.startswith("ok       weights lite") for line in lines) == len(SHIPPED)
