"""Training data made from nothing: random scenes, and the tracks of their points."""
