"""Names of earlier versions are refused, with what to write instead."""

from __future__ import annotations

import re

import pytest

from motion_seg_ros.errors import ConfigError
from motion_seg_ros.settings.declaration import settings
from motion_seg_ros.settings.node import NodeConfig
from motion_seg_ros.settings.pipeline import Config, make_config
from motion_seg_ros.settings.renamed import REMOVED, RENAMED

KNOWN = {each.name for owner in (Config, NodeConfig) for each in settings(owner)}


def test_old_names_lead_to_settings_that_exist() -> None:
    assert not KNOWN & (RENAMED.keys() | REMOVED.keys())
    for new in RENAMED.values():
        assert set(new.split(", or ")) <= KNOWN, new


@pytest.mark.parametrize("old", RENAMED)
def test_an_old_name_is_refused_with_the_new_one(old: str) -> None:
    said = rf"^{re.escape(old)}: no such setting; it is now {re.escape(RENAMED[old])}$"
    with pytest.raises(ConfigError, match=said):
        make_config({old: 1})


@pytest.mark.parametrize("old", REMOVED)
def test_a_setting_that_is_gone_is_refused_with_the_reason(old: str) -> None:
    with pytest.raises(
        ConfigError, match=rf"^{re.escape(old)}: no such setting; it was removed, as"
    ):
        make_config({old: 1})
