"""The package's descriptions agree with each other and with the code."""

from __future__ import annotations

import ast
import re
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import setuptools
from checkout import ROOT

import motion_seg_ros

PACKAGE = "motion_seg_ros"

# Import name -> (what pip installs, what package.xml names); None: not declared there, on purpose.
DECLARED_AS: dict[str, tuple[str | None, str | None]] = {
    "av": ("av", None),  # optional: setup.py, extra `video`
    "builtin_interfaces": (None, "builtin_interfaces"),  # comes with every message wheel
    "cv2": ("opencv-contrib-python-headless", "python3-opencv"),
    "diagnostic_msgs": ("ros-jazzy-diagnostic-msgs", "diagnostic_msgs"),
    "evo": ("evo", None),  # see package.xml
    "filelock": ("filelock", None),  # see package.xml
    "huggingface_hub": ("huggingface_hub", None),  # see package.xml
    "imageio_ffmpeg": ("imageio-ffmpeg", None),  # see package.xml
    "jinja2": ("Jinja2", "python3-jinja2"),
    "lifecycle_msgs": ("ros-jazzy-lifecycle-msgs", "lifecycle_msgs"),
    "lightning_fabric": ("lightning-fabric", None),  # see package.xml
    "matplotlib": ("matplotlib", "python3-matplotlib"),
    "mcap": ("mcap", None),  # see package.xml
    "numpy": ("numpy", "python3-numpy"),
    "onnx_ir": ("onnxscript", None),  # comes with it
    "onnxruntime": ("onnxruntime", None),  # see package.xml
    "onnxscript": ("onnxscript", None),  # see package.xml
    "PIL": ("Pillow", "python3-pil"),
    "pooch": ("pooch", None),  # see package.xml
    "pycolmap": ("pycolmap", None),  # see package.xml
    "ray": ("ray", None),  # see package.xml
    "rcl_interfaces": ("ros-jazzy-rcl-interfaces", "rcl_interfaces"),
    "rclpy": ("ros-jazzy-rclpy", "rclpy"),
    "rerun": ("rerun-sdk", None),  # optional: setup.py, extra `rerun`
    "rosbags": ("rosbags", None),  # see package.xml
    "rosgraph_msgs": ("ros-jazzy-rosgraph-msgs", "rosgraph_msgs"),
    "safetensors": ("safetensors", None),  # see package.xml
    "scipy": ("scipy", "python3-scipy"),
    "sensor_msgs": ("ros-jazzy-sensor-msgs", "sensor_msgs"),
    "std_msgs": ("ros-jazzy-std-msgs", "std_msgs"),
    "std_srvs": ("ros-jazzy-std-srvs", "std_srvs"),
    "tensorboard": ("tensorboard", None),  # see package.xml
    "torch": ("torch", None),  # see package.xml; and which build depends on the GPU
    "tqdm": ("tqdm", "python3-tqdm"),
    "transformers": ("transformers", None),  # see package.xml
    "vision_msgs": (None, "vision_msgs"),  # no wheel
    "yaml": ("PyYAML", "python3-yaml"),
    "zstandard": ("zstandard", None),  # see package.xml
}


@pytest.fixture(scope="module")
def setup_arguments() -> dict[str, Any]:
    """Return the arguments that setup.py hands to setuptools, without building anything."""
    seen: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(setuptools, "setup", seen.update)
        patch.chdir(ROOT)
        runpy.run_path(str(ROOT / "setup.py"))
    return seen


@pytest.fixture(scope="module")
def manifest() -> Any:
    """package.xml, parsed and checked by the tool that ROS builds with."""
    catkin_package = pytest.importorskip("catkin_pkg.package", reason="catkin_pkg: not installed")
    warnings: list[str] = []
    package = catkin_package.parse_package(str(ROOT / "package.xml"), warnings=warnings)
    package.validate()
    assert warnings == []
    return package


def test_one_version(setup_arguments: dict[str, Any], manifest: Any) -> None:
    changes = (ROOT / "CHANGELOG.rst").read_text(encoding="utf-8")
    newest = re.search(r"^(\S+) \(\d{4}-\d\d-\d\d\)\n-+$", changes, re.MULTILINE)
    assert newest is not None
    versions = {setup_arguments["version"], manifest.version, newest.group(1)}
    assert versions == {motion_seg_ros.__version__}


def test_names_and_licence_agree(setup_arguments: dict[str, Any], manifest: Any) -> None:
    assert setup_arguments["name"] == manifest.name == PACKAGE
    assert f"project({PACKAGE} " in (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    assert [setup_arguments["license"]] == manifest.licenses == ["Apache-2.0"]
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")
    (maintainer,) = manifest.maintainers
    assert maintainer.email == setup_arguments["author_email"]


def test_every_folder_of_modules_is_installed(setup_arguments: dict[str, Any]) -> None:
    folders = {path.parent for path in (ROOT / PACKAGE).rglob("*.py")}
    names = {".".join(path.relative_to(ROOT).parts) for path in folders}
    assert set(setup_arguments["packages"]) == {n for n in names if n.split(".")[1:2] != ["msg"]}


def test_programs_start_what_exists(setup_arguments: dict[str, Any]) -> None:
    scripts = {path.name: path for path in (ROOT / "scripts").iterdir()}
    assert set(scripts) == {"motion_seg", "motion_seg_node"}
    modules = {}
    for name, path in scripts.items():
        assert path.stat().st_mode & 0o111, f"{path} is not executable"
        text = path.read_text(encoding="utf-8")
        (modules[name],) = re.findall(r"^from ([\w.]+) import main$", text, re.MULTILINE)
        assert (ROOT / (modules[name].replace(".", "/") + ".py")).is_file()
    for entry in setup_arguments["entry_points"]["console_scripts"]:
        name, module = entry.split(" = ")
        assert module == f"{modules[name]}:main"


def third_party_imports() -> Iterator[tuple[str, Path]]:
    """Every import of the package that is neither its own nor the standard library's."""
    for path in sorted((ROOT / PACKAGE).rglob("*.py")):
        if (ROOT / PACKAGE / "msg") in path.parents:  # generated
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            for name in names:
                if name.split(".")[0] not in {PACKAGE, *sys.stdlib_module_names}:
                    yield name, path.relative_to(ROOT)


def test_every_import_is_declared(setup_arguments: dict[str, Any], manifest: Any) -> None:
    requirements = setup_arguments["install_requires"] + [
        each
        for extra in ("ros-jazzy", "fast", "full", "video", "train", "trajectory", "rerun", "ray")
        for each in setup_arguments["extras_require"][extra]
    ]
    pip = {re.split(r"[<>=!~;\[ ]", each)[0] for each in requirements}
    xml = {each.name for each in manifest.exec_depends + manifest.build_export_depends}
    for name, path in third_party_imports():
        key = next(
            (k for k in (".".join(name.split(".")[:2]), name.split(".")[0]) if k in DECLARED_AS),
            None,
        )
        assert key is not None, f"{path} imports {name}: say in DECLARED_AS how it is declared"
        wheel, rosdep = DECLARED_AS[key]
        assert wheel is None or wheel in pip, f"{path} imports {name}: not in setup.py"
        assert rosdep is None or rosdep in xml, f"{path} imports {name}: not in package.xml"


def test_an_undeclared_import_would_be_found() -> None:
    found = {name.split(".")[0] for name, _ in third_party_imports()}
    assert {"numpy", "cv2", "yaml"} <= found
    assert "os" not in found


@pytest.mark.parametrize("path", sorted((ROOT / "msg").glob("*.msg")), ids=lambda path: path.stem)
def test_every_message_field_says_its_unit(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("# "), "say in the first line what the message is"
    fields = [line for line in lines if line and not line.startswith("#")]
    assert fields
    for line in fields:
        declaration, _, comment = line.partition("#")
        assert comment.strip(), f"no comment: {line}"
        of_numbers = re.match(r"(u?int|float|bool|string)", declaration)
        if of_numbers and "=" not in declaration:
            assert re.match(r" \[[^\]]+\] \S", comment), f"no [unit]: {line}"


def test_messages_have_what_the_definitions_say() -> None:
    msg = pytest.importorskip(f"{PACKAGE}.msg", reason="the messages are not built here")
    for path in (ROOT / "msg").glob("*.msg"):
        text = path.read_text(encoding="utf-8")
        fields = re.findall(r"^[\w/\[\]]+ +([a-z]\w*)\b(?!=)", text, re.MULTILINE)
        generated = getattr(msg, path.stem).get_fields_and_field_types()
        assert list(generated) == fields, f"{path.name}: build the messages again (make setup)"
