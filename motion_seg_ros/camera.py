"""A camera's intrinsics: pixels to directions and back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Float64Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Camera:
    """Intrinsics of a pinhole camera.

    Attributes:
        size: h, w of the images that the pixels are of.
        matrix: (3, 3) float64 in pixels, focal lengths above 0; read-only.

    Raises:
        ValueError: the matrix is not as above.
    """

    size: tuple[int, int]
    matrix: Float64Array

    def __post_init__(self) -> None:
        matrix = self.matrix.view()
        if matrix.shape != (3, 3) or matrix.dtype != np.float64:
            raise ValueError(
                f"camera matrix: expected (3, 3) float64, found {matrix.shape} {matrix.dtype}"
            )
        if not np.isfinite(matrix).all() or matrix[0, 0] <= 0 or matrix[1, 1] <= 0:
            raise ValueError(
                "camera matrix: expected finite numbers with focal lengths > 0, found "
                f"{matrix.tolist()}"
            )
        matrix.flags.writeable = False
        object.__setattr__(self, "matrix", matrix)

    @classmethod
    def guessed(cls, size: tuple[int, int]) -> Camera:
        """Return the camera assumed without a calibration: the longer side as focal length, the
        principal point in the middle."""
        height, width = size
        focal = float(max(size))
        matrix = np.array([[focal, 0, (width - 1) / 2], [0, focal, (height - 1) / 2], [0, 0, 1]])
        return cls(size, matrix)

    @property
    def focal_px(self) -> float:
        """Geometric mean of the focal lengths, in pixels."""
        return float(np.sqrt(self.matrix[0, 0] * self.matrix[1, 1]))

    def normalised(self, xy_px: npt.NDArray[np.floating]) -> Float64Array:
        """Return x/z, y/z (..., 2) of the directions of pixels (..., 2)."""
        focal, centre = self.matrix[[0, 1], [0, 1]], self.matrix[:2, 2]
        return (np.asarray(xy_px, np.float64) - centre) / focal

    def pixels(self, xy: npt.NDArray[np.floating]) -> Float64Array:
        """Return the pixels (..., 2) of directions x/z, y/z (..., 2)."""
        focal, centre = self.matrix[[0, 1], [0, 1]], self.matrix[:2, 2]
        return np.asarray(xy, np.float64) * focal + centre
