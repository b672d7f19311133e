"""Networks of the SAM 2 family on the CPU, and what the library itself says with them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tiny_sam2
import torch
import transformers
from segmenter_runs import SIZE, Said, Script, pixels

from motion_seg_ros.masks.sam2.network import Sam2Network
from motion_seg_ros.types import Frame

KEPT = 24  # frames


def make_network(
    folder: Path,
    *,
    dtype: str = "auto",
    image_side: int | None = None,
    memories: int = 7,
    pointers: int = 16,
    clicked: int = 4,
) -> Sam2Network:
    """The network in a folder, with as much memory as it was trained with."""
    return Sam2Network(
        folder,
        device="cpu",
        dtype=dtype,
        image_side=image_side,
        memories=memories,
        pointers=pointers,
        clicked=clicked,
    )


def library(
    folder: Path, frames: Sequence[Frame], script: Script, side: int = tiny_sam2.SIDE
) -> Said:
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
