"""What every part of the service needs. Imports nothing else of ours."""
