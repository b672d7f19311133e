"""The authors' network in the stream: what reaches it, computed again by hand from the frames, from
what the tracker's network says and from the library's own networks."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from checkout import ROOT
from PIL import Image
from pipelines import built
from tiny_networks import transformers_library, write_depth_anything

from motion_seg_ros.camera import Camera
from motion_seg_ros.errors import ConfigError, InputError
from motion_seg_ros.geometry.motion import WindowGeometry
from motion_seg_ros.networks.images import IMAGENET_MEAN, IMAGENET_STD
from motion_seg_ros.pipeline import MotionSegmenter
from motion_seg_ros.plan import check_official, needed_weights
from motion_seg_ros.settings.declaration import parse_override
from motion_seg_ros.settings.pipeline import make_config
from motion_seg_ros.tracking.tapir.estimates import Estimates
from motion_seg_ros.tracking.tapir.tracker import TapirTracker
from motion_seg_ros.types import BoolArray, FloatArray, Frame, FrameResult, RawTracks, Tracks
from motion_seg_ros.weights.catalogue import PUBLISHED
from motion_seg_ros.window import SlidingWindow, Window

library = transformers_library()
import torch  # noqa: E402

from motion_seg_ros.features.dino import official_keys  # noqa: E402
from motion_seg_ros.labelling.official.checkpoint import official_name  # noqa: E402
from motion_seg_ros.labelling.official.labeller import OfficialLabeller  # noqa: E402
from motion_seg_ros.labelling.official.network import (  # noqa: E402
    OfficialInputs,
    OfficialTrackNetwork,
    official_moving,
    official_threshold,
)

HEIGHT, WIDTH = 70, 98  # whole patches of 14: DINOv2 sees the image as it is
FRAMES, WINDOW = 7, 4
Numbers = np.ndarray[Any, np.dtype[Any]]


class ScriptedFollower:
    """In place of BootsTAPIR: says of every point and frame what a table has."""

    def __init__(self) -> None:
        rng = np.random.default_rng(3)
        self.occlusion = rng.normal(-1, 3, (FRAMES, 2000)).astype(np.float32)
        self.distance = rng.normal(-2, 2, (FRAMES, 2000)).astype(np.float32)
        self.step = rng.normal(0, 2, (2000, 2)).astype(np.float32)
        self.born: list[int] = []  # of all points ever, in the order of their ids
        self.start: list[FloatArray] = []
        self.kept = np.zeros(0, np.int64)

    def reset(self) -> None:
        self.kept = np.zeros(0, np.int64)

    def see(self, window: Window) -> None:
        self.window = window

    def follow(self) -> Estimates:
        return self.say(self.kept, self.window)

    def add(self, xy_px: FloatArray) -> Estimates:
        new = np.arange(len(self.born), len(self.born) + len(xy_px))
        self.born += [self.window.newest_index] * len(xy_px)
        self.start += list(xy_px)
        self.kept = np.concatenate((self.kept, new))
        return self.say(new, self.window)

    def keep(self, some: BoolArray) -> None:
        self.kept = self.kept[some]

    def say(self, ids: Numbers, window: Window) -> Estimates:
        index = np.arange(window.first_index, window.newest_index + 1)
        since = index[:, None] - np.array(self.born)[ids]
        xy = np.array(self.start, np.float32)[ids] + since[..., None] * self.step[ids]
        some = np.ix_(index, ids)
        # Its own query frame is the one the network is wrong about.
        xy += np.where(since == 0, 3, 0)[..., None]
        return Estimates(xy.astype(np.float32), self.occlusion[some], self.distance[some])


def published_state(network: OfficialTrackNetwork) -> dict[str, torch.Tensor]:
    """The tensors by the authors' names and in their shapes."""
    own, state = network.state_dict(), {}
    for name, x in own.items():
        if ".key_value." in name:
            continue
        if ".query." in name:
            x = torch.cat([x, own[name.replace(".query.", ".key_value.")]])
        convolution = "motion_encoder.project" in name and name.endswith("weight")
        state[official_name(name)] = x[..., None, None] if convolution else x
    return state


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """Random weights of all three networks, as settings."""
    folder = tmp_path_factory.mktemp("official")
    torch.manual_seed(4)
    config = library.Dinov2Config(
        hidden_size=768, num_hidden_layers=2, num_attention_heads=12, mlp_ratio=1, image_size=56
    )
    library.Dinov2Model(config).save_pretrained(folder / "dino")
    network = OfficialTrackNetwork()
    # Spread out the probabilities, without so large weights that rounding errors count.
    for each in network.parameters():
        each.data.mul_(2)
    network.tracks_decoder.head.weight.data.mul_(5)
    torch.save({"model_state_dict": published_state(network)}, folder / "moseg.pth")
    return {
        "depth.depth_anything.weights": str(write_depth_anything(folder / "depth")),
        "features.dino.weights": str(folder / "dino"),
        "labelling.official.weights": str(folder / "moseg.pth"),
    }


SETTINGS: dict[str, object] = {
    "device": "cpu",
    "window.size": WINDOW,
    "tracking.backend": "tapir",
    "tracking.tapir.weights": __file__,  # of any file: nothing is loaded
    "depth.backend": "depth_anything",
    "depth.depth_anything.short_side_px": HEIGHT,
    "features.backend": "dino",
    "features.dino.variant": "official",
    "labelling.backend": "official",
    "labelling.interval": 1,
    "labelling.official.threshold": 0.6,
    "masks.backend": "densifier",
}


@pytest.fixture(scope="module")
def frames() -> list[Frame]:
    rng = np.random.default_rng(0)
    shape = (FRAMES, HEIGHT, WIDTH, 3)
    return [Frame(image, t) for t, image in enumerate(rng.integers(0, 256, shape, np.uint8))]


@pytest.fixture
def follower(monkeypatch: pytest.MonkeyPatch) -> ScriptedFollower:
    made = ScriptedFollower()

    def load(path: Path, **_: object) -> TapirTracker:
        return TapirTracker(made, points=160, query_interval=2)

    monkeypatch.setattr(TapirTracker, "load", load)
    return made


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[OfficialInputs]:
    """Collect the inputs of the network from now on."""
    found: list[OfficialInputs] = []
    forward = OfficialTrackNetwork.forward

    def noted(self: OfficialTrackNetwork, inputs: OfficialInputs) -> Any:
        found.append(inputs)
        return forward(self, inputs)

    monkeypatch.setattr(OfficialTrackNetwork, "forward", noted)
    return found


def push_all(segmenter: MotionSegmenter, frames: list[Frame]) -> list[FrameResult]:
    return [result for frame in frames if (result := segmenter.push(frame)) is not None]


def normalised(frame: Frame) -> torch.Tensor:
    rgb = (frame.image_bgr[..., ::-1] / 255 - IMAGENET_MEAN) / IMAGENET_STD
    return torch.from_numpy(rgb.astype(np.float32)).permute(2, 0, 1)[None]


def disparity_of(weights: str, frame: Frame) -> torch.Tensor:
    """(H, W), of an image that needs no resizing."""
    model = library.DepthAnythingForDepthEstimation.from_pretrained(weights).eval()
    with torch.no_grad():
        said: torch.Tensor = model(normalised(frame)).predicted_depth[0]
    return said


def depth_by_hand(disparity: torch.Tensor) -> Numbers:
    """(H, W) of (h, w): at the image's size, through a 16-bit image and Pillow."""
    size = (HEIGHT, WIDTH)
    full = torch.nn.functional.interpolate(disparity[None, None], size, mode="bicubic")[0, 0]
    kept = (65535 * (full - full.min()) / (full.max() - full.min())).numpy().astype(np.uint16)
    read = np.asarray(Image.fromarray(kept).convert("L"), np.float32)
    return (read - read.min()) / (read.max() - read.min())


def keys_by_hand(weights: str, frame: Frame, xy: Numbers) -> Numbers:
    """(768,) at one point of one frame."""
    model = library.Dinov2Model.from_pretrained(weights).eval()
    with torch.no_grad():
        keys = official_keys(model, normalised(frame))[0].half().float().numpy()
    rows, columns = keys.shape[1:]
    return keys[:, int(xy[1] * rows / HEIGHT), int(xy[0] * columns / WIDTH)]


def sigmoid(x: Numbers) -> Numbers:
    return 1 / (1 + np.exp(-x))


def test_what_reaches_the_network_is_what_the_authors_give_it(
    weights: dict[str, object],
    frames: list[Frame],
    follower: ScriptedFollower,
    asked: list[OfficialInputs],
) -> None:
    segmenter = built({**SETTINGS, **weights})
    last = push_all(segmenter, frames)[-1]
    ids, window = last.tracks.ids, range(FRAMES - WINDOW, FRAMES)
    born, start = np.array(follower.born)[ids], np.array(follower.start)[ids]
    assert {0, 2, 4, 6} <= set(born), "query frames within the window and before it"

    some = np.ix_(list(window), ids)
    visibility, confidence = sigmoid(-follower.occlusion[some]), sigmoid(-follower.distance[some])
    visible, hidden = (x * confidence > 0.5 for x in (visibility, 1 - visibility))
    kept = visible.any(axis=0)
    assert 40 < kept.sum() < len(ids), "points that are never visible are left out"
    since = np.array(window)[:, None] - born
    xy = start + since[..., None] * follower.step[ids]
    position = np.clip(xy / [WIDTH, HEIGHT] * 2 - 1, -1, 1)
    sure = np.where(visible | hidden, confidence, 0)

    got = asked[-1]
    assert got.traj.shape == (1, 2, kept.sum(), WINDOW)
    np.testing.assert_allclose(got.traj[0].permute(2, 1, 0), position[:, kept], atol=1e-5)
    np.testing.assert_array_equal(got.mask[0, 0].T, ~visible[:, kept])
    np.testing.assert_allclose(got.visib_value[0, 0].T, visibility[:, kept], atol=1e-6)
    np.testing.assert_allclose(got.confi_value[0, 0].T, sure[:, kept], atol=1e-6)
    for place, t in enumerate(window):
        expected = depth_by_hand(
            disparity_of(str(weights["depth.depth_anything.weights"]), frames[t])
        )
        assert 0.001 < np.mean(expected < 1) < 0.5, "else the test would tell nothing"
        # A step of 255 may fall to the other side of a rounding.
        np.testing.assert_allclose(got.depth[0, 0, :, :, place], expected, atol=1.5 / 255)
    for column, point in list(enumerate(np.flatnonzero(kept)))[::7]:
        expected = keys_by_hand(
            str(weights["features.dino.weights"]), frames[born[point]], start[point]
        )
        np.testing.assert_allclose(got.dino[0, :, column, 0], expected, rtol=1e-2, atol=1e-2)

    said = last.labels.moving_probability
    assert np.isnan(said[~kept]).all()
    assert np.ptp(said[kept]) > 0.01
    assert last.labels.threshold == 0.6


def test_labels_are_those_of_the_checkpoint(
    weights: dict[str, object],
    frames: list[Frame],
    follower: ScriptedFollower,
    asked: list[OfficialInputs],
) -> None:
    segmenter = built({**SETTINGS, **weights, "labelling.official.threshold": 0.0})
    results = push_all(segmenter, frames)
    assert len(asked) == FRAMES - WINDOW + 1, "not before there are four frames"
    assert [each.labels.abstention is None for each in results] == [False] * 3 + [True] * 4
    network = OfficialTrackNetwork().eval()
    state = torch.load(str(weights["labelling.official.weights"]))["model_state_dict"]
    own = network.state_dict()
    for name in own:
        published = state[official_name(name)]
        part = published[: len(own[name])] if ".query." in name else published[-len(own[name]) :]
        own[name] = part.reshape(own[name].shape)
    network.load_state_dict(own)
    with torch.no_grad():
        expected = network(asked[-1]).pred[0, 0].numpy()
    labels = results[-1].labels
    said = labels.moving_probability
    np.testing.assert_allclose(said[np.isfinite(said)], expected, atol=1e-6)
    # Without a threshold the authors' rule holds.
    np.testing.assert_array_equal(
        labels.moving[np.isfinite(said)], official_moving(expected, WINDOW)
    )
    assert labels.moving.sum() >= 3


def test_between_two_askings_labels_are_kept_and_a_reset_forgets_them(
    weights: dict[str, object],
    frames: list[Frame],
    follower: ScriptedFollower,
    asked: list[OfficialInputs],
) -> None:
    segmenter = built({**SETTINGS, **weights, "labelling.interval": 3})
    results = push_all(segmenter, frames)
    assert len(asked) == 2  # at the frames 3 and 6
    first, second = (each.tracks.ids for each in results[3:5])
    shared = np.isin(second, first)
    before = results[3].labels.moving_probability[np.searchsorted(first, second[shared])]
    np.testing.assert_array_equal(results[4].labels.moving_probability[shared], before)
    assert np.isnan(results[4].labels.moving_probability[~shared]).all()
    segmenter.reset()
    follower.occlusion = np.tile(follower.occlusion, (2, 1))
    follower.distance = np.tile(follower.distance, (2, 1))
    assert push_all(segmenter, frames[:1])[0].labels.abstention is not None


class Hills:
    """Smooth disparity that is small nearly everywhere, of a fifth of the image's size."""

    metric = False

    def __init__(self) -> None:
        y, x = np.mgrid[: HEIGHT // 5, : WIDTH // 5]
        hill = np.exp(-((x - 9) ** 2 + (y - 6) ** 2) / 4)
        self.map = (hill + 1e-3 * np.sin(x / 3 + y / 5)).astype(np.float32)
        self.asked: list[int] = []

    def inverse_depth(self, window: Window) -> list[FloatArray]:
        self.asked.append(window.newest_index)
        first = window.first_index
        return [self.map * np.float32(1 + i) for i in range(first, first + len(window))]

    def reset(self) -> None:
        pass


FEATURES = np.zeros((60, 768), np.float32)
GEOMETRY = WindowGeometry.unknown(Camera.guessed((HEIGHT, WIDTH)), 60, "not looked at")


def windows(count: int) -> list[Window]:
    """The first full window of a stream of blank frames, and those after it."""
    sliding = SlidingWindow(WINDOW, 1.0, 0.0)
    blank = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    return [sliding.push(Frame(blank, t)) for t in range(WINDOW + count - 1)][WINDOW - 1 :]


def resting(logit: float | None) -> Tracks:
    """Tracks that a tracker takes as visible, with the same logit everywhere, or with none."""
    shape, numbers = (WINDOW, 60), np.arange(60)
    seen, xy = np.ones(shape, bool), np.zeros((*shape, 2), np.float32)
    raw = None
    if logit is not None:
        said = np.full(shape, logit, np.float32)
        raw = RawTracks(xy, said, said)
    return Tracks(numbers, xy, seen, seen.astype(np.float32), numbers * 0, raw)


def test_disparity_is_stretched_to_the_image_and_each_frame_is_prepared_once(
    weights: dict[str, object], asked: list[OfficialInputs]
) -> None:
    hills = Hills()
    labeller = OfficialLabeller(
        Path(str(weights["labelling.official.weights"])),
        hills,
        device="cpu",
        interval=1,
        threshold=0.7,
    )
    for window in windows(2):
        for _ in range(2):  # the second time there is no news
            labeller.label(window, resting(-5), FEATURES, GEOMETRY)
    expected = depth_by_hand(torch.from_numpy(hills.map))
    assert 0.3 < np.mean(expected < 1) < 0.9
    for inputs in asked:
        for place in range(WINDOW):  # its own scale does not count
            np.testing.assert_allclose(inputs.depth[0, 0, ..., place], expected, atol=1.5 / 255)
    assert hills.asked == [WINDOW - 1, WINDOW]
    assert len(asked) == 2


def test_it_abstains_where_there_is_nothing_to_tell_from(weights: dict[str, object]) -> None:
    hills = Hills()
    labeller = OfficialLabeller(
        Path(str(weights["labelling.official.weights"])),
        hills,
        device="cpu",
        interval=1,
        threshold=0.7,
    )
    (window,) = windows(1)
    hidden, features = resting(5), FEATURES
    labels = labeller.label(window, hidden, features, GEOMETRY)
    assert hills.asked == []
    assert labels.abstention == "no track is surely visible in any frame"
    with pytest.raises(InputError, match="expected tracks with a tracker's logits"):
        labeller.label(window, resting(None), features, GEOMETRY)
    with pytest.raises(InputError, match="expected tracks with features"):
        labeller.label(window, hidden, None, GEOMETRY)


@pytest.mark.parametrize(
    ("wrong", "remedy"),
    [
        ({"tracking.backend": "flow"}, "tracking.backend flow; set tracking.backend=tapir"),
        (
            {"tracking.tapir.causal": True},
            "tracking.tapir.causal true; set tracking.tapir.causal=false",
        ),
        (
            {"features.dino.variant": "tokens"},
            "features.dino.variant tokens; set features.dino.variant=official",
        ),
        (
            {"depth.backend": "none", "features.backend": "none"},
            "depth.backend none, features.backend none; set depth.backend=depth_anything "
            "features.backend=dino",
        ),
    ],
)
def test_other_companions_than_the_authors_are_refused(
    weights: dict[str, object], wrong: dict[str, object], remedy: str
) -> None:
    with pytest.raises(ConfigError) as error:
        built({**SETTINGS, **weights, **wrong})
    either = ", or labelling.backend=transformer, which needs none of them"
    assert str(error.value).endswith(remedy + either)


def test_features_of_another_width_are_refused(
    weights: dict[str, object], follower: ScriptedFollower, tmp_path: Path
) -> None:
    config = library.Dinov2Config(hidden_size=24, num_hidden_layers=1, num_attention_heads=3)
    library.Dinov2Model(config).save_pretrained(tmp_path)
    with pytest.raises(
        ConfigError, match=r"768 channels.*found 24; set features\.dino\.weights dinov2"
    ):
        built({**SETTINGS, **weights, "features.dino.weights": str(tmp_path)})


def test_the_documented_commands_are_right() -> None:
    """They ask for companions that are accepted, and their weights are those that `fetch` gets."""
    text = (ROOT / "docs" / "networks.md").read_text(encoding="utf-8")
    commands = re.findall(
        r"^motion_seg weights fetch (.+)\n(motion_seg segment .+)$", text, re.MULTILINE
    )
    assert len(commands) == 2
    for fetched, segment in commands:
        words = shlex.split(segment)
        settings = [
            parse_override(words[at + 1]) for at, each in enumerate(words) if each == "--set"
        ]
        config = make_config({"profile": words[words.index("--profile") + 1], **dict(settings)})
        assert config.labelling.backend == "official"
        check_official(config)
        assert set(fetched.split()) == set(needed_weights(config).values()) <= set(PUBLISHED)


@pytest.mark.parametrize(
    "probability",
    [
        np.linspace(0, 0.92, 93),
        np.full(20, 0.96),
        np.array([0.1, 0.3, 0.0, 0.2, 0.25]),
        np.array([0.6, 0.5]),
        np.r_[np.linspace(0.991, 0.999, 4), np.zeros(9)],
    ],
)
def test_the_threshold_separates_those_that_the_authors_take(probability: Numbers) -> None:
    given = probability.astype(np.float32)
    threshold = official_threshold(given, 50)
    assert 0 < threshold < 1
    above = given > threshold
    taken = official_moving(given, 50)
    assert (above >= taken).all()
    assert (given[above & ~taken] >= 0.99).all(), "only what is as good as sure comes on top"
