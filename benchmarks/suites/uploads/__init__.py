"""How many digits the service reads right on uploads as people make them, condition by condition."""
