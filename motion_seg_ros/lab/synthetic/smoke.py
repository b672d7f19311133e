"""Smoke, and shadows of things that are not in the scene: soft, drifting, and no part of the
ground truth."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from motion_seg_ros.lab.synthetic.geometry import Hits, SceneView
from motion_seg_ros.lab.synthetic.scene import Dapple, Puff
from motion_seg_ros.lab.synthetic.surfaces import NEAR_M
from motion_seg_ros.lab.synthetic.textures import fractal_noise
from motion_seg_ros.lab.synthetic.trajectory import Array

_NOISE_PX = 128
_LOOKUP_WIDTH_PX = 1024  # cv2.remap takes images under 32767 pixels a side
_TURNS_HZ = 0.08  # of the pattern within a cloud; set by hand
_RAGGED = 0.9  # how far the pattern eats into a cloud from its rim; set by hand

FloatImage = npt.NDArray[np.float32]


def under_smoke(
    image: FloatImage, puffs: tuple[Puff, ...], view: SceneView, hits: Hits
) -> FloatImage:
    """Return an image (H, W, 3) of hits, behind the smoke before them."""
    image = image.copy()
    seen = [_Seen(puff, view) for puff in puffs]
    for each in sorted(seen, key=lambda one: -one.depth_m):
        each.cover(image, hits.inverse_depth)
    return image


def largest_cloud_px(puffs: tuple[Puff, ...], view: SceneView, width: int, height: int) -> float:
    """Return the radius of the largest cloud whose middle is in the image, in pixels; 0 if there
    is none."""
    seen = [each for each in (_Seen(puff, view) for puff in puffs) if each.depth_m > NEAR_M]
    inside = [each for each in seen if 0 <= each.x < width and 0 <= each.y < height]
    return max((each.radius_px for each in inside), default=0.0)


class _Seen:
    """A cloud through a camera."""

    def __init__(self, puff: Puff, view: SceneView) -> None:
        time_s = view.time_s
        centre = np.array(puff.centre_m) + np.array(puff.drift_m_s) * time_s
        at = view.world_to_camera[:3, :3] @ centre + view.world_to_camera[:3, 3]
        self.puff = puff
        self.depth_m = float(at[2])
        self.radius_m = max(1e-3, puff.radius_m + puff.growth_m_s * time_s)
        self.turn = 2 * np.pi * _TURNS_HZ * time_s
        if self.depth_m > NEAR_M:
            image = view.intrinsics @ at / at[2]
            self.x, self.y = float(image[0]), float(image[1])
            self.radius_px = float(view.intrinsics[0, 0]) * self.radius_m / self.depth_m

    def cover(self, image: FloatImage, inverse_depth: Array) -> None:
        """Cover what is behind the cloud, in place."""
        if self.depth_m <= NEAR_M or self.radius_px < 1:
            return
        height, width = image.shape[:2]
        box = np.array([self.x, self.y])[:, None] + self.radius_px * np.array([-1.0, 1.0])
        (x0, x1), (y0, y1) = np.clip(np.rint(box), 0, [[width], [height]]).astype(int)
        if x0 >= x1 or y0 >= y1:
            return
        x = (np.arange(x0, x1)[None, :] - self.x) / self.radius_px
        y = (np.arange(y0, y1)[:, None] - self.y) / self.radius_px
        inside = 1 - np.hypot(x, y)
        alpha = np.clip(2 * inside + _RAGGED * (self._pattern(x, y) - 0.6), 0, 1)
        part = (slice(y0, y1), slice(x0, x1))
        with np.errstate(divide="ignore"):
            behind = 1 / inverse_depth[part] - self.depth_m
        # A thing within the cloud is half behind it.
        alpha *= self.puff.opacity * np.clip(behind / self.radius_m + 0.5, 0, 1)
        alpha *= inside > 0
        colour = np.array(self.puff.colour_bgr, np.float32)
        image[part] += alpha[..., None].astype(np.float32) * (colour - image[part])

    def _pattern(self, x: Array, y: Array) -> FloatImage:
        """Return values of about 0 to 1 that turn with time, at points in radii."""
        noise = _noise(self.puff.seed)
        cos, sin = np.cos(self.turn), np.sin(self.turn)
        scale = 0.3 * _NOISE_PX
        u, v = (cos * x + sin * y) * scale, (cos * y - sin * x) * scale
        found = cv2.remap(
            noise,
            np.asarray(u + _NOISE_PX / 2, np.float32),
            np.asarray(v + _NOISE_PX / 2, np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_WRAP,
        )
        return np.asarray(0.5 + 0.8 * found, np.float32)


def dappled(dapple: Dapple, view: SceneView, x: Array, y: Array, hits: Hits) -> FloatImage:
    """Return the share of the light that gets through to the hits of pixel rays, in their shape.

    Args:
        dapple: the shadows.
        view: the camera's.
        x, y: of the pixels; they broadcast.
        hits: of their rays.
    """
    camera_to_world = view.world_to_camera[:3, :3].T
    eye = -camera_to_world @ view.world_to_camera[:3, 3]
    rays = camera_to_world @ np.linalg.inv(view.intrinsics)
    with np.errstate(divide="ignore", invalid="ignore"):
        across, up, away = (
            place + ((row[0] * x + row[2]) + row[1] * y) / hits.inverse_depth
            for place, row in zip(eye, rays, strict=True)
        )
    time_s = view.time_s
    sway = dapple.sway_m * np.sin(2 * np.pi * dapple.sway_hz * time_s)
    with np.errstate(invalid="ignore"):  # in the sky
        # The light falls in at an angle, so that walls have shadows too.
        u = (across + 0.5 * up - dapple.drift_m_s[0] * time_s - sway) / dapple.tile_m
        v = (away + 0.5 * up - dapple.drift_m_s[1] * time_s) / dapple.tile_m
    shape = np.broadcast_shapes(u.shape, v.shape)
    u, v = (np.nan_to_num(np.broadcast_to(each, shape), posinf=0, neginf=0) for each in (u, v))
    found = _sampled(_noise(dapple.seed), u % 1, v % 1)
    dark = np.clip(0.5 + 1.6 * found, 0, 1) * np.float32(dapple.strength)
    return np.asarray(np.where(hits.inverse_depth > 0, 1 - dark, 1), np.float32)


def _sampled(noise: FloatImage, u: Array, v: Array) -> FloatImage:
    """Return values of a pattern that repeats, at points in tiles of any shape."""
    count = u.size
    points = np.zeros((2, -(-count // _LOOKUP_WIDTH_PX) * _LOOKUP_WIDTH_PX), np.float32)
    points[:, :count] = _NOISE_PX * np.stack([u.ravel(), v.ravel()])
    x, y = points.reshape(2, -1, _LOOKUP_WIDTH_PX)
    found = cv2.remap(noise, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    return np.asarray(found.ravel()[:count].reshape(u.shape), np.float32)


@lru_cache(maxsize=64)
def _noise(seed: int) -> FloatImage:
    """Return a smooth pattern that repeats, (_NOISE_PX, _NOISE_PX), -1 to 1."""
    return fractal_noise(_NOISE_PX, 4, 32, np.random.default_rng(seed), falloff=0.6)
