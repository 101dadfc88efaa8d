"""What is shown of bundles: pages, tables, and folders for other programs."""
