"""Dense optical flow and working images."""
