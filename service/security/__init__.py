"""Let in whom the operator means: a guard that is asked about each request before anything of it is read."""
