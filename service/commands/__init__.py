"""The commands of `cvae`, one a module. What is slow to import, each imports when it runs."""
