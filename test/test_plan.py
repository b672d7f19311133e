"""Configurations resolved: what they leave out, the weights and the device they need."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from motion_seg_ros.errors import ConfigError, InputError
from motion_seg_ros.plan import Plan, resolve, without_unused
from motion_seg_ros.settings.pipeline import Config, make_config
from motion_seg_ros.weights.cache import CACHE_VARIABLE

torch = pytest.importorskip("torch", reason="needs PyTorch: pip install .[full]")

from motion_seg_ros.labelling.network.calibration import Calibration  # noqa: E402
from motion_seg_ros.labelling.network.checkpoint import save_weights  # noqa: E402
from motion_seg_ros.labelling.network.config import ModelConfig  # noqa: E402
from motion_seg_ros.labelling.network.transformer import TrackTransformer  # noqa: E402


def resolved(values: dict[str, object], *, live: bool = False) -> Plan:
    return resolve(make_config(values), live=live)


@pytest.mark.parametrize(
    ("values", "left"),
    [
        ({"labelling.backend": "official"}, ("depth_anything", "dino")),
        ({"labelling.backend": "transformer"}, ("depth_anything", "none")),
        ({"labelling.backend": "geometric"}, ("none", "none")),
        ({"labelling.backend": "transformer", "depth.backend": "topic"}, ("topic", "none")),
    ],
)
def test_what_the_labelling_does_not_take_is_not_used(
    values: dict[str, object], left: tuple[str, str]
) -> None:
    config = make_config({"profile": "full", **values})
    used = without_unused(config)
    assert (used.depth.backend, used.features.backend) == left
    both = {"depth.backend": left[0], "features.backend": left[1]}
    assert used == make_config({"profile": "full", **values, **both})


def trained(folder: Path, *, depth: bool, channels: int) -> Path:
    size = {"encoder_width": 16, "decoder_width": 8, "decoder_layers": 1}
    config = ModelConfig.lite(**size, depth=depth, feature_channels=channels)
    path = folder / f"{depth}_{channels}.safetensors"
    save_weights(path, TrackTransformer(config), metadata=Calibration(1, 0, 0.5).to_metadata())
    return path


@pytest.mark.parametrize("backend", ["transformer"])
@pytest.mark.parametrize(("depth", "channels"), [(True, 0), (False, 24), (True, 24)])
def test_weights_say_what_they_take(
    depth: bool, channels: int, backend: str, tmp_path: Path
) -> None:
    path = trained(tmp_path, depth=depth, channels=channels)
    values = {"labelling.backend": backend, "labelling.transformer.weights": str(path)}
    used = without_unused(make_config({"profile": "full", **values}))
    assert used.depth.backend == ("depth_anything" if depth else "none")
    assert used.features.backend == ("dino" if channels else "none")


@pytest.mark.parametrize("change", [{"tracking.backend": "flow"}, {"depth.backend": "none"}])
def test_single_stages_are_chosen_with_either_remedy(
    change: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    values: dict[str, object] = {"profile": "full", "device": "cpu", **change}
    either = r"set (\S+)=(\S+), or labelling\.backend=transformer, which needs none of them$"
    with pytest.raises(ConfigError, match=either):
        resolved(values)
    with pytest.raises(InputError, match="weights fetch"):  # and that is all that is missing
        resolved({**values, "labelling.backend": "transformer"})


def test_weights_that_are_none_are_named(tmp_path: Path) -> None:
    file = tmp_path / "other.safetensors"
    file.write_bytes(b"something else")
    values = {"labelling.backend": "transformer", "labelling.transformer.weights": str(file)}
    with pytest.raises(InputError, match=r"other\.safetensors: expected"):
        resolved(values)


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"tracking.backend": "tapir"}, "bootstapir"),
        ({"tracking.backend": "tapir", "tracking.tapir.causal": True}, "causal_bootstapir"),
        ({"masks.backend": "sam2"}, "sam2.1_hiera_tiny"),
    ],
)
def test_missing_weights_are_named_with_the_command_that_gets_them(
    values: dict[str, object], name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    with pytest.raises(InputError, match=rf"motion_seg weights fetch {name}$"):
        resolved({"device": "cpu", "labelling.backend": "geometric", **values})


def test_all_missing_weights_are_named_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    names = (
        "bootstapir depth_anything_v2_small dinov2_base segment_any_motion_tracks sam2.1_hiera_tiny"
    )
    with pytest.raises(InputError, match=rf"motion_seg weights fetch {re.escape(names)}$"):
        resolved({"profile": "full", "device": "cpu"})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("causal", "given", "said"),
    [
        (
            True,
            "bootstapir",
            "set tracking.tapir.weights causal_bootstapir, or tracking.tapir.causal false",
        ),
        (
            False,
            "causal_bootstapir",
            "set tracking.tapir.weights bootstapir, or tracking.tapir.causal true",
        ),
        (
            False,
            "there/causal_bootstapir_checkpoint.pt",
            "set tracking.tapir.weights bootstapir, or",
        ),
    ],
)
def test_weights_of_the_other_variant_of_tapir_are_refused(
    causal: bool, given: str, said: str
) -> None:
    values = {
        "tracking.backend": "tapir",
        "tracking.tapir.weights": given,
        "tracking.tapir.causal": causal,
    }
    with pytest.raises(ConfigError, match=said):
        resolved({"device": "cpu", **values})


def test_without_a_gpu_that_is_said_before_anything_is_to_be_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match=r"device cuda: .*choose profile lite"):
        resolved({"profile": "full"})
    with pytest.raises(ConfigError, match="device: expected auto, cpu, cuda or cuda:INDEX"):
        resolved({"profile": "full", "device": "gpu"})


@pytest.mark.parametrize(
    ("values", "background"),
    [
        ({"masks.backend": "sam2"}, True),
        ({"masks.backend": "sam2", "masks.sam2.discovery": "background"}, True),
        ({"masks.backend": "sam2", "masks.sam2.discovery": "in_step"}, False),
        ({"masks.backend": "densifier"}, False),
        ({}, False),
    ],
)
def test_where_new_objects_are_discovered(values: dict[str, object], background: bool) -> None:
    values = {"device": "cpu", "masks.sam2.weights": __file__, **values}
    assert resolved(values, live=True).background == background
    assert not resolved(values).background, "recordings are processed in step"


def test_discovery_in_the_background_needs_a_segmenter_with_a_memory() -> None:
    with pytest.raises(ConfigError, match=r"discovery background: expected masks\.backend sam2"):
        resolved({"masks.sam2.discovery": "background"})


def test_the_default_profile_needs_what_comes_with_the_package() -> None:
    plan = resolve(Config())
    assert plan.config == Config()
    assert (plan.device, plan.left_out, plan.background) == ("cpu", (), False)
    assert set(plan.weights) == {"labelling", "masks"}
    for each in plan.weights.values():
        assert each.is_file()


@pytest.mark.parametrize(
    ("values", "device"),
    [
        ({}, "cpu"),
        ({"labelling.backend": "transformer"}, "cpu"),
        ({"device": "cuda:0"}, "cpu"),  # ONNX files
        ({"device": "cpu"}, "cpu"),
        ({"masks.backend": "sam2"}, "cuda:0"),
        ({"masks.backend": "sam2", "device": "cuda:1"}, "cuda:1"),
        ({"labelling.backend": "geometric", "device": "cuda:1"}, "cpu"),
    ],
)
def test_the_device_is_that_of_the_networks(
    values: dict[str, object], device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert resolved({"masks.sam2.weights": __file__, **values}).device == device


def test_weights_that_are_no_onnx_file_run_on_a_device_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    values = {"labelling.transformer.weights": str(trained(tmp_path, depth=False, channels=0))}
    assert resolved({**values, "device": "cuda:1"}).device == "cuda:1"
    assert resolved(values).device == "cpu"
