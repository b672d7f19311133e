"""Renderer of the frames of a scene, with ground truth for every pixel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from motion_seg_ros.camera import Camera
from motion_seg_ros.lab.synthetic.atlas import TextureAtlas
from motion_seg_ros.lab.synthetic.geometry import SKY, Hits, SceneGeometry, SceneView
from motion_seg_ros.lab.synthetic.scene import Scene
from motion_seg_ros.lab.synthetic.smear import smeared
from motion_seg_ros.lab.synthetic.smoke import dappled, under_smoke
from motion_seg_ros.lab.synthetic.trajectory import Array
from motion_seg_ros.types import Frame

# Sub-pixel positions that colour an edge pixel: a rotated grid.
_EDGE_SAMPLES = np.array([[-0.125, -0.375], [0.375, -0.125], [0.125, 0.375], [-0.375, 0.125]])
# Moments, in shares of the exposure time about its middle, whose images are averaged.
_EXPOSURE_SAMPLES = (-0.375, -0.125, 0.125, 0.375)
# Between the geometric mean of a slanted footprint's axes (0.5, aliases) and the long one (1,
# blurs); set by hand.
_SLANT_EXPONENT = 0.7


@dataclass(frozen=True, eq=False)
class RenderedFrame:
    """One image and its ground truth at pixel centres; the top-left pixel's centre is (0, 0).

    Attributes:
        index: of the frame in the clip.
        stamp_ns: its time in nanoseconds; the clip starts at 0.
        image_bgr: (H, W, 3) uint8.
        instances: (H, W) uint16, 0 = static world and sky, k = mover k, moving or not.
        moving: (H, W) bool, pixels of movers displaced in the world by more than 0.1 mm since the
            frame before or until the frame after.
        depth_m: (H, W) float32 metres along the optical axis; infinite in the sky.
        intrinsics: (3, 3) float64 pixels.
        world_to_camera: (4, 4) float64.
    """

    index: int
    stamp_ns: int
    image_bgr: npt.NDArray[np.uint8]
    instances: npt.NDArray[np.uint16]
    moving: npt.NDArray[np.bool_]
    depth_m: npt.NDArray[np.float32]
    intrinsics: npt.NDArray[np.float64]
    world_to_camera: npt.NDArray[np.float64]

    @property
    def frame(self) -> Frame:
        """The image, its time and its calibrated camera, as the pipeline takes them."""
        height, width = self.image_bgr.shape[:2]
        camera = Camera((height, width), self.intrinsics)
        return Frame(self.image_bgr, self.stamp_ns, camera=camera)


class Renderer:
    """Renders the frames of a scene in any order; iterating gives all of them in turn.

    Attributes:
        scene: the scene.
        geometry: its surfaces, which a GroundTruth may share.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.geometry = SceneGeometry(scene)
        pieces = self.geometry.pieces
        textures = list(dict.fromkeys([piece.material.texture for piece in pieces] + [scene.sky]))
        self._atlas = TextureAtlas(textures)
        count = len(pieces) + 1  # the sky comes last, where index SKY = -1 finds it
        self._texture = np.full(count, textures.index(scene.sky), np.intp)
        self._tiles = np.ones((count, 2), np.float32)
        self._texels_per_m = np.ones(count)
        self._reflectance = np.zeros(count, np.float32)
        for index, piece in enumerate(pieces):
            material, extent = piece.material, np.array(piece.extent_m)
            self._texture[index] = textures.index(material.texture)
            if material.tile_m is not None:
                # Whole tiles close round surfaces without a seam.
                tiles = extent / material.tile_m
                self._tiles[index] = np.maximum(1, np.rint(tiles)) if piece.closed else tiles
            density = material.texture.size_px * self._tiles[index] / extent
            self._texels_per_m[index] = float(np.sqrt(density.prod()))
            self._reflectance[index] = material.reflectance
        self._stirred = [
            (index, piece.material.stir)
            for index, piece in enumerate(pieces)
            if piece.material.stir is not None
        ]

    def __len__(self) -> int:
        return self.scene.frames

    def __iter__(self) -> Iterator[RenderedFrame]:
        return (self.render(index) for index in range(self.scene.frames))

    def render(self, index: int) -> RenderedFrame:
        """Render one frame.

        Raises:
            InputError: the clip has no such frame.
        """
        scene, camera = self.scene, self.scene.camera
        time_s = scene.time_s(index)
        view = self.geometry.view(time_s)
        hits = view.cast_grid(camera.width, camera.height)
        image = self._expose(time_s, view, hits)
        if scene.nuisances.smear_s > 0:
            image = smeared(image, self.geometry, hits, time_s, scene.nuisances.smear_s)
        instances = self.geometry.instance_of(hits.piece)
        moving = np.isin(instances, sorted(self.geometry.moving_instances(index)))
        with np.errstate(divide="ignore"):
            depth = np.asarray(1 / hits.inverse_depth, np.float32)
        return RenderedFrame(
            index,
            round(time_s * 1e9),
            self._degrade(image, index),
            instances,
            moving,
            depth,
            view.intrinsics,
            view.world_to_camera,
        )

    def _expose(self, time_s: float, view: SceneView, hits: Hits) -> npt.NDArray[np.float32]:
        """Average the colours (H, W, 3) float32 over the exposure around a time."""
        shutter_s, camera = self.scene.nuisances.shutter_s, self.scene.camera
        if shutter_s <= 0:
            return self._picture(view, hits)
        total = np.zeros((camera.height, camera.width, 3), np.float32)
        for share in _EXPOSURE_SAMPLES:
            moment = self.geometry.view(time_s + share * shutter_s)
            total += self._picture(moment, moment.cast_grid(camera.width, camera.height))
        return np.asarray(total / len(_EXPOSURE_SAMPLES), np.float32)

    def _picture(self, view: SceneView, hits: Hits) -> npt.NDArray[np.float32]:
        """Colour a grid of pixels, (H, W, 3) float32, with reflections."""
        image = self._colour(view, hits)
        reflectance = self._reflectance[hits.piece]
        if reflectance.any():
            mirrored = self.geometry.mirrored(view.time_s)
            there = mirrored.cast_grid(*hits.piece.shape[::-1])
            reflection = self._wobbling(self._colour(mirrored, there), view.time_s, hits)
            image = np.asarray(image + reflectance[..., None] * (reflection - image))
        return under_smoke(image, self.scene.smoke, view, hits) if self.scene.smoke else image

    def _wobbling(
        self, reflection: npt.NDArray[np.float32], time_s: float, hits: Hits
    ) -> npt.NDArray[np.float32]:
        """Shift the reflection in stirred surfaces by their waves."""
        for index, stir in self._stirred:
            own = hits.piece == index
            if stir.wobble_px > 0 and own.any():
                tiles = self._tiles[index]
                waves = stir.shift(hits.u * tiles[0], hits.v * tiles[1], time_s)
                height, width = own.shape
                x = np.arange(width)[None, :] + 0.4 * stir.wobble_px * waves[0]
                y = np.arange(height)[:, None] + stir.wobble_px * waves[1]
                moved = cv2.remap(
                    reflection,
                    x.astype(np.float32),
                    y.astype(np.float32),
                    cv2.INTER_LINEAR,
                    borderMode=cv2.BORDER_REFLECT,
                )
                reflection = np.where(own[..., None], moved, reflection)
        return reflection

    def _colour(self, view: SceneView, hits: Hits) -> npt.NDArray[np.float32]:
        """Colour a grid of pixels, (H, W, 3) float32, antialiased along edges."""
        height, width = hits.piece.shape
        columns = np.arange(width, dtype=np.float64)[None, :]
        rows = np.arange(height, dtype=np.float64)[:, None]
        image = self._shade(view, hits, columns, rows)
        edge_y, edge_x = np.nonzero(_edges(hits.piece))
        if len(edge_x):
            centres = np.stack([edge_x, edge_y], axis=1)
            points = (centres[:, None, :] + _EDGE_SAMPLES).reshape(-1, 2)
            samples = self._shade(view, view.cast_points(points), points[:, 0], points[:, 1])
            image[edge_y, edge_x] = samples.reshape(-1, len(_EDGE_SAMPLES), 3).mean(axis=1)
        return image

    def _shade(self, view: SceneView, hits: Hits, x: Array, y: Array) -> npt.NDArray[np.float32]:
        """Colour the hits of pixel rays, float32 in their shape and (3,)."""
        piece = hits.piece
        level = self._level_tables(view)
        with np.errstate(divide="ignore", invalid="ignore"):
            footprint = level[0][piece] - level[1][piece] * np.log2(hits.inverse_depth)
        u, v = hits.u * self._tiles[:, 0][piece], hits.v * self._tiles[:, 1][piece]
        for index, stir in self._stirred:
            own = piece == index
            if own.any():
                u[own], v[own] = stir.moved(u[own], v[own], view.time_s)
        sky = piece == SKY
        if sky.any():
            x_sky, y_sky = (np.broadcast_to(axis, piece.shape)[sky] for axis in (x, y))
            u[sky], v[sky] = _panorama(view, x_sky, y_sky, self.scene.sky.size_px)
            footprint[sky] = 0
        colours = self._atlas.look_up(self._texture[piece], u, v, footprint)
        light = hits.shade
        if self.scene.light.dapple is not None:
            light = light * dappled(self.scene.light.dapple, view, x, y, hits)
        return np.asarray(colours * light[..., None], np.float32)

    def _level_tables(self, view: SceneView) -> npt.NDArray[np.float32]:
        """Return a, b (2, pieces + 1) of each piece's level of detail a - b log2(inverse depth)."""
        tables = np.zeros((2, len(self._texture)), np.float32)
        tables[0, :SKY] = np.log2(self._texels_per_m[:SKY] / view.intrinsics[0, 0])
        tables[1, :SKY] = 1
        for index, piece in view.observed:
            if piece.distance_m is not None:
                tables[0, index] -= _SLANT_EXPONENT * np.log2(piece.distance_m)
                tables[1, index] += _SLANT_EXPONENT
        return tables

    def _degrade(self, image: npt.NDArray[np.float32], index: int) -> npt.NDArray[np.uint8]:
        """Apply the camera's imperfections to an image, repeatably."""
        nuisances = self.scene.nuisances
        if nuisances.gain is not None:
            image = image * np.float32(nuisances.gain(self.scene.time_s(index))[0])
        rng = np.random.default_rng([self.scene.seed, index])
        if nuisances.flicker > 0:
            image = image * np.float32(1 + nuisances.flicker * rng.standard_normal())
        if nuisances.noise_sigma > 0:
            noise = rng.standard_normal(image.shape, np.float32)
            image = image + np.float32(nuisances.noise_sigma) * noise
        levels = np.clip(np.rint(image), 0, 255).astype(np.uint8)
        if nuisances.jpeg_quality is None:
            return levels
        _, file = cv2.imencode(".jpg", levels, [cv2.IMWRITE_JPEG_QUALITY, nuisances.jpeg_quality])
        return np.asarray(cv2.imdecode(file, cv2.IMREAD_COLOR), np.uint8)


def _edges(piece: npt.NDArray[np.int16]) -> npt.NDArray[np.bool_]:
    """Return the pixels (H, W) beside a pixel, in 4 directions, of another piece."""
    edges = np.zeros(piece.shape, bool)
    across, down = piece[:, 1:] != piece[:, :-1], piece[1:] != piece[:-1]
    edges[:, 1:] |= across
    edges[:, :-1] |= across
    edges[1:] |= down
    edges[:-1] |= down
    return edges


def _panorama(view: SceneView, x: Array, y: Array, size_px: int) -> tuple[Array, Array]:
    """Return texture coordinates in the sky's panorama for pixels (N,)."""
    rays = np.linalg.inv(view.intrinsics) @ np.stack([x, y, np.ones_like(x)]).astype(np.float64)
    if view.turned is None:
        right, down, forward = view.world_to_camera[:3, :3].T @ rays
    else:
        share = np.clip((y + 0.5) / (2 * view.intrinsics[1, 2] + 1), 0, 1)
        first, last = (turned.T @ rays for turned in view.turned)
        right, down, forward = first + share * (last - first)
    azimuth = np.arctan2(right, forward) / (2 * np.pi)
    elevation = np.arctan2(-down, np.hypot(right, forward)) / (np.pi / 2)
    # Half a texel from the edges, lest the zenith show at the horizon.
    return azimuth, np.clip(1 - elevation, 1 / size_px, 1 - 1 / size_px)
