"""Where bundles lie: a wheel has one in this folder, which a checkout has in `models/`."""
