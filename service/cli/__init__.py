"""The command `cvae`: one module per command; slow imports are inside the functions that need them."""
