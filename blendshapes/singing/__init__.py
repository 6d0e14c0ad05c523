"""Songs: what is sung, on which notes, and what a face does meanwhile."""
