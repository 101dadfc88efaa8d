"""What every folder of the service may import: settings, errors, JSON, names. It imports no other folder."""
