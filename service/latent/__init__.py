"""The mathematics of latent space: points, paths, samples, losses."""
