"""Builds the built-in head and people from MakeHuman's CC0 data; needed only to change them (see ../README.md)."""
