"""Small seeded renderer of textured 3-D scenes with exact ground truth, on the CPU.

`scene` describes, `scenes` and `demo` hold ready-made scenes, `renderer.Renderer` makes images
with their masks and depth, `truth.GroundTruth` follows points exactly between any two frames.
"""
