"""Who may import whom; and that importing does no work."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from checkout import ROOT
from rooms import LAYERS, PACKAGE, imports, is_ros, room_of, sources

RANK = {room: rank for rank, layer in enumerate(LAYERS) for room in layer}
# Closer rules: all that these import from the package.
ONLY = {"lab.synthetic": {"camera", "errors", "types"}}
# Rooms that are not for everybody above them.
NEVER = {room: {"ros"} for room in RANK if room.startswith("lab.")}
HEAVY = {
    "evo",
    "lightning_fabric",
    "pycolmap",
    "ray",
    "safetensors",
    "tapnet",
    "timm",
    "torch",
    "torchvision",
    "transformers",
}


def violations(package: Mapping[str, str]) -> list[str]:
    """One line per import that breaks the layering."""
    found = []
    for module, source in package.items():
        room = room_of(module)
        if room and room not in RANK:
            found.append(f"{module}: '{room}' has no place in LAYERS; give it one")
            continue
        for name, at_import in imports(module, source, package):
            if is_ros(name) and room != "ros":
                found.append(f"{module} imports {name}: only {PACKAGE}.ros may know ROS")
            elif name.split(".")[0] in HEAVY and room == "ros":
                found.append(f"{module} imports {name}: no deep learning in {PACKAGE}.ros")
            elif name.split(".")[0] == PACKAGE and not is_ros(name):
                found += order_violations(module, name, at_import)
    return found


def order_violations(module: str, name: str, at_import: bool) -> list[str]:
    """Return the faults of one module of the package importing another one."""
    room, other = room_of(module), room_of(name)
    if other in ("", room):  # the package itself holds the version only
        return []
    if not room:
        return [f"{module} imports {name}: the package's __init__ imports nothing of it"]
    if other not in RANK or RANK[other] >= RANK[room]:
        return [f"{module} imports {name}: {other} is not below {room}"]
    if other not in ONLY.get(room, RANK) or other in NEVER.get(room, set()):
        return [f"{module} imports {name}: {room} does not need {other}"]
    if room == "cli" and other == "ros" and at_import:
        return [f"{module} imports {name} at its top: the command line starts without ROS"]
    return []


def cycle(package: Mapping[str, str]) -> list[str]:
    """Modules that import each other in a ring at import time; [] if none do."""
    graph = {
        module: {
            name
            for name, at_import in imports(module, source, package)
            if at_import and name in package and name != module
        }
        for module, source in package.items()
    }
    while True:
        free = [module for module, needed in graph.items() if not needed & graph.keys()]
        if not free:
            return sorted(graph)
        for module in free:
            del graph[module]


def test_the_layers_hold() -> None:
    package = sources()
    assert f"{PACKAGE}.pipeline" in package
    assert violations(package) == []


def test_no_modules_import_each_other_in_a_ring() -> None:
    assert cycle(sources()) == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("masks.fusion.densifier", "import rclpy"),
        ("cli.demo", "from sensor_msgs.msg import Image"),
        ("io.bag", "from motion_seg_ros.msg import TrackArray"),
        ("io.bag", "from motion_seg_ros import msg"),
        ("lab.evaluation.replay", "def f():\n    from std_srvs.srv import Trigger"),
        ("build", "import importlib\nimportlib.import_module('rcl_interfaces.msg')"),
        ("ros.node", "class Node:\n    def f(self):\n        import torch"),
        ("ros.node", "from motion_seg_ros.lab.evaluation import metrics"),
        ("types", "from motion_seg_ros.window import Window"),
        ("types", "from .settings.pipeline import Config"),
        ("tracking.flow", "from ..masks import base"),
        ("pipeline", "import motion_seg_ros.build"),
        ("pipeline", "from motion_seg_ros import build"),
        ("masks.fusion.densifier", "from motion_seg_ros.labelling.geometric import label"),
        ("lab.synthetic.scene", "from motion_seg_ros.settings.pipeline import Config"),
        ("masks.fusion.learned", "from motion_seg_ros.lab.training import loop"),
        ("lab.evaluation.labels.comparison", "from motion_seg_ros.lab.training import loop"),
        ("cli.demo", "from motion_seg_ros.ros import node"),
        ("", "from motion_seg_ros.types import Frame"),
        ("novelty", ""),
    ],
)
def test_a_planted_violation_is_found(module: str, source: str) -> None:
    name = f"{PACKAGE}.{module}".rstrip(".")
    empty = dict.fromkeys(sources(), "")
    assert len(violations({**empty, name: source})) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("ros.node", "import rclpy\nfrom motion_seg_ros.msg import TrackArray"),
        ("masks.sam2", "class Sam:\n    def __init__(self):\n        import torch"),
        ("cli.demo", "def run():\n    from motion_seg_ros.ros import node"),
        (
            "masks.fusion.densifier",
            "from motion_seg_ros import types\nfrom motion_seg_ros.flow import dense",
        ),
        ("cli.main", "from motion_seg_ros import __version__"),
        ("lab.training.loop", "from motion_seg_ros.lab.evaluation.labels import metrics"),
        ("cli.train", "from motion_seg_ros.lab.training import run"),
    ],
)
def test_a_lawful_import_is_not_reported(module: str, source: str) -> None:
    empty = dict.fromkeys([*sources(), f"{PACKAGE}.flow"], "")
    assert violations({**empty, f"{PACKAGE}.{module}": source}) == []


def test_a_planted_ring_is_found() -> None:
    ring = {
        f"{PACKAGE}.flow": f"from {PACKAGE}.window import Window",
        f"{PACKAGE}.window": f"from {PACKAGE} import flow",
        f"{PACKAGE}.types": "",
    }
    assert cycle(ring) == [f"{PACKAGE}.flow", f"{PACKAGE}.window"]


def run_python(code: str) -> str:
    """Run code in a fresh interpreter, away from the source tree; what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tempfile.gettempdir(),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("module", ["cli.segment", "cli.evaluate", "build", "pipeline"])
def test_what_runs_without_ros_loads_neither_ros_nor_deep_learning(module: str) -> None:
    loaded = run_python(f"import sys, {PACKAGE}.{module}; print(*sys.modules)").split()
    assert f"{PACKAGE}.{module}" in loaded
    tops = {name.split(".")[0] for name in loaded}
    assert [name for name in loaded if is_ros(name)] == []
    assert not tops & HEAVY


def test_the_node_loads_no_deep_learning() -> None:
    pytest.importorskip("rclpy", reason="rclpy: no ROS 2 here")
    loaded = run_python(f"import sys, {PACKAGE}.ros.running; print(*sys.modules)").split()
    assert not {name.split(".")[0] for name in loaded} & HEAVY


def test_the_runtime_does_without_the_laboratory(tmp_path: Path) -> None:
    copy = tmp_path / PACKAGE
    shutil.copytree(ROOT / PACKAGE, copy, ignore=shutil.ignore_patterns("lab", "__pycache__"))
    has_ros = importlib.util.find_spec("rclpy") is not None
    modules = [
        name
        for name in sources()
        if room_of(name).split(".")[0] not in ("lab", "cli") and (has_ros or room_of(name) != "ros")
    ]
    code = f"""
import importlib, sys
sys.path.insert(0, {str(tmp_path)!r})
for name in {modules!r}:
    importlib.import_module(name)
import numpy as np
from motion_seg_ros.build import build
from motion_seg_ros.plan import resolve
from motion_seg_ros.settings.pipeline import make_config
from motion_seg_ros.types import Frame
segmenter = build(resolve(make_config()))
image = np.random.default_rng(0).integers(0, 255, (96, 128, 3), np.uint8)
for index in range(4):
    result = segmenter.push(Frame(np.roll(image, index, axis=1), stamp_ns=index * 10**8))
print(importlib.import_module({PACKAGE!r}).__file__, result.masks.id_map.shape)
"""
    assert run_python(code).split(maxsplit=1) == [str(copy / "__init__.py"), "(96, 128)\n"]


def test_importing_opens_no_connection_and_no_gpu() -> None:
    has_ros = importlib.util.find_spec("rclpy") is not None
    modules = [name for name in sources() if has_ros or room_of(name) != "ros"]
    code = f"""
import importlib, socket, sys
def refuse(*args, **kwargs):
    raise RuntimeError("a connection at import")
socket.socket.connect = socket.getaddrinfo = refuse
for name in {modules!r}:
    importlib.import_module(name)
torch = sys.modules.get("torch")
print(bool(torch and torch.cuda.is_initialized()))
"""
    assert run_python(code).strip() == "False"
