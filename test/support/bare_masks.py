"""Program: masks of a clip by the default pipeline, where some packages cannot be imported.

python bare_masks.py CLIP.npz MASKS.npz PACKAGE...: CLIP has images (N, h, w, 3) uint8; MASKS gets
ids (N, h, w) uint16 and tracks, the number of tracks that were labelled moving in each frame.
"""

from __future__ import annotations

import sys

import numpy as np


def main() -> None:
    given, found, *blocked = sys.argv[1:]
    for name in blocked:
        sys.modules[name] = None  # type: ignore[assignment]
    from motion_seg_ros.build import build
    from motion_seg_ros.plan import resolve
    from motion_seg_ros.settings.pipeline import make_config
    from motion_seg_ros.types import Frame

    segmenter = build(resolve(make_config({"profile": "lite"}), live=True))
    images = np.load(given)["images"]
    results = [segmenter.push(Frame(image, 66 * 10**6 * n)) for n, image in enumerate(images)]
    moving = [int(np.count_nonzero(each.labels.moving)) for each in results]
    np.savez(found, ids=[each.masks.id_map for each in results], moving=moving)


if __name__ == "__main__":
    main()
