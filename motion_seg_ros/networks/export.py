"""Networks of PyTorch written as ONNX files, which run without it: see
motion_seg_ros.networks.runtime.

PyTorch is imported when a function is called, not with this module.
"""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from motion_seg_ros.errors import MissingDependencyError
from motion_seg_ros.networks.tensor_files import OF_THE_GRAPH, write_bytes
from motion_seg_ros.weights.onnx_file import metadata_fields

if TYPE_CHECKING:
    from torch import Tensor, nn

OPERATORS = 20  # of ONNX: the first version with GELU; OpenCV 4.5.4 reads convolutions of it


def save_onnx(
    path: Path,
    network: nn.Module,
    inputs: Mapping[str, Tensor],
    sizes: Mapping[str, Mapping[int, Any]],
    metadata: Mapping[str, str],
) -> None:
    """Write a network with one result completely or not at all; an existing file is replaced.

    The weights keep their names, so that motion_seg_ros.networks.tensor_files.load_tensors reads
    them back.

    Args:
        path: the file.
        network: in evaluation mode on the CPU.
        inputs: examples, by the names of the arguments of its forward.
        sizes: of each input: axes whose sizes may change, as torch.export takes them.
        metadata: stored with it.

    Raises:
        MissingDependencyError: onnxscript is not installed.
        OutputError: the file cannot be written.
    """
    import torch

    try:
        import onnx_ir
        import onnxscript  # noqa: F401  # `_simplify` takes its optimiser
    except ImportError as error:
        raise MissingDependencyError(
            f"{path}: expected the Python package onnxscript to write it, found: {error}; "
            "pip install 'motion_seg_ros[train]'"
        ) from error
    with _quiet():
        # Here, as the exporter would fix sizes that cannot change without a word.
        traced = torch.export.export(network, (), dict(inputs), dynamic_shapes=dict(sizes))
        program = torch.onnx.export(
            traced,
            kwargs=dict(inputs),
            dynamic_shapes=dict(sizes),
            input_names=list(inputs),
            opset_version=OPERATORS,
            optimize=False,  # it would replace weights by what is made of them
            verbose=False,
        )
    assert program is not None  # as no file was named
    model = program.model
    _simplify(model, set(network.state_dict()))
    content: bytes = onnx_ir.serde.serialize_model(model).SerializeToString()
    write_bytes(path, content + metadata_fields(metadata))


def _simplify(model: Any, weights: set[str]) -> None:
    """Fold the constants of a graph but its weights, and leave out what is about its making."""
    from onnx_ir.passes.common import LiftConstantsToInitializersPass
    from onnxscript import optimizer

    def without_weights(node: Any) -> bool | None:
        weighted = any(each is not None and each.name in weights for each in node.inputs)
        return False if weighted else None  # else as by default

    optimizer.inline(model)
    optimizer.fold_constants(model, should_fold=without_weights)
    LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0)(model)
    optimizer.remove_unused_nodes(model)
    for name, value in list(model.graph.initializers.items()):
        if name not in weights:
            value.name = OF_THE_GRAPH + name
    for node in model.graph:
        node.metadata_props.clear()  # lines of source code
    model.graph.metadata_props.clear()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Suppress what the exporter says about its own progress and deprecations."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
