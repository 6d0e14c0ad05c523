"""The page that participants see."""
