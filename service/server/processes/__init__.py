"""What passes between several workers and their parent, and the reloads that either may ask for."""
