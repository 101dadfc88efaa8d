"""The playground: a page at `/` that shows and steers the latent space through the public API."""
