"""The command `cvae`, a module for each command. What is slow to import, each imports when it runs."""
