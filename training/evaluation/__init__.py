"""The figures and pictures of a model over a whole split."""
