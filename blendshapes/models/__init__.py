"""Motion models: what is asked, over time, becomes what a face does."""
