"""Reading what clients send as PNG and JPEG, within bounds."""
