"""Images, videos and bags in; masks, videos and bags out."""
