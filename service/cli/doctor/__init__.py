"""`cvae doctor`: checks of this machine and of bundles, and their report."""
