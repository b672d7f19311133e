"""SAM 2 and EdgeTAM as segmenters, against the library's own sessions, which forget nothing."""

from __future__ import annotations

import json
import shutil
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from segmenter_runs import (
    ONE,
    OTHER,
    SIZE,
    THREE,
    TOLERANCE,
    Said,
    Script,
    assert_same,
    held,
    pixels,
    points,
    run,
    stream,
)
from torch.overrides import TorchFunctionMode

from motion_seg_ros.errors import (
    ConfigError,
    DeviceMemoryError,
    InputError,
    MissingDependencyError,
)
from motion_seg_ros.masks.sam2 import memory as sam2_memory
from motion_seg_ros.masks.sam2 import transformers as sam2_transformers
from motion_seg_ros.masks.sam2.segmenter import LEAST_KEPT, Sam2Segmenter
from motion_seg_ros.masks.sam2.transformers import TransformersSam2
from motion_seg_ros.types import Frame

transformers = pytest.importorskip("transformers")
tiny = pytest.importorskip("tiny_sam2")

KINDS = ("sam2", "edgetam")


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    if request.param == "edgetam":
        try:
            import timm  # noqa: F401
        except (ImportError, RuntimeError) as error:  # the latter where torchvision does not fit
            pytest.skip(f"timm, which EdgeTAM's backbone needs, cannot be imported: {error}")
    return str(request.param)


@pytest.fixture(scope="module")
def folder(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = tiny.sam2_model() if kind == "sam2" else tiny.edgetam_model()
    return tiny.saved(model, tmp_path_factory.mktemp(kind))


@pytest.fixture(scope="module")
def network(folder: Path) -> TransformersSam2:
    return TransformersSam2(folder, device="cpu")


@pytest.fixture
def segmenter(network: TransformersSam2) -> Iterator[Sam2Segmenter]:
    segmenter = Sam2Segmenter(network, kept=8)
    yield segmenter
    segmenter.reset()


@pytest.fixture(scope="module")
def sam2_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.saved(tiny.sam2_model(), tmp_path_factory.mktemp("sam2_only"))


def library(folder: Path, frames: Sequence[Frame], script: Script, side: int = tiny.SIDE) -> Said:
    """(object, frame) -> logits, by one session of the library that follows all objects together
    and keeps everything."""
    name = json.loads((folder / "config.json").read_text())["model_type"]
    names = {"sam2_video": "Sam2Video", "edgetam_video": "EdgeTamVideo"}[name]
    model = getattr(transformers, f"{names}Model").from_pretrained(folder).eval()
    session = getattr(transformers, f"{names}InferenceSession")(dtype=torch.float32)
    found = {}
    scale = np.array([side / SIZE[1], side / SIZE[0]])
    for index, frame in enumerate(frames):
        clicked = script.get(index, {})
        for each, xy in clicked.items():
            square = torch.tensor((np.array(xy) + 0.5) * scale - 0.5, dtype=torch.float32)
            labels = torch.ones(1, 1, len(xy), dtype=torch.int32)
            inputs = {"point_coords": square[None, None], "point_labels": labels}
            session.add_point_inputs(session.obj_id_to_idx(each), index, inputs)
        session.obj_with_new_inputs = list(clicked)
        if session.get_obj_num() == 0:
            continue
        output = model(session, frame=pixels(frame, side), frame_idx=index)
        masks = torch.nn.functional.interpolate(output.pred_masks, SIZE, mode="bilinear")
        for each, mask in zip(output.object_ids, masks, strict=True):
            found[each, index] = mask[0].numpy()
    return found


def test_logits_are_those_of_sessions_that_keep_everything(
    segmenter: Sam2Segmenter, folder: Path
) -> None:
    frames = stream(30)
    script: Script = {0: {1: ONE}, 5: {2: OTHER}, 10: {1: THREE}}
    found = run(segmenter, frames, script)
    for each in (1, 2):
        alone = {index: {each: xy[each]} for index, xy in script.items() if each in xy}
        expected = library(folder, frames, alone)
        assert_same({key: value for key, value in found.items() if key[0] == each}, expected)
    shapes = {(logits.shape, logits.dtype.name) for logits in found.values()}
    assert shapes == {(SIZE, "float32")}
    # What is remembered matters, else all of this would prove nothing.
    apart = [np.abs(found[1, index] - found[2, index]).max() for index in range(6, 30)]
    assert min(apart) > 0.02


def test_objects_of_one_library_session_are_as_when_each_has_its_own(
    segmenter: Sam2Segmenter, folder: Path
) -> None:
    frames = stream(12, seed=1)
    script: Script = {0: {1: ONE, 2: OTHER}, 6: {1: OTHER, 2: THREE}}
    assert_same(run(segmenter, frames, script), library(folder, frames, script))


def test_an_object_added_to_a_library_session_is_as_in_its_own(
    segmenter: Sam2Segmenter, folder: Path
) -> None:
    frames = stream(12, seed=2)
    script: Script = {0: {1: ONE}, 5: {2: OTHER}, 10: {1: THREE}}
    found, expected = run(segmenter, frames, script), library(folder, frames, script)
    # Where one object is clicked, the library's joint session takes the masks of all for clicked
    # ones, as to what they leave in memory; not so its sessions of one object. Until then:
    last = {1: 5, 2: 10}
    assert_same(
        {key: value for key, value in found.items() if key[1] <= last[key[0]]},
        {key: value for key, value in expected.items() if key[1] <= last[key[0]]},
    )


def test_catching_up_is_as_following_from_the_start(segmenter: Sam2Segmenter) -> None:
    frames = stream(8)
    followed = run(segmenter, frames, {2: {1: ONE}})
    segmenter.reset()
    for index, frame in enumerate(frames):
        segmenter.see(frame, index)
    caught_up = {(1, 2): segmenter.start(1, 2, points(*ONE))}
    caught_up |= {(1, index): segmenter.follow(1, index) for index in range(3, 8)}
    assert_same(caught_up, followed)


def test_a_click_is_as_a_start_and_leaves_no_trace(segmenter: Sam2Segmenter) -> None:
    frames = stream(4)
    expected = run(segmenter, frames, {0: {1: ONE}, 2: {2: THREE}})
    segmenter.reset()
    segmenter.see(frames[0], 0)
    clicked = segmenter.click(0, points(*ONE))
    np.testing.assert_array_equal(clicked, segmenter.start(1, 0, points(*ONE)))
    for index in (1, 2, 3):
        segmenter.see(frames[index], index)
        segmenter.click(index, points(*OTHER))
        segmenter.click(0, points(*OTHER))
        np.testing.assert_array_equal(segmenter.follow(1, index), expected[1, index])
    np.testing.assert_array_equal(segmenter.click(2, points(*THREE)), expected[2, 2])


def test_clicks_in_another_thread_change_nothing(segmenter: Sam2Segmenter) -> None:
    frames = stream(10)
    expected = run(segmenter, frames, {0: {1: ONE}})
    segmenter.reset()
    segmenter.see(frames[0], 0)
    clicked = segmenter.click(0, points(*OTHER))
    done = threading.Event()

    def click() -> int:
        same = 0
        while not done.is_set():
            try:
                same += np.array_equal(segmenter.click(0, points(*OTHER)), clicked)
            except InputError:  # by now the frame is forgotten
                break
        return same

    with ThreadPoolExecutor(1) as executor:
        clicks = executor.submit(click)
        segmenter.start(1, 0, points(*ONE))
        for index in range(1, 10):
            segmenter.see(frames[index], index)
            np.testing.assert_array_equal(segmenter.follow(1, index), expected[1, index])
        done.set()
        assert clicks.result() > 0


def test_removing_an_object_leaves_the_others_alone(segmenter: Sam2Segmenter) -> None:
    frames = stream(6)
    expected = run(segmenter, frames, {0: {1: ONE, 2: OTHER}})
    segmenter.reset()
    for index, frame in enumerate(frames):
        segmenter.see(frame, index)
        if index == 0:
            segmenter.start(1, 0, points(*ONE))
            segmenter.start(2, 0, points(*OTHER))
            continue
        if index == 3:
            segmenter.remove(1)
        np.testing.assert_array_equal(segmenter.follow(2, index), expected[2, index])
    with pytest.raises(InputError, match="found 1; start it first"):
        segmenter.follow(1, 5)
    # Its id can be given again, to an object that knows nothing of it.
    np.testing.assert_array_equal(
        segmenter.start(1, 5, points(*ONE)), segmenter.click(5, points(*ONE))
    )


def test_what_counts_is_the_order_of_frames_not_their_numbers(segmenter: Sam2Segmenter) -> None:
    frames = stream(5)
    expected = run(segmenter, frames, {0: {1: ONE}})
    segmenter.reset()
    for order, (index, frame) in enumerate(zip((4, 5, 9, 10, 30), frames, strict=True)):
        segmenter.see(frame, index)
        logits = segmenter.start(1, 4, points(*ONE)) if order == 0 else segmenter.follow(1, index)
        np.testing.assert_array_equal(logits, expected[1, order])
    assert list(segmenter.kept()) == [4, 5, 9, 10, 30]


def test_the_oldest_frames_are_forgotten(segmenter: Sam2Segmenter) -> None:
    for index, frame in enumerate(stream(10)):
        segmenter.see(frame, index)
    assert list(segmenter.kept()) == [2, 3, 4, 5, 6, 7, 8, 9]
    with pytest.raises(InputError, match=r"8 frames kept \(2 to 9\), found 1"):
        segmenter.click(1, points(*ONE))


def test_wrong_calls_say_what_is_wrong(segmenter: Sam2Segmenter) -> None:
    frames = stream(5)
    with pytest.raises(InputError, match="none yet"):
        segmenter.click(0, points(*ONE))
    for index, frame in enumerate(frames[:4]):
        segmenter.see(frame, index)
    with pytest.raises(InputError, match="after 3, found 3"):
        segmenter.see(frames[4], 3)
    segmenter.start(1, 0, points(*ONE))
    with pytest.raises(InputError, match="new object, found 1"):
        segmenter.start(1, 1, points(*ONE))
    with pytest.raises(InputError, match=r"frame after 0.*found 2"):
        segmenter.follow(1, 2)
    segmenter.start(2, 1, points(*ONE))
    with pytest.raises(InputError, match=r"frame after 1.*found 0"):
        segmenter.prompt(2, 0, points(*ONE))
    segmenter.remove(2)
    with pytest.raises(InputError, match="found 2; start it first"):
        segmenter.remove(2)
    with pytest.raises(InputError, match=r"\(0, 2\)"):
        segmenter.prompt(1, 1, np.zeros((0, 2), np.float32))
    with pytest.raises(InputError, match="nan"):
        segmenter.click(1, points((np.nan, 3.0)))
    # None of it did any harm.
    segmenter.follow(1, 1)


def test_clicks_in_an_earlier_frame_correct_what_is_remembered(
    sam2_folder: Path,
) -> None:
    """As in a session of the library that is made to forget that it has followed the object to
    that frame."""
    frames, late = stream(8), 3
    uncorrected, segmenter = (
        Sam2Segmenter(TransformersSam2(sam2_folder, device="cpu"), kept=8) for _ in range(2)
    )
    before = run(uncorrected, frames, {0: {1: ONE}})
    scale = np.array([tiny.SIDE / SIZE[1], tiny.SIDE / SIZE[0]])
    model = transformers.Sam2VideoModel.from_pretrained(sam2_folder).eval()
    session = transformers.Sam2VideoInferenceSession(dtype=torch.float32)
    index_of = session.obj_id_to_idx(1)

    def click(index: int, xy: Sequence[tuple[float, float]]) -> None:
        square = torch.tensor((np.array(xy) + 0.5) * scale - 0.5, dtype=torch.float32)
        labels = torch.ones(1, 1, len(xy), dtype=torch.int32)
        inputs = {"point_coords": square[None, None], "point_labels": labels}
        session.add_point_inputs(index_of, index, inputs)
        session.obj_with_new_inputs = [1]

    def logits(index: int) -> np.ndarray:
        output = model(session, frame=pixels(frames[index], tiny.SIDE), frame_idx=index)
        masks = torch.nn.functional.interpolate(output.pred_masks, SIZE, mode="bilinear")
        found: np.ndarray = masks[0, 0].numpy()
        return found

    for index, frame in enumerate(frames):
        segmenter.see(frame, index)
        if index == 6:
            session.frames_tracked_per_obj[index_of].pop(late)
            session.output_dict_per_obj[index_of]["non_cond_frame_outputs"].pop(late)
            click(late, THREE)
            corrected = segmenter.prompt(1, late, points(*THREE))
            np.testing.assert_allclose(corrected, logits(late), atol=TOLERANCE)
        if index == 0:
            click(0, ONE)
            found = segmenter.start(1, 0, points(*ONE))
        else:
            found = segmenter.follow(1, index)
        np.testing.assert_allclose(found, logits(index), atol=TOLERANCE)
        if index == 6:
            assert np.abs(found - before[1, index]).max() > 10 * TOLERANCE


def test_memory_is_flat(segmenter: Sam2Segmenter) -> None:
    frames = stream(4)
    found = {}
    for index in range(56):
        segmenter.see(frames[index % 4], index)
        for each in (1, 2):
            if index == 0:
                segmenter.start(each, index, points(*ONE))
            elif index % 4 == each:  # oftener than frames with clicks are kept
                segmenter.prompt(each, index, points(*OTHER))
            else:
                segmenter.follow(each, index)
        found[index] = held(segmenter)
    assert found[55] == found[39] == found[23]
    assert found[23][0] > found[3][0]  # it did count


def make_cheap(network: TransformersSam2, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put constants in the place of what a SAM 2 network works out, and leave all its bookkeeping:
    thousands of steps take seconds."""
    model, side = network.model, tiny.SIDE
    maps = [
        torch.zeros((side // scale) ** 2, 1, channels)
        for scale, channels in ((4, 16), (8, 32), (16, tiny.CHANNELS))
    ]
    output = SimpleNamespace(fpn_hidden_states=maps, fpn_position_encoding=maps)
    cells, low = side // 16, side // 4

    def decoded(**_: object) -> SimpleNamespace:
        return SimpleNamespace(
            pred_masks=torch.ones(1, 1, low, low),
            high_res_masks=torch.ones(1, 1, side, side),
            object_pointer=torch.ones(1, 1, tiny.CHANNELS),
            object_score_logits=torch.ones(1, 1, 1),
        )

    def encoded(*_: object) -> tuple[Any, Any]:
        return tuple(torch.ones(1, tiny.MEMORY_CHANNELS, cells, cells) for _ in range(2))

    def attended(current_vision_features: Any, memory: Any, **_: object) -> Any:
        # 4 memories of frames with clicks, 6 of others; 4 and 15 pointers of two halves each.
        assert len(memory) <= (4 + 6) * cells**2 + (4 + 15) * 2
        return current_vision_features.transpose(0, 1)[None]

    monkeypatch.setattr(model, "get_image_features", lambda *_, **__: output)
    monkeypatch.setattr(model, "_single_frame_forward", decoded)
    monkeypatch.setattr(model.memory_encoder, "forward", encoded)
    monkeypatch.setattr(model.memory_attention, "forward", attended)


def test_memory_is_flat_over_2000_frames_with_5_objects(
    sam2_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = TransformersSam2(sam2_folder, device="cpu")
    make_cheap(network, monkeypatch)
    segmenter = Sam2Segmenter(network, kept=8)
    frame = stream(1)[0]
    found = {}
    for index in range(2000):
        segmenter.see(frame, index)
        for each in range(5):
            if index == 0:
                segmenter.start(each, index, points(*ONE))
            elif index % 100 == 20 * each:
                segmenter.prompt(each, index, points(*THREE))
            else:
                segmenter.follow(each, index)
        if index % 100 == 99:
            found[index] = held(segmenter)
    assert len({found[index] for index in range(499, 2000, 100)}) == 1


def test_frames_with_clicks_beyond_the_limit_are_forgotten(sam2_folder: Path) -> None:
    frames = stream(6)
    clicked_at = (0, 1, 2, 3)
    script: Script = {index: {1: ONE if index % 2 else OTHER} for index in clicked_at}
    network = TransformersSam2(sam2_folder, device="cpu", clicked=2)
    found = run(Sam2Segmenter(network), frames, script)
    # Those of the last two frames with clicks are all there is: as if it had begun with them.
    late = {index - 2: clicks for index, clicks in script.items() if index >= 2}
    expected = library(sam2_folder, frames[2:], late)
    np.testing.assert_allclose(found[1, 4], expected[1, 2], atol=TOLERANCE)


@pytest.mark.parametrize(
    ("limits", "last"), [({"memories": 2}, 2), ({"memories": 4}, 4), ({"pointers": 7}, 7)]
)
def test_fewer_memories_or_pointers_are_as_all_while_there_are_no_more(
    sam2_folder: Path, limits: dict[str, int], last: int
) -> None:
    frames, script = stream(last + 2), {0: {1: ONE}}
    expected = library(sam2_folder, frames, script)
    found = run(
        Sam2Segmenter(TransformersSam2(sam2_folder, device="cpu", **limits)), frames, script
    )
    for index in range(last + 1):
        np.testing.assert_allclose(found[1, index], expected[1, index], atol=TOLERANCE)
    assert np.abs(found[1, last + 1] - expected[1, last + 1]).max() > 5 * TOLERANCE


def test_another_image_side_is_that_of_a_network_made_for_it(
    kind: str, folder: Path, tmp_path: Path
) -> None:
    make, side = {"sam2": (tiny.sam2_model, 32), "edgetam": (tiny.edgetam_model, 128)}[kind]
    other = make(side)
    other.load_state_dict(make().state_dict())
    frames, script = stream(4), {0: {1: ONE}, 3: {2: THREE}}
    expected = library(tiny.saved(other, tmp_path), frames, script, side)
    network = TransformersSam2(folder, device="cpu", image_side=side)
    assert network.image_side == side
    assert_same(run(Sam2Segmenter(network), frames, script), expected)


def test_an_image_side_the_network_cannot_take_is_refused(kind: str, folder: Path) -> None:
    unit = {"sam2": 32, "edgetam": 64}[kind]
    with pytest.raises(ConfigError, match=f"multiple of {unit} pixels, found 48"):
        TransformersSam2(folder, device="cpu", image_side=48)


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"memories": 8}, "memories: expected 1 to 7, found 8"),
        ({"memories": 5, "pointers": 4}, "pointers: expected 5 to 16, found 4"),
        ({"clicked": 0}, "clicked: expected at least 1, found 0"),
    ],
)
def test_limits_out_of_range_are_refused(
    sam2_folder: Path, limits: dict[str, int], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        TransformersSam2(sam2_folder, device="cpu", **limits)


def test_clicks_and_ages_of_pointers_go_to_the_device_without_a_wait(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing else is made of Python numbers while an object is followed."""
    sent: list[Any] = []

    def to_device(values: Any, device: torch.device) -> Any:
        sent.append(values.tolist())
        return values.to(device)

    for module in (sam2_memory, sam2_transformers):
        monkeypatch.setattr(module, "to_device", to_device)
    network = TransformersSam2(folder, device="cpu")
    made = TensorsMade()
    with made:
        run(Sam2Segmenter(network), stream(3), {0: {1: ONE}})
    clicks, *ages = sent
    assert np.shape(clicks) == (1, 2)
    assert ages == [[1.0], [2.0, 1.0]]
    assert made.found == []


def test_places_are_not_rounded_to_bfloat16(folder: Path) -> None:
    network = TransformersSam2(folder, device="cpu", dtype="bfloat16")
    model = network.model
    matrix = model.prompt_encoder.shared_embedding.positional_embedding.double()
    square = torch.tensor([[[[3.25, 60.5], [31.75, 17.0]]]])
    with network.inference():
        found = model.prompt_encoder.shared_embedding(square, (tiny.SIDE, tiny.SIDE))
        whole = model.get_image_wide_positional_embeddings()
    phase = 2 * np.pi * ((2 * square.double() / tiny.SIDE - 1) @ matrix)
    expected = torch.cat((phase.sin(), phase.cos()), -1)
    np.testing.assert_allclose(found.float().numpy(), expected.numpy(), atol=1e-4)
    assert whole.dtype == torch.float32


class TensorsMade(TorchFunctionMode):
    """Notes the tensors that are made of Python numbers on a device that is named."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Any] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.tensor and (kwargs or {}).get("device") is not None:
            self.found.append(args)
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_as_many_bytes_give_nearly_the_same(
    folder: Path, segmenter: Sam2Segmenter, monkeypatch: pytest.MonkeyPatch, dtype: str
) -> None:
    def half() -> Said:
        network = TransformersSam2(folder, device="cpu", dtype=dtype)
        return run(Sam2Segmenter(network), frames, script)

    frames, script = stream(4), {0: {1: ONE}}
    expected, found = run(segmenter, frames, script), half()
    for key, logits in expected.items():
        assert 0 < np.abs(found[key] - logits).mean() < 0.1 * np.abs(logits).mean()
    # With weights that are cast when they are used it is the same to the last bit.
    monkeypatch.setattr(sam2_transformers, "cast_weights", lambda *_: None)
    for key, logits in half().items():
        np.testing.assert_array_equal(logits, found[key])


def test_a_full_device_is_said(
    segmenter: Sam2Segmenter, network: TransformersSam2, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has")

    frames = stream(2)
    segmenter.see(frames[0], 0)
    with monkeypatch.context() as patched:
        patched.setattr(network.model, "forward", full)
        with pytest.raises(DeviceMemoryError, match=r"segmenter: .* found: CUDA out of memory; "):
            segmenter.start(1, 0, points(*ONE))
        patched.setattr(network.model, "get_image_features", full)
        with pytest.raises(DeviceMemoryError, match="enough memory on the device"):
            segmenter.see(frames[1], 1)
    segmenter.reset()
    assert run(segmenter, frames, {0: {1: ONE}}).keys() == {(1, 0), (1, 1)}


def test_with_less_memory_fewer_frames_are_kept(network: TransformersSam2) -> None:
    segmenter = Sam2Segmenter(network, kept=9)
    assert [segmenter.shrink() for _ in range(3)] == ["sam2 keeps 4 frames", None, None]
    for index, frame in enumerate(stream(6)):
        segmenter.see(frame, index)
    assert segmenter.kept() == (2, 3, 4, 5)
    assert len(segmenter.kept()) == LEAST_KEPT
    segmenter.reset()


def test_folders_of_something_else_are_refused(sam2_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere"):
        TransformersSam2(tmp_path / "nowhere", device="cpu")
    other = shutil.copytree(sam2_folder, tmp_path / "other")
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps(config | {"model_type": "dinov2"}))
    with pytest.raises(InputError, match="sam2_video or edgetam_video, found dinov2"):
        TransformersSam2(other, device="cpu")
    (other / "config.json").write_text("[")
    with pytest.raises(InputError, match=r"config\.json"):
        TransformersSam2(other, device="cpu", image_side=32)


def test_without_timm_edgetam_names_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "edgetam_video"}')
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(MissingDependencyError, match=r"motion_seg_ros\[edgetam\]"):
        TransformersSam2(tmp_path, device="cpu")


def test_foreign_tensors_are_named(sam2_folder: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    other = shutil.copytree(sam2_folder, tmp_path / "other")
    tensors = load_file(other / "model.safetensors")
    missing = tensors.pop("no_object_pointer")
    save_file(tensors, other / "model.safetensors", {"format": "pt"})
    with pytest.raises(InputError, match="found no no_object_pointer"):
        TransformersSam2(other, device="cpu", image_side=32)
    tensors |= {"no_object_pointer": missing, "a_foreign_one": torch.zeros(3)}
    save_file(tensors, other / "model.safetensors", {"format": "pt"})
    with pytest.raises(InputError, match="found an unknown a_foreign_one"):
        TransformersSam2(other, device="cpu")
