"""Networks are loaded exactly, from this machine, or not at all."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tiny_networks import transformers_library, write_dinov2

from motion_seg_ros.errors import InputError, MissingDependencyError
from motion_seg_ros.networks import pretrained
from motion_seg_ros.networks.pretrained import load_pretrained

transformers_library()
import safetensors.torch  # noqa: E402
import torch  # noqa: E402


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dinov2(tmp_path_factory.mktemp("dinov2"))


@pytest.fixture
def folder(published: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    return Path(shutil.copytree(published, tmp_path / "dinov2"))


def test_what_is_loaded_is_what_was_saved(
    published: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    connections: list[Any] = []
    monkeypatch.setattr(socket.socket, "connect", lambda *args: connections.append(args))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: connections.append(args))
    model = load_pretrained("Dinov2Model", published)
    kept = safetensors.torch.load_file(published / "model.safetensors")
    # Attention has other names in files than in memory.
    name = "encoder.layer.1.attention.attention.key.weight"
    assert torch.equal(model.encoder.layer[1].attention.k_proj.weight, kept[name])
    assert torch.equal(model.layernorm.bias, kept["layernorm.bias"])
    assert not model.training
    assert {(each.dtype, each.requires_grad) for each in model.parameters()} == {
        (torch.float32, False)
    }
    assert capfd.readouterr() == ("", "")
    assert connections == []


def change_tensors(change: Callable[[dict[str, torch.Tensor]], object]) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        path = folder / "model.safetensors"
        tensors = safetensors.torch.load_file(path)
        change(tensors)
        safetensors.torch.save_file(tensors, path, metadata={"format": "pt"})

    return spoil


def truncate(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])


def only_pickle(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def of_another_network(folder: Path) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "model_type": "vit"}))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (change_tensors(lambda all_: all_.pop("layernorm.bias")), "found no layernorm.bias;"),
        (
            change_tensors(lambda all_: all_.update(extra=torch.zeros(1), other=torch.zeros(1))),
            "found an unknown extra and 1 more;",
        ),
        (
            change_tensors(lambda all_: all_.update({"layernorm.weight": torch.zeros(3)})),
            r"found layernorm.weight of shape \(3,\) instead of \(24,\);",
        ),
        (truncate, "found: SafetensorError: "),
        (only_pickle, "expected model.safetensors, found no such file"),
        (of_another_network, "expected weights of the type dinov2, found vit;"),
        (lambda folder: (folder / "config.json").unlink(), "config.json: expected the config"),
        (lambda folder: (folder / "config.json").write_text("<html>"), "found: JSONDecodeError"),
        (shutil.rmtree, "expected a folder with config.json and model.safetensors, found nothing"),
    ],
)
def test_anything_else_is_refused_with_its_name(
    folder: Path, spoil: Callable[[Path], object], words: str
) -> None:
    spoil(folder)
    with pytest.raises(InputError, match=words) as error:
        load_pretrained("Dinov2Model", folder)
    assert str(folder) in str(error.value)


@pytest.mark.parametrize("cause", [RuntimeError, ImportError])
def test_why_a_class_cannot_be_imported_is_said(
    cause: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with a torchvision that does not belong to this PyTorch."""

    class Library:
        def __getattr__(self, name: str) -> Any:
            try:
                raise cause("operator torchvision::nms\ndoes not exist")
            except cause as error:
                raise ModuleNotFoundError(f"Could not import module '{name}'.") from error

    monkeypatch.setattr(pretrained.importlib, "import_module", lambda _: Library())
    with pytest.raises(MissingDependencyError) as error:
        load_pretrained("Sam2VideoModel", Path("anywhere"))
    assert (
        "found: Could not import module 'Sam2VideoModel'., because: operator torchvision::nms does "
        "not exist; pip install" in str(error.value)
    )


def test_without_the_library_the_error_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ModuleNotFoundError(f"No module named '{name}'", name=name)

    monkeypatch.setattr(pretrained.importlib, "import_module", missing)
    with pytest.raises(MissingDependencyError, match=r"pip install 'motion_seg_ros\[full\]'"):
        load_pretrained("Dinov2Model", Path("anywhere"))
