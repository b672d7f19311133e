"""Networks in ONNX files, run without PyTorch: by onnxruntime where it is installed, else by
OpenCV's `dnn` or by NumPy."""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from motion_seg_ros.errors import InputError, MissingDependencyError
from motion_seg_ros.weights.onnx_file import Array, OnnxFile, read_onnx

logger = logging.getLogger(__name__)

NO_TELEMETRY = "ORT_DISABLE_TELEMETRY"
"""Environment of onnxruntime, which otherwise sends records of its use to its makers over the
network (version 1.32 on Linux does). Source: Privacy.md in its package."""


class Runtime(Protocol):
    """A network that is ready to run; may be called from several threads.

    Attributes:
        name: of the library, with its version.
    """

    name: str

    def __call__(self, inputs: Mapping[str, Array]) -> Array:
        """Return the network's one result for its inputs by name, (B, ...)."""
        ...


def load_runtime(path: Path, *, threads: int | None = None) -> tuple[Runtime, Mapping[str, str]]:
    """Load a network with one result.

    Args:
        path: an ONNX file.
        threads: of the processor; None: as many as there are cores for this process. OpenCV and
            NumPy use as many as they are set to use in this process.

    Returns:
        The network, and the metadata of the file.

    Raises:
        InputError: the file is missing or damaged, or no library here can run it.
    """
    file = read_onnx(path)
    if len(file.outputs) != 1:
        raise InputError(f"{path}: expected a network with one result, found {len(file.outputs)}")
    try:
        return _OnnxRuntime(path, threads), file.metadata
    except ImportError:
        pass
    except Exception as error:  # of its own kinds, where it is older than the file
        reason = " ".join(str(error).split())
        logger.warning("onnxruntime is not used: it cannot load %s: %s", path.name, reason)
    return _fallback(path, file), file.metadata


def library() -> str:
    """Return what `load_runtime` lets run networks here, with its version."""
    try:
        return f"onnxruntime {_onnxruntime().__version__}"
    except ImportError:
        return f"OpenCV {cv2.__version__}, NumPy {np.__version__}"


@contextlib.contextmanager
def needs_torch(weights: Path) -> Iterator[None]:
    """Turn a failed import within the block into one line about the weights that need it.

    Raises:
        MissingDependencyError: something is not installed.
    """
    try:
        yield
    except ImportError as error:
        raise MissingDependencyError(
            f"{weights}: expected torch and safetensors, which this needs, found: {error}; pip "
            "install them, or name an .onnx file, which `motion_seg weights export` writes where "
            "they are"
        ) from error


def _onnxruntime() -> Any:
    """Import onnxruntime without its telemetry, unless the environment asks for it."""
    os.environ.setdefault(NO_TELEMETRY, "1")
    return importlib.import_module("onnxruntime")


def _fallback(path: Path, file: OnnxFile) -> Runtime:
    convolves = any(node.op == "Conv" for node in file.nodes)
    try:
        return _OpenCvRuntime(path) if convolves else _NumpyRuntime(file)
    except (cv2.error, InputError) as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"{path}: expected a network that OpenCV {cv2.__version__} or NumPy can run, found: "
            f"{reason}"
        ) from error


class _OnnxRuntime:
    """See https://onnxruntime.ai/docs/performance/tune-performance/threading.html."""

    def __init__(self, path: Path, threads: int | None) -> None:
        library = _onnxruntime()
        options = library.SessionOptions()
        options.intra_op_num_threads = threads or len(os.sched_getaffinity(0))
        options.inter_op_num_threads = 1
        options.log_severity_level = 3  # errors alone
        # A core that waits is another's: this is one process of many.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = library.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
        self.name = f"onnxruntime {library.__version__}"

    def __call__(self, inputs: Mapping[str, Array]) -> Array:
        return np.asarray(self._session.run(None, dict(inputs))[0])


class _OpenCvRuntime:
    def __init__(self, path: Path) -> None:
        self._network = cv2.dnn.readNetFromONNX(str(path))
        self._lock = threading.Lock()  # inputs and results belong to the network
        self.name = f"OpenCV {cv2.__version__}"

    def __call__(self, inputs: Mapping[str, Array]) -> Array:
        with self._lock:
            for name, value in inputs.items():
                self._network.setInput(value, name)
            return np.array(self._network.forward())


class _NumpyRuntime:
    def __init__(self, file: OnnxFile) -> None:
        # Here: SciPy, which it takes, is 30 MB of memory, and not needed beside onnxruntime.
        from motion_seg_ros.networks.graph import NumpyGraph

        self._graph = NumpyGraph(file)
        self.name = f"NumPy {np.__version__}"

    def __call__(self, inputs: Mapping[str, Array]) -> Array:
        return np.asarray(self._graph(inputs)[0])
