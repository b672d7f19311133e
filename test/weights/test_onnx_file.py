"""ONNX files: read as the reference library reads them, and refused when damaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from motion_seg_ros.errors import InputError
from motion_seg_ros.weights.cache import SHIPPED
from motion_seg_ros.weights.formats import check_format, file_metadata
from motion_seg_ros.weights.onnx_file import metadata_fields, read_onnx


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_files_are_read_as_by_the_reference(name: str) -> None:
    onnx = pytest.importorskip("onnx", reason="onnx: not installed")
    path = SHIPPED[name].path
    model = onnx.load(str(path))
    onnx.checker.check_model(model, full_check=True)
    found = read_onnx(path)
    assert [each.op for each in found.nodes] == [each.op_type for each in model.graph.node]
    for own, node in zip(found.nodes, model.graph.node, strict=True):
        assert (list(own.inputs), list(own.outputs)) == (list(node.input), list(node.output))
        expected = {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}
        assert own.attributes.keys() == expected.keys()
        for key, value in expected.items():
            text = value.decode() if isinstance(value, bytes) else value
            assert own.attributes[key] == (tuple(text) if isinstance(text, list) else text)
    assert len(found.constants) == len(model.graph.initializer)
    for each in model.graph.initializer:
        np.testing.assert_array_equal(found.constants[each.name], onnx.numpy_helper.to_array(each))
    assert list(found.inputs) == [each.name for each in model.graph.input]
    assert list(found.outputs) == [each.name for each in model.graph.output]
    assert found.metadata == {each.key: each.value for each in model.metadata_props}
    assert len(found.metadata) > 10


def test_metadata_may_be_appended(tmp_path: Path) -> None:
    path = tmp_path / "network.onnx"
    added = {"long": "x" * 70_000, "empty": "", "name": "größer"}
    shipped = SHIPPED["mask_network_lite"].path
    path.write_bytes(shipped.read_bytes() + metadata_fields(added))
    assert file_metadata(path) == {**file_metadata(shipped), **added}


def test_a_file_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    content = SHIPPED["mask_network_lite"].path.read_bytes()
    path = tmp_path / "cut.onnx"
    for length in (0, 1, 5, 100, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:length])
        with pytest.raises(InputError, match=r"cut\.onnx: expected an ONNX file") as caught:
            check_format(path)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"<!DOCTYPE html><html>Log in</html>", b"\xff" * 40, b"PK"])
def test_something_else_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "page.onnx"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"page\.onnx: expected an ONNX file"):
        read_onnx(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read_onnx(tmp_path / "absent.onnx")
