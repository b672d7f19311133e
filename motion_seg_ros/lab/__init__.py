"""The laboratory, which makes and judges the product; a running node needs none of it."""
