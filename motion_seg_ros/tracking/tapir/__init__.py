"""BootsTAPIR, windowed and cached."""
