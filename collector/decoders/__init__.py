"""Decoders: bytes to columns of text, one module per format, none knows a publisher."""
