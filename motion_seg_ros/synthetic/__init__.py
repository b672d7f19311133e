"""A small seeded renderer of textured 3-D scenes with exact ground truth, on the CPU."""
