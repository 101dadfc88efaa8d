"""Many runs: the recipes, searches over configs, and the bundles made again."""
