"""Settings of strangers: taken within their range, or refused in one line."""

from __future__ import annotations

import math
import typing
from pathlib import Path
from typing import Any

import pytest
from checkout import ROOT
from hostile import FLOATS, TEXTS, attempt, damaged, share
from hypothesis import given
from hypothesis import strategies as st

from motion_seg_ros.errors import ConfigError
from motion_seg_ros.settings.declaration import Setting, read_config_file, settings
from motion_seg_ros.settings.node import NodeConfig
from motion_seg_ros.settings.pipeline import Config, config_values, make_config

PIPELINE = {each.name: each for each in settings(Config)}
ALL = {**PIPELINE, **{each.name: each for each in settings(NodeConfig)}}
FILE = (ROOT / "config" / "motion_seg.yaml").read_bytes()

numbers = st.integers() | st.sampled_from([2**31, 2**63, 10**400]) | FLOATS | st.floats()
scalars = st.none() | st.booleans() | numbers | TEXTS | st.text(max_size=8) | st.binary(max_size=8)
values = scalars | st.lists(scalars, max_size=3) | st.dictionaries(TEXTS, scalars, max_size=2)


def assert_allowed(each: Setting, value: Any) -> None:
    assert type(value) is (typing.get_origin(each.type) or each.type)
    if each.spec.choices:
        assert value in each.spec.choices
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        assert math.isfinite(value)
        assert each.spec.minimum is None or value >= each.spec.minimum
        assert each.spec.maximum is None or value <= each.spec.maximum


@share(0.07)
@given(st.sampled_from(sorted(ALL)), values)
def test_value(name: str, value: Any) -> None:
    taken = attempt(lambda: ALL[name].check(value), ConfigError)
    if taken is not None:
        assert_allowed(ALL[name], taken)


@share(0.02)
@given(st.dictionaries(st.sampled_from(sorted(PIPELINE)) | TEXTS, values, max_size=3))
def test_configuration(given_values: dict[str, Any]) -> None:
    config = attempt(lambda: make_config(given_values), ConfigError)
    for name, value in config_values(config).items() if config is not None else ():
        assert_allowed(PIPELINE[name], value)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("settings") / "motion_seg.yaml"


@share(0.01)
@given(damaged(FILE))
def test_file(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    read = attempt(lambda: read_config_file(file), ConfigError)
    for name, value in (read or {}).items():
        if name in ALL:
            attempt(lambda name=name, value=value: ALL[name].check(value), ConfigError)
