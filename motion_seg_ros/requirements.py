"""What a configuration needs: weights, a device, and settings that go together.

Told before anything is loaded, so that what is wrong is said at once, and all of it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType

from motion_seg_ros.errors import ConfigError
from motion_seg_ros.labelling.network.inputs import TakenInputs, taken_inputs
from motion_seg_ros.networks.device import find_device
from motion_seg_ros.settings.declaration import Value
from motion_seg_ros.settings.pipeline import Config, config_values
from motion_seg_ros.weights.cache import published_name, require, resolve

ON_DEVICE = frozenset({"tapir", "depth_anything", "dino", "sam2"})
"""Backends that run where `device` says."""

WEIGHTS: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("tracking", "tapir"): "tracking.tapir.weights",
        ("depth", "depth_anything"): "depth.depth_anything.weights",
        ("features", "dino"): "features.dino.weights",
        ("labelling", "pooled"): "labelling.transformer.weights",
        ("labelling", "transformer"): "labelling.transformer.weights",
        ("labelling", "official"): "labelling.official.weights",
        ("masks", "learned"): "masks.learned.weights",
        ("masks", "sam2"): "masks.sam2.weights",
    }
)
"""Stage and back end -> the setting that names its weights."""

# By whether it is causal.
TAPIR: Mapping[bool, str] = MappingProxyType({False: "bootstapir", True: "causal_bootstapir"})

OFFICIAL: Mapping[str, Value] = MappingProxyType(
    {
        "tracking.backend": "tapir",
        "tracking.tapir.causal": False,
        "depth.backend": "depth_anything",
        "features.backend": "dino",
        "features.dino.variant": "official",
    }
)
"""What labelling.backend official asks of the other settings: what its authors' code does."""


def check_requirements(config: Config) -> None:
    """Refuse a configuration that cannot be built on this machine.

    Raises:
        ConfigError: settings that do not go together, or a device that is not there.
        InputError: weights that are not fetched: names all of them.
        MissingDependencyError: torch is not installed, and a network is to run on a device.
    """
    config = without_unused(config)
    if uses_device(config):
        find_device(config.device)  # first: without it nobody needs to fetch weights
    check_official(config)
    check_tapir(config)
    require(needed_weights(config).values())


def without_unused(config: Config) -> Config:
    """The same without networks whose results nobody looks at: of depth and features, where the
    labelling takes neither. Depth from the camera stays: not only the labelling is there for it.

    Raises:
        InputError: the weights of the labelling cannot be read, which say what they take.
    """
    takes = labelling_takes(config)
    if config.depth.backend == "depth_anything" and not takes.depth:
        config = dataclasses.replace(
            config, depth=dataclasses.replace(config.depth, backend="none")
        )
    if config.features.backend != "none" and not takes.features:
        config = dataclasses.replace(
            config, features=dataclasses.replace(config.features, backend="none")
        )
    return config


def labelling_takes(config: Config) -> TakenInputs:
    """Return what the labelling looks at beside the tracks.

    Raises:
        InputError: its weights cannot be read, which tell what they take.
    """
    backend = config.labelling.backend
    if backend in ("geometric", "official"):
        return TakenInputs(depth=backend == "official", features=backend == "official")
    return taken_inputs(resolve(needed_weights(config)["labelling"]))


def uses_device(config: Config) -> bool:
    """Whether a network runs where `device` says; one that labels, by itself, only where that
    names a place."""
    stages = (config.tracking, config.depth, config.features, config.masks)
    networks = not ON_DEVICE.isdisjoint(stage.backend for stage in stages)
    return networks or (config.device != "auto" and config.labelling.backend != "geometric")


def needed_weights(config: Config) -> dict[str, str]:
    """Stage -> name or path of the weights that it loads; stages without weights are left out."""
    official_features = config.features.dino.variant == "official"
    defaults = {
        "tapir": TAPIR[config.tracking.tapir.causal],
        "depth_anything": "depth_anything_v2_small",
        "dino": "dinov2_base" if official_features else "dinov2_small",
        "pooled": "track_transformer_lite",
        "transformer": "track_transformer_lite",
        "official": "segment_any_motion_tracks",
        "learned": "mask_network_lite",
        "sam2": "sam2.1_hiera_tiny",
    }
    values = config_values(config)
    return {
        stage: str(values[setting]) or defaults[backend]
        for (stage, backend), setting in WEIGHTS.items()
        if values[f"{stage}.backend"] == backend
    }


def check_official(config: Config) -> None:
    """Refuse other companions of the authors' labelling network than it was trained with.

    Raises:
        ConfigError: names all that are, and what to set.
    """
    if config.labelling.backend != "official":
        return
    values = config_values(config)
    wrong = {name: value for name, value in OFFICIAL.items() if values[name] != value}
    if wrong:
        found = ", ".join(f"{name} {_yaml(values[name])}" for name in wrong)
        remedy = " ".join(f"{name}={_yaml(value)}" for name, value in wrong.items())
        raise ConfigError(
            "labelling.backend official: expected the tracker, depth and features that its "
            f"authors trained it with, found {found}; set {remedy}, or labelling.backend=pooled, "
            "which needs none of them"
        )


def check_tapir(config: Config) -> None:
    """Refuse the published weights of the other one of TAPIR's variants: their tensors have the
    same names and shapes, so that nothing else would tell.

    Raises:
        ConfigError: names both, and what to set.
    """
    if config.tracking.backend != "tapir":
        return
    weights, causal = needed_weights(config)["tracking"], config.tracking.tapir.causal
    wanted, other = TAPIR[causal], TAPIR[not causal]
    if published_name(weights) == other:
        raise ConfigError(
            f"tracking.tapir.weights {weights}: expected those of {wanted}, as "
            f"tracking.tapir.causal is {_yaml(causal)}, found those of {other}; set "
            f"tracking.tapir.weights {wanted}, or tracking.tapir.causal {_yaml(not causal)}"
        )


def _yaml(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
