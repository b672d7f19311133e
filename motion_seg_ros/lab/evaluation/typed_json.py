"""Strict parsing of JSON into dataclasses of numbers, texts, tuples and mappings."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from typing import Any

from motion_seg_ros.errors import InputError

LARGEST = 2**53
"""Whole numbers below it are the same as floats."""


def parse(kind: Any, value: object, place: str) -> Any:
    """Parse JSON content as an instance of a type.

    Args:
        kind: a dataclass, tuple[T, ...], Mapping[str, T], T | None, int, float, str or object.
        value: from json.loads, or, for a dataclass, an instance of it.
        place: for messages, such as `results.json: J_mean`; of a whole file its name alone.

    Raises:
        InputError: a field is missing, unknown or of another type, a number is not finite, or a
            dataclass refuses its fields (by ValueError); names it.
    """
    if dataclasses.is_dataclass(kind):
        if type(value) is kind:
            return value
        return _parse_dataclass(typing.cast("type[Any]", kind), value, place)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        if value is None:
            return None
        (wanted,) = (each for each in arguments if each is not type(None))
        return parse(wanted, value, place)
    if origin is tuple:
        if not isinstance(value, list):
            raise _unexpected("a list", value, place)
        return tuple(
            parse(arguments[0], each, f"{place}[{index}]") for index, each in enumerate(value)
        )
    if isinstance(origin, type) and issubclass(origin, Mapping):
        if not isinstance(value, dict):
            raise _unexpected("a mapping", value, place)
        return {name: parse(arguments[1], each, f"{place}.{name}") for name, each in value.items()}
    return _parse_plain(kind, value, place)


def _parse_plain(kind: Any, value: object, place: str) -> Any:
    if kind is object:
        return value
    names = {float: "a number", int: "a whole number", str: "a text"}
    if kind is float and type(value) is int and abs(value) < LARGEST:
        return float(value)
    if type(value) is not kind or (isinstance(value, float) and not math.isfinite(value)):
        raise _unexpected(names[kind], value, place)
    return value


def _parse_dataclass(kind: type[Any], value: object, place: str) -> Any:
    if not isinstance(value, dict):
        raise _unexpected("a mapping", value, place)
    hints = typing.get_type_hints(kind)
    for name in value:
        if name not in hints:
            raise InputError(f"{place}: expected no field {name}; is it of another version?")
    found: dict[str, Any] = {}
    for field in dataclasses.fields(kind):
        if field.name in value:
            inner = f"{place}{'.' if ': ' in place else ': '}{field.name}"
            found[field.name] = parse(hints[field.name], value[field.name], inner)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise InputError(f"{place}: expected a field {field.name}, found none; make it anew")
    try:
        return kind(**found)
    except ValueError as error:
        raise InputError(f"{place}: {error}; make it anew") from error


def _unexpected(expected: str, value: object, place: str) -> InputError:
    text = repr(value)
    found = text if len(text) <= 40 else f"{text[:40]}..."
    return InputError(f"{place}: expected {expected}, found {found}; make it anew")
