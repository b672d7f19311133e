"""What a live stream does in other threads: discovery in the background, masks while the next frame
is begun."""
