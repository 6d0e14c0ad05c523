"""Work on avatars: checks, portraits, fitting, import and conversion."""
