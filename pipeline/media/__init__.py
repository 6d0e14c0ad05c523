"""Media: sound, pictures and encoders."""
