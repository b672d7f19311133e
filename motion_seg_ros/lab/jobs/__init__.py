"""Many inputs, on many cores or a cluster."""
