"""SAM 2 and EdgeTAM as streaming segmenters."""
