"""What makes and judges the product; nothing that a running node needs."""
