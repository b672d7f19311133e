"""The track transformer: tokens, layers, checkpoints."""
