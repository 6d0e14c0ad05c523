"""Changes of a face motion that leave the rest of it as it is, bit for bit."""
