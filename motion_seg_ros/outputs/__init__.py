"""Pictures made from results: overlay, static image, palette."""
