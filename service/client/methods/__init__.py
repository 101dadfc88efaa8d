"""The calls of the clients, each written out, so that an editor shows what it takes."""
