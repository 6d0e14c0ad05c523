"""A face that speaks while the sound arrives: sources of sound, the session, and where its frames go."""
