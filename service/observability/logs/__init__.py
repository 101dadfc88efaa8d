"""The lines of the log: how they look, who writes them, and which requests have one."""
