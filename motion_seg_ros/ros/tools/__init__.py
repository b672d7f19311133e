"""Demo camera, viewer, bag player and recorder."""
