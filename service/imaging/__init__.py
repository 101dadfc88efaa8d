"""Images: uploads to pixels, and pixels to files."""
