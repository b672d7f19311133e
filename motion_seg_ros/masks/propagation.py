"""Propagation of masks to a newer frame by coarse flow."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from motion_seg_ros.flow.lookup import pixel_grid, remap
from motion_seg_ros.flow.working_size import working_size
from motion_seg_ros.masks.ownership import ids_in
from motion_seg_ros.types import Frame, MovingObject, ObjectMasks, UInt8Array, UInt16Array

MAX_SIDE_PX = 160  # of the images that the flow is computed on; set by hand


class FlowPropagator:
    """Moves an id map along optical flow of small images."""

    def __init__(self) -> None:
        self._dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)

    def propagate(self, masks: ObjectMasks, from_frame: Frame, to_frame: Frame) -> ObjectMasks:
        """See motion_seg_ros.masks.base.MaskPropagator."""
        if not masks.objects or from_frame.size != to_frame.size:
            return ObjectMasks.empty(to_frame.size)
        size = working_size(to_frame.size, MAX_SIDE_PX)
        newer, older = _gray(to_frame, size), _gray(from_frame, size)
        no_motion = np.zeros((*size, 2), np.float32)
        flow = self._dis.calc(newer, older, no_motion)
        height, width = to_frame.size
        large = cv2.resize(flow, (width, height), interpolation=cv2.INTER_LINEAR)
        scale = np.array([width / size[1], height / size[0]], np.float32)
        place = np.asarray(pixel_grid(to_frame.size) + large * scale, np.float32)
        id_map = np.asarray(remap(masks.id_map, place, outside=0, nearest=True), np.uint16)
        present = {each.id: each for each in masks.objects}
        objects = [_moved(present[each], id_map) for each in ids_in(id_map) if each in present]
        return ObjectMasks(id_map, tuple(objects))


def _gray(frame: Frame, size: tuple[int, int]) -> UInt8Array:
    small = cv2.resize(frame.image_bgr, (size[1], size[0]), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.uint8)


def _moved(known: MovingObject, id_map: UInt16Array) -> MovingObject:
    """Return an object with the shape it has in `id_map`."""
    own = np.asarray(id_map == known.id, np.uint8)
    moments = cv2.moments(own, binaryImage=True)
    area = moments["m00"]
    x, y, width, height = cv2.boundingRect(own)
    return replace(
        known,
        box_xywh_px=(x, y, width, height),
        centroid_px=(moments["m10"] / area, moments["m01"] / area),
        area_px=int(area),
    )
