"""The formats that pictures are written in; one module each."""
