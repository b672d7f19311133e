"""MOVi-F scenes of ours: plates before a wall, ray by ray, in the layout of Kubric's worker."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from motion_seg_ros.errors import InputError
from motion_seg_ros.lab.training.readers.kubric import KubricReader

SIZE = 96
FRAMES = 8
FOCAL_MM, SENSOR_MM = 35.0, 32.0
FOCAL_PX = FOCAL_MM / SENSOR_MM * SIZE
WALL_Z, STILL_Z, MOVER_Z = -12.0, -9.0, -6.0
HALF = 1.2  # half the side of a plate
CAMERA_STEP, MOVER_STEP = 0.1, 0.15  # to the right, per frame
STILL_X, MOVER_X = 2.0, -2.0
SPIN = 0.1  # radians per frame of the mover about the axis towards the camera


def mover_pose(frame: int) -> tuple[float, float]:
    """X of the mover's centre, and its angle."""
    return MOVER_X + MOVER_STEP * frame, SPIN * frame


def render(frame: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Image, instance numbers and distances, by intersecting a ray per pixel with each plane. The
    camera is at (CAMERA_STEP * frame, 0, 0) and looks along -z."""
    v, u = np.mgrid[:SIZE, :SIZE] + 0.5
    ray = np.stack([(u - SIZE / 2) / FOCAL_PX, -(v - SIZE / 2) / FOCAL_PX, -np.ones_like(u)], -1)
    camera_x = CAMERA_STEP * frame
    mover_x, angle = mover_pose(frame)
    instance = np.zeros((SIZE, SIZE), np.uint8)
    z = np.full((SIZE, SIZE), WALL_Z)
    shade = texture(camera_x - ray[..., 0] * WALL_Z, -ray[..., 1] * WALL_Z)
    for number, plane_z, centre, turn in ((1, STILL_Z, STILL_X, 0.0), (2, MOVER_Z, mover_x, angle)):
        x = camera_x - ray[..., 0] * plane_z - centre
        y = -ray[..., 1] * plane_z
        a, b = np.cos(turn) * x + np.sin(turn) * y, -np.sin(turn) * x + np.cos(turn) * y
        hit = (np.abs(a) < HALF) & (np.abs(b) < HALF)
        instance[hit], z[hit] = number, plane_z
        shade[hit] = texture(a + 7 * number, b)[hit]
    image = np.repeat(shade[..., None], 3, axis=2).astype(np.uint8)
    return image, instance, (np.linalg.norm(ray, axis=2) * -z).astype(np.float32)


def texture(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    waves = np.sin(5 * x + 1) * np.cos(4 * y) + np.sin(9 * x - 7 * y) + np.cos(3 * x + 11 * y)
    return 127 + 40 * waves


def body(x: list[float], z: float, angle: list[float]) -> dict[str, object]:
    corners = [(i, j, k) for i in (-HALF, HALF) for j in (-HALF, HALF) for k in (-0.01, 0.01)]
    boxes = [
        [
            [cx + np.cos(t) * i - np.sin(t) * j, np.sin(t) * i + np.cos(t) * j, z + k]
            for i, j, k in corners
        ]
        for cx, t in zip(x, angle, strict=True)
    ]
    return {
        "positions": [[each, 0.0, z] for each in x],
        "quaternions": [[np.cos(t / 2), 0.0, 0.0, np.sin(t / 2)] for t in angle],
        "bboxes_3d": boxes,
    }


def metadata() -> dict[str, object]:
    index = range(FRAMES)
    poses = [mover_pose(each) for each in index]
    return {
        "metadata": {"num_frames": FRAMES, "width": SIZE, "height": SIZE, "num_instances": 2},
        "camera": {
            "focal_length": FOCAL_MM,
            "sensor_width": SENSOR_MM,
            "positions": [[CAMERA_STEP * each, 0.0, 0.0] for each in index],
            "quaternions": [[1.0, 0.0, 0.0, 0.0]] * FRAMES,
        },
        "instances": [
            body([STILL_X] * FRAMES, STILL_Z, [0.0] * FRAMES),
            body([x for x, _ in poses], MOVER_Z, [t for _, t in poses]),
        ],
    }


def write_scene(folder: Path) -> None:
    folder.mkdir(parents=True)
    for index in range(FRAMES):
        image, instance, distance = render(index)
        cv2.imwrite(str(folder / f"rgba_{index:05d}.png"), cv2.cvtColor(image, cv2.COLOR_BGR2BGRA))
        cv2.imwrite(str(folder / f"depth_{index:05d}.tiff"), distance)
        picture = Image.fromarray(instance)
        picture.putpalette([0, 0, 0, 200, 30, 30, 30, 30, 200])
        picture.save(folder / f"segmentation_{index:05d}.png")
    (folder / "metadata.json").write_text(json.dumps(metadata()))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kubric")
    write_scene(folder / "0")
    return folder


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    write_scene(tmp_path / "0")
    return tmp_path / "0"


def test_points_move_as_closed_forms_say(root: Path) -> None:
    (sample,) = KubricReader(root, frames=FRAMES).samples(0)
    assert sample.size == (SIZE, SIZE)
    assert sample.xy_px.shape == (FRAMES, len(sample), 2)
    assert sample.labelled.all()
    assert sample.tags == ("kubric",)
    both = sample.visible[:-1] & sample.visible[1:]
    step = np.diff(sample.xy_px, axis=0)
    static = both & ~sample.moving
    # the wall and the resting plate pass by to the left, as fast as they are near
    wall, plate = -CAMERA_STEP * FOCAL_PX / -WALL_Z, -CAMERA_STEP * FOCAL_PX / -STILL_Z
    x_step = step[..., 0][static]
    gap = np.minimum(np.abs(x_step - wall), np.abs(x_step - plate))
    assert gap.max() < 1e-3
    assert (np.abs(x_step - wall) < 1e-3).sum() > 1000
    assert (np.abs(x_step - plate) < 1e-3).sum() > 300
    assert np.abs(step[..., 1][static]).max() < 1e-3


def test_movers_turn_and_go_their_way(root: Path) -> None:
    (sample,) = KubricReader(root, frames=FRAMES).samples(1)
    assert 20 < np.count_nonzero(sample.moving) < len(sample) / 2
    scale = FOCAL_PX / -MOVER_Z
    local = []
    for frame in range(FRAMES):
        x, angle = mover_pose(frame)
        across = (sample.xy_px[frame, :, 0] + 0.5 - SIZE / 2) / scale + CAMERA_STEP * frame - x
        up = -(sample.xy_px[frame, :, 1] + 0.5 - SIZE / 2) / scale
        a = np.cos(angle) * across + np.sin(angle) * up
        b = -np.sin(angle) * across + np.cos(angle) * up
        local.append(np.stack([a, b], axis=1))
    local = np.array(local)
    for track in np.flatnonzero(sample.moving):
        seen = sample.visible[:, track]
        assert np.abs(local[seen, track]).max() < HALF + 1e-3
        assert np.ptp(local[seen, track], axis=0).max() < 1e-3


def test_hidden_points_are_not_visible(root: Path) -> None:
    (sample,) = KubricReader(root, frames=FRAMES).samples(2)
    hidden = 0
    for frame in range(FRAMES):
        _, instance, _ = render(frame)
        x, y = np.rint(sample.xy_px[frame]).astype(int).T
        # A margin of a pixel: where a plate's edge is between two pixels is not told.
        deep = cv2.erode((instance == 2).astype(np.uint8), np.ones((5, 5))) > 0
        covered = deep[y, x] & ~sample.moving
        assert not sample.visible[frame, covered].any()
        hidden += np.count_nonzero(covered)
    assert hidden > 20


def test_same_seed_same_samples(root: Path) -> None:
    reader = KubricReader(root, frames=4)
    one, other, third = (next(reader.samples(seed)) for seed in (5, 5, 6))
    np.testing.assert_array_equal(one.xy_px, other.xy_px)
    assert one.xy_px.shape != third.xy_px.shape or (one.xy_px != third.xy_px).any()


def test_a_window_longer_than_the_scene_is_the_scene(root: Path) -> None:
    assert next(KubricReader(root, frames=24).samples(0)).visible.shape[0] == FRAMES


class TestBrokenFiles:
    def test_no_scene(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="expected folders of MOVi-F scenes"):
            KubricReader(tmp_path, frames=FRAMES)

    @pytest.mark.parametrize("name", ["segmentation_00003.png", "depth_00003.tiff"])
    @pytest.mark.parametrize("content", [None, b"", b"something else"])
    def test_a_picture(self, scene: Path, name: str, content: bytes | None) -> None:
        if content is None:
            (scene / name).unlink()
        else:
            (scene / name).write_bytes(content)
        reader = KubricReader(scene.parent, frames=FRAMES)
        with pytest.raises(InputError, match=name.replace(".", r"\.") + ": expected") as raised:
            next(reader.samples(0))
        assert "again" in str(raised.value)

    def test_a_picture_of_another_size(self, scene: Path) -> None:
        cv2.imwrite(str(scene / "depth_00002.tiff"), np.ones((8, 8), np.float32))
        with pytest.raises(InputError, match=r"depth_00002\.tiff: expected 96x96"):
            next(KubricReader(scene.parent, frames=FRAMES).samples(0))

    def test_more_objects_than_the_metadata_knows(self, scene: Path) -> None:
        Image.fromarray(np.full((SIZE, SIZE), 9, np.uint8)).save(scene / "segmentation_00002.png")
        with pytest.raises(InputError, match="numbers of 0 to 2"):
            next(KubricReader(scene.parent, frames=FRAMES).samples(0))

    @pytest.mark.parametrize("content", ["{", "[]", "{}", "short", "no boxes"])
    def test_metadata(self, scene: Path, content: str) -> None:
        if content in ("short", "no boxes"):
            tree = metadata()
            if content == "short":
                tree["camera"]["positions"] = tree["camera"]["positions"][:3]
            else:
                del tree["instances"][0]["bboxes_3d"]
            content = json.dumps(tree)
        (scene / "metadata.json").write_text(content)
        with pytest.raises(InputError, match=r"metadata\.json: expected the metadata"):
            next(KubricReader(scene.parent, frames=FRAMES).samples(0))
