"""How a clip becomes files: read audio, stream frames, encode, mux."""
