"""Labels of tracks: moving in the world or static."""
