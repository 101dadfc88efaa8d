"""Writing files of each format."""
