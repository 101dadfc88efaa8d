"""The parts of the settings: groups of them, how their values are read, and which names are known."""
