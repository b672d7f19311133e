"""The graph of a network in an ONNX file, run by NumPy: for small networks without convolutions,
where nothing else can."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from scipy.special import erf

from motion_seg_ros.errors import InputError
from motion_seg_ros.weights.onnx_file import NUMBERS, Array, Node, OnnxFile


def _axes(axes: Array | None, like: Array) -> tuple[int, ...]:
    return tuple(range(like.ndim)) if axes is None else tuple(int(each) for each in axes)


def _gelu(x: Array, **_: Any) -> Array:
    """Source: Hendrycks and Gimpel, Gaussian Error Linear Units, 2016."""
    return np.asarray(0.5 * x * (1 + erf(x * np.float32(0.5**0.5))))


def _layer_norm(
    x: Array, weight: Array, bias: Array, *, axis: int, epsilon: float, **_: Any
) -> Array:
    if axis not in (-1, x.ndim - 1):
        raise ValueError(f"expected the last axis, found {axis}")
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = np.mean(centred * centred, axis=-1, keepdims=True)
    return np.asarray(centred / np.sqrt(variance + np.float32(epsilon)) * weight + bias)


def _softmax(x: Array, axis: int = -1) -> Array:
    shifted = np.exp(x - x.max(axis=axis, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=axis, keepdims=True))


def _reduce_max(x: Array, axes: Array | None = None, *, keepdims: int = 1, **_: Any) -> Array:
    return np.asarray(x.max(axis=_axes(axes, x), keepdims=bool(keepdims)))


def _reshape(x: Array, shape: Array, allowzero: int = 0) -> Array:
    sizes = [
        x.shape[place] if each == 0 and not allowzero else int(each)
        for place, each in enumerate(shape)
    ]
    return x.reshape(sizes)


def _slice(
    x: Array, starts: Array, ends: Array, axes: Array | None = None, steps: Array | None = None
) -> Array:
    chosen = [slice(None)] * x.ndim
    for place, axis in enumerate(range(len(starts)) if axes is None else axes):
        step = 1 if steps is None else int(steps[place])
        chosen[int(axis)] = slice(int(starts[place]), int(ends[place]), step)
    return x[tuple(chosen)]


def _split(
    x: Array, sizes: Array | None = None, *, axis: int = 0, num_outputs: int = 0
) -> list[Array]:
    if sizes is None:
        step = -(-x.shape[axis] // num_outputs)
        return np.split(x, range(step, x.shape[axis], step), axis)
    return np.split(x, np.cumsum(sizes)[:-1], axis)


def _shape(x: Array, start: int = 0, end: int | None = None) -> Array:
    return np.array(x.shape[start:end], np.int64)


def _squeeze(x: Array, axes: Array | None = None) -> Array:
    return x.squeeze() if axes is None else x.squeeze(_axes(axes, x))


OPERATIONS: Mapping[str, Callable[..., Any]] = {
    "Add": np.add,
    "Cast": lambda x, to: x.astype(NUMBERS[to]),
    "CastLike": lambda x, like: x.astype(like.dtype),
    "Concat": lambda *parts, axis: np.concatenate(parts, axis),
    "Div": lambda x, y: x / y,
    "Expand": lambda x, shape: np.broadcast_to(x, np.broadcast_shapes(x.shape, tuple(shape))),
    "Gelu": _gelu,
    "IsNaN": np.isnan,
    "LayerNormalization": _layer_norm,
    "MatMul": np.matmul,
    "Mul": np.multiply,
    "Not": np.logical_not,
    "Or": np.logical_or,
    "ReduceMax": _reduce_max,
    "Relu": lambda x: np.maximum(x, 0),
    "Reshape": _reshape,
    "Shape": _shape,
    "Slice": _slice,
    "Softmax": _softmax,
    "Split": _split,
    "Squeeze": _squeeze,
    "Sub": np.subtract,
    "Transpose": lambda x, perm: x.transpose(perm),
    "Unsqueeze": lambda x, axes: np.expand_dims(x, _axes(axes, x)),
    "Where": np.where,
}
"""By their names in ONNX, https://onnx.ai/onnx/operators: those that the track transformer needs,
in the versions that PyTorch writes."""


class NumpyGraph:
    """Runs a graph with NumPy.

    Args:
        file: the network.

    Raises:
        InputError: it has an operation that is not in OPERATIONS.
    """

    def __init__(self, file: OnnxFile) -> None:
        unknown = sorted({each.op for each in file.nodes} - OPERATIONS.keys())
        if unknown:
            raise InputError(
                f"a network with {', '.join(unknown)}: expected operations that NumPy runs here, "
                "found others; pip install onnxruntime, which runs all"
            )
        self._constants = dict(file.constants)
        self._nodes: list[Node] = []
        for node in file.nodes:  # what depends on constants alone is computed once
            if all(not name or name in self._constants for name in node.inputs):
                self._constants.update(_run(node, self._constants))
            else:
                self._nodes.append(node)
        self._outputs = file.outputs
        self._done = _last_uses(self._nodes, keep={*self._constants, *file.outputs})

    def __call__(self, inputs: Mapping[str, Array]) -> list[Array]:
        """Return the results, in the file's order."""
        values = {**self._constants, **inputs}
        for node, done in zip(self._nodes, self._done, strict=True):
            values.update(_run(node, values))
            for name in done:
                del values[name]
        return [values[name] for name in self._outputs]


def _run(node: Node, values: Mapping[str, Array]) -> dict[str, Array]:
    given = (values[name] if name else None for name in node.inputs)
    found = OPERATIONS[node.op](*given, **node.attributes)
    return dict(zip(node.outputs, found if isinstance(found, list) else [found], strict=True))


def _last_uses(nodes: list[Node], keep: set[str]) -> list[list[str]]:
    """Return for each node the values that no later one needs, so that memory is freed."""
    later, done = set(keep), []
    for node in reversed(nodes):
        names = {name for name in (*node.inputs, *node.outputs) if name} - later
        done.append(sorted(names))
        later |= names
    return done[::-1]
