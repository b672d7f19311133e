"""A configuration resolved on this machine: back ends, weights and device, checked before anything
is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from motion_seg_ros.errors import ConfigError
from motion_seg_ros.labelling.network.inputs import TakenInputs, taken_inputs
from motion_seg_ros.networks.device import find_device
from motion_seg_ros.settings.declaration import Value
from motion_seg_ros.settings.pipeline import Config, config_values
from motion_seg_ros.weights.cache import published_name, require
from motion_seg_ros.weights.cache import resolve as weights_path

STAGES = ("tracking", "depth", "features", "labelling", "masks")

ON_DEVICE = frozenset({"tapir", "depth_anything", "dino", "sam2"})
"""Back ends that run on the configured device."""

WEIGHTS: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("tracking", "tapir"): "tracking.tapir.weights",
        ("depth", "depth_anything"): "depth.depth_anything.weights",
        ("features", "dino"): "features.dino.weights",
        ("labelling", "transformer"): "labelling.transformer.weights",
        ("labelling", "official"): "labelling.official.weights",
        ("masks", "learned"): "masks.learned.weights",
        ("masks", "sam2"): "masks.sam2.weights",
    }
)
"""Stage and back end -> the setting that names its weights."""

TAPIR: Mapping[bool, str] = MappingProxyType({False: "bootstapir", True: "causal_bootstapir"})
"""tracking.tapir.causal -> default weights."""

OFFICIAL: Mapping[str, Value] = MappingProxyType(
    {
        "tracking.backend": "tapir",
        "tracking.tapir.causal": False,
        "depth.backend": "depth_anything",
        "features.backend": "dino",
        "features.dino.variant": "official",
    }
)
"""Settings that labelling.backend official requires: those of its authors' code."""


@dataclass(frozen=True)
class Plan:
    """All that `build` needs to know about a pipeline on this machine.

    Attributes:
        config: the configuration, without unused networks.
        left_out: one sentence about each of these networks.
        weights: stage -> file or folder, compared with its known digest; stages without weights
            are missing.
        device: where networks run: "cpu", or a GPU with its index.
        takes: inputs of the labeller besides the tracks.
        background: new objects are discovered in a background worker.
    """

    config: Config
    left_out: tuple[str, ...]
    weights: Mapping[str, Path]
    device: str
    takes: TakenInputs
    background: bool


def resolve(config: Config, *, live: bool = False) -> Plan:
    """Resolve a configuration on this machine.

    Args:
        config: the configuration.
        live: frames come from a camera that does not wait, and may be answered before new objects
            are discovered in them.

    Raises:
        ConfigError: settings that do not go together, or a device that does not exist.
        InputError: weights are missing (all of them are named) or unreadable.
        MissingDependencyError: torch is not installed, and a network is to run on a device.
    """
    takes = _labeller_takes(config)
    used = _without_unused(config, takes)
    # First: without the device nobody needs to fetch weights.
    device = str(find_device(config.device)) if uses_device(used) else "cpu"
    background = _discovers_in_background(used)
    names = needed_weights(used)
    check_official(used)
    _check_tapir(used, names)
    require(names.values())
    return Plan(
        config=used,
        left_out=tuple(
            f"{stage}.backend {getattr(config, stage).backend} is left out: labelling.backend "
            f"{config.labelling.backend}, as it is set, takes no {stage}"
            for stage in STAGES
            if getattr(config, stage).backend != getattr(used, stage).backend
        ),
        weights={stage: weights_path(name) for stage, name in names.items()},
        device=device,
        takes=takes,
        background=live and background,
    )


def without_unused(config: Config) -> Config:
    """Switch off networks for depth and features that the labeller does not take.

    Depth from the camera stays: not only the labeller uses it.

    Raises:
        InputError: the weights of the labeller, which tell what it takes, cannot be read.
    """
    return _without_unused(config, _labeller_takes(config))


def needed_weights(config: Config) -> dict[str, str]:
    """Return stage -> name or path of its weights; stages without weights are missing."""
    values = config_values(config)
    official_features = config.features.dino.variant == "official"
    defaults = {
        "tapir": TAPIR[config.tracking.tapir.causal],
        "depth_anything": "depth_anything_v2_small",
        "dino": "dinov2_base" if official_features else "dinov2_small",
        "transformer": "track_transformer_lite",
        "official": "segment_any_motion_tracks",
        "learned": "mask_network_lite",
        "sam2": "sam2.1_hiera_tiny",
    }
    return {
        stage: str(values[setting]) or defaults[backend]
        for (stage, backend), setting in WEIGHTS.items()
        if values[f"{stage}.backend"] == backend
    }


def uses_device(config: Config) -> bool:
    """Return whether a network runs on the configured device; the labeller alone runs only on a
    device that is named, and in an ONNX file, as the shipped one, on the processor.

    Args:
        config: without unused networks.
    """
    if not ON_DEVICE.isdisjoint(getattr(config, stage).backend for stage in STAGES):
        return True
    if config.device == "auto" or config.labelling.backend == "geometric":
        return False
    if config.labelling.backend == "official":
        return True
    return weights_path(needed_weights(config)["labelling"]).suffix != ".onnx"


def check_official(config: Config) -> None:
    """Refuse a tracker, depth or features that the authors' labeller was not trained with.

    Raises:
        ConfigError: lists them, and what to set.
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
            f"authors trained it with, found {found}; set {remedy}, or "
            "labelling.backend=transformer, which needs none of them"
        )


def _labeller_takes(config: Config) -> TakenInputs:
    backend = config.labelling.backend
    if backend in ("geometric", "official"):
        return TakenInputs(depth=backend == "official", features=backend == "official")
    return taken_inputs(weights_path(needed_weights(config)["labelling"]))


def _without_unused(config: Config, takes: TakenInputs) -> Config:
    if config.depth.backend == "depth_anything" and not takes.depth:
        config = replace(config, depth=replace(config.depth, backend="none"))
    if config.features.backend != "none" and not takes.features:
        config = replace(config, features=replace(config.features, backend="none"))
    return config


def _discovers_in_background(config: Config) -> bool:
    discovery, backend = config.masks.sam2.discovery, config.masks.backend
    if discovery == "background" and backend != "sam2":
        raise ConfigError(
            f"masks.sam2.discovery background: expected masks.backend sam2, found {backend}; "
            "choose masks.sam2.discovery auto or in_step"
        )
    return discovery != "in_step" and backend == "sam2"


def _check_tapir(config: Config, names: Mapping[str, str]) -> None:
    """Refuse the published weights of TAPIR's other variant, whose tensors have the same names and
    shapes, so that loading them would not fail."""
    if config.tracking.backend != "tapir":
        return
    weights, causal = names["tracking"], config.tracking.tapir.causal
    wanted, other = TAPIR[causal], TAPIR[not causal]
    if published_name(weights) == other:
        raise ConfigError(
            f"tracking.tapir.weights {weights}: expected those of {wanted}, as "
            f"tracking.tapir.causal is {_yaml(causal)}, found those of {other}; set "
            f"tracking.tapir.weights {wanted}, or tracking.tapir.causal {_yaml(not causal)}"
        )


def _yaml(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
