"""Speech: features, phones, transcripts, prosody, and the encoders that turn sound into articulation."""
