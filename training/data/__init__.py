"""The data sets: their files, their splits, and what a set of images says of itself."""
