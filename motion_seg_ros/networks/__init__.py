"""Where and how networks run: devices, number types, memory, tensor files, images as networks take
them."""
