"""Evidence of flow and photometry: a disc that moves before a turning camera, and its trust."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from disc_images import DISC, GRID, SIZE, texture

from motion_seg_ros.camera import Camera
from motion_seg_ros.flow.dense import DenseFlow
from motion_seg_ros.geometry.motion import Mode, Motion, WindowGeometry
from motion_seg_ros.masks.fusion.evidence import MotionEvidence
from motion_seg_ros.masks.fusion.flow_evidence import FlowEvidence, flow_log_odds
from motion_seg_ros.masks.fusion.image_evidence import ImageEvidence, matched, textured
from motion_seg_ros.masks.fusion.smoothing import EdgeAwareFilter
from motion_seg_ros.types import Frame, UInt8Array
from motion_seg_ros.window import SlidingWindow

FULL = (240, 320)
PAN_PX = 2  # per frame, of the working images
CORE = cv2.erode(DISC.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
FAR = cv2.dilate(DISC.astype(np.uint8), np.ones((25, 25), np.uint8)) == 0


def panned(count: int) -> WindowGeometry:
    """The geometry of a camera that pans past a plane, over `count` frames."""
    camera = Camera.guessed(FULL)
    ages = np.arange(count - 1, -1, -1)
    linear = np.tile(np.eye(3), (count, 1, 1))
    linear[:, 0, 2] = 2 * PAN_PX * ages / camera.focal_px
    spread = np.where(ages > 0, 1e-4, np.nan)
    none = np.zeros(0)
    bend = np.zeros((count, 2, 6))
    flat = Motion(linear, np.zeros((count, 3)), bend, spread, np.zeros((count, 0, 2)), none)
    return WindowGeometry(camera, Mode.HOMOGRAPHY, None, flat, None, none, none, none, none, none)


def evidence_at_end(images: list[UInt8Array], *, known: bool = True) -> MotionEvidence:
    window, flow = SlidingWindow(8, 10.0, 0.0), DenseFlow(max(SIZE))
    evidence = FlowEvidence()
    for index, image in enumerate(images):
        full = image.repeat(2, axis=0).repeat(2, axis=1)
        view = window.push(Frame(full, index * 10**7))
        geometry = panned(index + 1)
        if not known:
            geometry = WindowGeometry.unknown(geometry.camera, 0, "nothing seen")
        seen = ImageEvidence.of(view, flow)
        found = evidence.update(seen, geometry, np.ones(SIZE, np.float32))
    return found


def pan_with_disc(count: int, step_px: int) -> list[UInt8Array]:
    """Views of a camera that pans; a disc ends at DISC, moving by `step_px` in each image."""
    ground, paint = texture(2, (SIZE[0], SIZE[1] + 60)), texture(5) // 2
    images = []
    for index in range(count):
        image = ground[:, PAN_PX * index : PAN_PX * index + SIZE[1]].copy()
        shift = (count - 1 - index) * step_px
        disc = np.roll(DISC, shift, axis=1)
        image[disc] = np.roll(paint, shift, axis=1)[disc]
        images.append(image)
    return images


def test_a_disc_disagrees_with_the_camera_s_motion() -> None:
    found = evidence_at_end(pan_with_disc(6, -3))
    assert np.mean(found.flow[CORE]) > 0.5
    assert np.mean(found.flow[FAR]) < -1.5
    assert np.mean(found.photometry[CORE]) > 0.3
    core, far = CORE[::2, ::2], FAR[::2, ::2]
    np.testing.assert_allclose(np.median(found.residual_px[core], axis=0), (-5, 0), atol=0.2)
    assert np.median(np.abs(found.residual_px[far])) < 0.1
    assert np.median(found.log_disagreement[core]) > np.log(8)


def test_a_disc_that_stands_still_in_the_world_agrees() -> None:
    found = evidence_at_end(pan_with_disc(6, PAN_PX))
    assert found.flow[10:-10, 10:-20].max() < 0


@pytest.mark.parametrize("count", [1, 4])
def test_where_nothing_is_known_nothing_is_said(count: int) -> None:
    found = evidence_at_end(pan_with_disc(count, 3), known=count == 1)
    for name, each in vars(found).items():
        assert not np.any(each), name


def test_noise_of_the_flow_is_no_motion() -> None:
    noise = np.abs(np.random.default_rng(0).normal(0, 1, SIZE)).astype(np.float32)
    trust = np.ones(SIZE, np.float32)
    assert flow_log_odds(noise, trust, EdgeAwareFilter(texture(0), 100, 10)).max() < 0


def test_flow_is_not_trusted_in_flat_areas_and_where_it_does_not_lead_back() -> None:
    gray = np.ascontiguousarray(texture(0)[..., 1])
    gray[:, :60] = 100
    there = np.tile(np.float32([2, 0]), (*SIZE, 1))
    back = -there
    back[DISC] += 5
    trust = textured(gray) * matched(there, back, GRID)
    assert trust[20:100, 10:50].max() < 0.05
    assert trust[50:70, 80:98].max() < 0.1
    assert np.median(trust[20:100, 120:150]) > 0.5
