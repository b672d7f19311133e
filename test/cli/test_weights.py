"""`motion_seg weights`, as a user types it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from file_server import FileServer, file_server
from published_weights import plain_network, publish, serve

from motion_seg_ros.cli import main
from motion_seg_ros.weights.cache import SHIPPED
from motion_seg_ros.weights.catalogue import PUBLISHED
from motion_seg_ros.weights.formats import file_metadata

pytest.importorskip("pooch", reason="pooch: not installed")


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    """Publishes "net"; the cache is in tmp_path."""
    monkeypatch.setenv("MOTION_SEG_CACHE", str(tmp_path))
    with file_server() as running:
        serve(running)
        publish({"net": plain_network(running)}, running, monkeypatch)
        yield running


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Exit status, stdout and stderr."""
    status = main.main(["weights", *arguments])
    said = capsys.readouterr()
    return status, said.out, said.err


def test_list_fetch_verify_path(
    server: FileServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "net" / "model.safetensors"
    status, out, _ = run(capsys, "list")
    assert status == 0
    assert any(
        line.split() == ["net", "?", "no", "CC-BY-NC-4.0", "depth:", "a", "test"]
        for line in out.splitlines()
    )
    assert "CC-BY-NC-4.0: no commercial use\n" in out
    status, out, _ = run(capsys, "fetch", "net", "track_transformer_lite")
    assert status == 0
    assert out.startswith(f"net: {place}\n  by us, https://us\n  licence CC-BY-NC-4.0: no comm")
    assert out.endswith("(comes with this package)\n")
    assert run(capsys, "path", "net") == (0, f"{place}\n", "")
    status, out, _ = run(capsys, "verify", "net", str(place))
    assert status == 0
    assert [line.split()[:2] for line in out.splitlines()] == [["ok", str(place)]] * 2
    assert "net        " in (out := run(capsys, "list")[1])
    assert "yes" in next(line for line in out.splitlines() if line.startswith("net "))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("path", "net"), "get them with: motion_seg weights fetch net"),
        (("verify", "net"), "get them with: motion_seg weights fetch net"),
        (("fetch", "nte"), "weights nte: expected a name"),
        (("verify", "/no/such/file.pt"), "expected a file, a folder or a name"),
    ],
)
def test_wrong_input_is_one_line_and_status_2(
    server: FileServer,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    words: str,
) -> None:
    status, out, err = run(capsys, *arguments)
    assert (status, out) == (2, "")
    assert err.startswith("motion_seg: error: ")
    assert words in err
    assert err.count("\n") == 1


def test_nothing_is_fetched_if_one_of_the_names_does_not_exist(
    server: FileServer, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = run(capsys, "fetch", "net", "nte", "ent")
    assert (status, out) == (2, "")
    assert "weights nte, ent: expected a name" in err
    assert server.asked == []


def test_a_server_that_is_gone_is_one_line_too(
    server: FileServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    server.files.clear()
    status, _, err = run(capsys, "fetch", "net")
    assert status == 2
    assert err.count("\n") == 1
    assert "404" in err


@pytest.mark.parametrize("arguments", [[], ["get"], ["fetch"], ["path", "a", "b"]])
def test_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main.main(["weights", *arguments])
    assert exit_.value.code == 2


def test_everything_published_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    out = run(capsys, "list")[1]
    names = {line.split(" ")[0] for line in out.splitlines()}
    assert set(PUBLISHED) <= names
    assert max(map(len, out.splitlines()[: len(PUBLISHED)])) <= 100


def test_weights_are_exported_to_what_runs_without_torch(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("onnxscript", reason="onnxscript: not installed")
    pytest.importorskip("safetensors", reason="safetensors: not installed")
    from motion_seg_ros.networks.tensor_files import load_tensors, save_tensors

    shipped = SHIPPED["mask_network_lite"]
    weights = tmp_path / "mine.safetensors"
    save_tensors(weights, *load_tensors(shipped.path))
    assert main.main(["weights", "export", str(weights)]) == 0
    exported = tmp_path / "mine.onnx"
    assert str(exported) in capsys.readouterr().out
    assert file_metadata(exported) == file_metadata(shipped.path)
    tensors, _ = load_tensors(exported)
    assert tensors.keys() == load_tensors(weights)[0].keys()

    save_tensors(weights, tensors, {"something": "else"})
    assert main.main(["weights", "export", str(weights)]) == 2
    assert "expected track_transformer or mask_network in its metadata" in capsys.readouterr().err
