"""A small seeded renderer of textured 3-D scenes with exact ground truth, on the CPU.

`scene` describes, `scenes` and `demo` hold ready-made scenes, `renderer.Renderer` makes pictures
with their masks and depth, `truth.Truth` follows points exactly from any frame to any other.
"""
