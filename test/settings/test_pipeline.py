"""Settings: one default, one range, one name everywhere."""

from __future__ import annotations

import pytest

from motion_seg_ros.errors import ConfigError
from motion_seg_ros.settings.declaration import settings
from motion_seg_ros.settings.pipeline import PROFILES, Config, config_values, make_config


def test_every_setting_is_described_and_its_default_allowed() -> None:
    for each in settings(Config):
        assert len(each.spec.description) > 10, each.name
        assert each.check(each.default) == each.default
        if each.type in (int, float):
            assert None not in (each.spec.minimum, each.spec.maximum), each.name


def test_defaults_are_those_of_the_dataclasses() -> None:
    assert make_config() == Config()


def test_the_profile_of_the_paper() -> None:
    config = make_config({"profile": "full"})
    assert config.tracking.backend == "tapir"
    assert config.depth.backend == "depth_anything"
    assert config.features.backend == "dino"
    assert (config.features.dino.variant, config.labelling.backend) == ("official", "official")
    assert config.masks.backend == "sam2"
    assert config.device == "cuda", "never the CPU unasked: it is far too slow"
    lite, full = config_values(make_config()), config_values(config)
    differ = {name for name in full if full[name] != lite[name]}
    assert differ == {"profile", *PROFILES["full"]}


def test_what_is_given_wins_over_the_profile() -> None:
    values = {"tracking.backend": "flow", "profile": "full", "device": "cpu"}
    config = make_config(values)
    assert (config.tracking.backend, config.device) == ("flow", "cpu")
    assert config.masks.backend == "sam2"


def test_values_go_in_and_come_out_by_dotted_name() -> None:
    config = make_config({"window.size": 8, "tracking.backend": "lk", "window.max_gap_s": 2})
    assert (config.window.size, config.tracking.backend, config.window.max_gap_s) == (8, "lk", 2.0)
    assert make_config(dict(config_values(config))) == config


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"window.sise": 8}, "window.sise: no such setting; did you mean window.size"),
        ({"zebra": 8}, "zebra: no such setting; known: profile"),
        ({"window.size": 1}, "window.size: expected 2 to 256, found 1; the default is 16"),
        ({"window.size": 8.5}, "window.size: expected int, found 8.5"),
        ({"window.size": True}, "window.size: expected int, found True"),
        ({"window.max_gap_s": float("nan")}, "window.max_gap_s: expected 0 to 3600"),
        (
            {"tracking.backend": "raft"},
            "tracking.backend: expected one of flow, lk, tapir, found 'raft'",
        ),
        ({"profile": "fast"}, "profile: expected one of lite"),
        ({"device": "gpu"}, "device: expected auto, cpu, cuda or cuda:INDEX, found gpu"),
        ({"device": "cuda:"}, "device: expected auto, cpu, cuda or cuda:INDEX, found cuda:"),
    ],
)
def test_bad_values_are_refused_with_the_reason(values: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make_config(values)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
