"""ONNX files read with NumPy alone: the graph of a network, its constants and metadata.

Format: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto, whose numbers of fields stand here,
encoded as https://protobuf.dev/programming-guides/encoding says. Only what this package writes is
read; nothing in a file is ever run.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from motion_seg_ros.errors import InputError

Array = npt.NDArray[Any]
Message = dict[int, list[int | bytes]]
"""Values of each field by its number: integers, or the bytes of anything else."""

VARINT, BYTES = 0, 2  # kinds of fields, beside
FIXED = {1: 8, 5: 4}  # those of a fixed length: kind -> bytes
FLOAT, INTEGER, STRING, TENSOR, INTEGERS = 1, 2, 3, 4, 7  # types of an attribute
NUMBERS = {1: np.float32, 6: np.int32, 7: np.int64, 9: np.bool_, 11: np.float64}  # of a tensor


@dataclass(frozen=True, eq=False)
class Node:
    """One operation.

    Attributes:
        op: its name in ONNX.
        inputs: names of values; "": left out.
        outputs: names of values.
        attributes: by name: numbers, texts, arrays and tuples of integers.
    """

    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class OnnxFile:
    """Content of a file.

    Attributes:
        nodes: in an order in which they can run.
        constants: by name, among them the weights under their names in PyTorch; read-only.
        inputs: names of the values that are given.
        outputs: names of the results.
        metadata: by name.
    """

    nodes: tuple[Node, ...]
    constants: Mapping[str, Array]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    metadata: Mapping[str, str]


def read_onnx(path: Path) -> OnnxFile:
    """Read a file.

    Raises:
        InputError: it is missing, damaged or no ONNX file, or has what this package does not write.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{path}: cannot read the network: {error.strerror or error}; check the path"
        ) from error
    try:
        model = _message(data)
        graph = _message(model[7][0])
        return OnnxFile(
            nodes=tuple(_node(_message(each)) for each in graph[1]),
            constants=dict(_tensor(_message(each)) for each in graph.get(5, [])),
            inputs=tuple(_text(_message(each), 1) for each in graph[11]),
            outputs=tuple(_text(_message(each), 1) for each in graph[12]),
            metadata={_text(each, 1): _text(each, 2) for each in map(_message, model.get(14, []))},
        )
    except (ValueError, TypeError, KeyError, IndexError, struct.error) as error:
        raise InputError(
            f"{path}: expected an ONNX file of this package, found: "
            f"{type(error).__name__}: {error}; get the file again"
        ) from error


def metadata_fields(metadata: Mapping[str, str]) -> bytes:
    """Return metadata encoded so that, appended to the bytes of a model, they become its own; in
    the order of their names, so that equal networks make equal files."""

    def field(number: int, value: bytes) -> bytes:
        length, size = b"", len(value)
        while size >= 0x80:
            length += bytes([size & 0x7F | 0x80])
            size >>= 7
        return bytes([number << 3 | BYTES]) + length + bytes([size]) + value

    return b"".join(
        field(14, field(1, name.encode()) + field(2, text.encode()))
        for name, text in sorted(metadata.items())
    )


def _message(data: int | bytes) -> Message:
    if isinstance(data, int):
        raise ValueError("a number in place of a message")
    fields: Message = {}
    place = 0
    while place < len(data):
        key, place = _varint(data, place)
        kind = key & 7
        value: int | bytes
        if kind == VARINT:
            value, place = _varint(data, place)
        elif kind == BYTES or kind in FIXED:
            length, place = _varint(data, place) if kind == BYTES else (FIXED[kind], place)
            value = data[place : place + length]
            place += length
            if len(value) != length:
                raise ValueError(f"the end of the file inside a field of {length} bytes")
        else:
            raise ValueError(f"a field of the unknown kind {kind}")
        fields.setdefault(key >> 3, []).append(value)
    return fields


def _varint(data: bytes, place: int) -> tuple[int, int]:
    """Return the signed integer of 64 bits at a place, and the place behind it."""
    value = shift = 0
    while True:
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return (value - (1 << 64) if value >> 63 else value), place


def _integers(values: list[int | bytes]) -> Iterator[int]:
    """Yield integers that are repeated one by one or packed."""
    for each in values:
        if isinstance(each, int):
            yield each
            continue
        place = 0
        while place < len(each):
            value, place = _varint(each, place)
            yield value


def _text(message: Message, number: int) -> str:
    """Return the text of a field; "" where it is left out, as empty ones are."""
    return _texts(message.get(number, [b""]))[-1]


def _texts(values: list[int | bytes]) -> tuple[str, ...]:
    return tuple(str(each, "utf-8") for each in values)  # type: ignore[arg-type]


def _node(message: Message) -> Node:
    attributes = (_attribute(_message(each)) for each in message.get(5, []))
    return Node(
        op=_text(message, 4),
        inputs=_texts(message.get(1, [])),
        outputs=_texts(message.get(2, [])),
        attributes=dict(attributes),
    )


def _attribute(message: Message) -> tuple[str, Any]:
    name, kind = _text(message, 1), message[20][0]
    if kind == FLOAT:
        return name, struct.unpack("<f", message[2][0])[0]  # type: ignore[arg-type]
    if kind == INTEGER:
        return name, message.get(3, [0])[0]
    if kind == STRING:
        return name, _text(message, 4)
    if kind == TENSOR:
        return name, _tensor(_message(message[5][0]))[1]
    if kind == INTEGERS:
        return name, tuple(_integers(message.get(8, [])))
    raise ValueError(f"attribute {name} of the unknown type {kind!r}")


def _tensor(message: Message) -> tuple[str, Array]:
    """Return name and values; numbers as raw bytes alone, as PyTorch writes them."""
    name, shape = _text(message, 8), tuple(_integers(message.get(1, [])))
    kind, raw = message[2][0], message.get(9, [b""])[0]
    if kind not in NUMBERS or isinstance(raw, int):
        raise ValueError(f"tensor {name} of the unknown type {kind!r}")
    return name, np.frombuffer(raw, np.dtype(NUMBERS[kind]).newbyteorder("<")).reshape(shape)
