"""Whether a calibration can be used."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from motion_seg_ros.ros.calibration import Calibration

K = (525.0, 0.0, 319.5, 0.0, 520.0, 239.5, 0.0, 0.0, 1.0)


def info(k: Any = K, size: tuple[int, int] = (480, 640)) -> Any:
    return SimpleNamespace(height=size[0], width=size[1], k=np.array(k))


def test_one_that_fits() -> None:
    found = Calibration.of(info(), (480, 640))
    assert found is not None
    assert str(found) == "fits the images, focal length 525.0 px"
    assert found.camera is not None
    np.testing.assert_array_equal(
        found.camera.matrix, [[525, 0, 319.5], [0, 520, 239.5], [0, 0, 1]]
    )
    assert Calibration.of(None, (480, 640)) is None


@pytest.mark.parametrize(
    ("message", "said", "blank"),
    [
        (info(size=(720, 1280)), "for 1280x720, the images are 640x480", False),
        (info([0] * 9), "all zeros: the camera is not calibrated", True),
        (
            info([-1, *K[1:]]),
            "without valid intrinsics: K is -1, 0, 319.5, 0, 520, 239.5, 0, 0, 1",
            False,
        ),
        (
            info([*K[:8], float("nan")]),
            "without valid intrinsics: K is 525, 0, 319.5, 0, 520, 239.5, 0, 0, nan",
            False,
        ),
    ],
)
def test_those_that_cannot_be_used(message: Any, said: str, blank: bool) -> None:
    found = Calibration.of(message, (480, 640))
    assert found is not None
    assert str(found) == f"not used: {said}"
    assert found.camera is None
    assert found.is_blank == blank
