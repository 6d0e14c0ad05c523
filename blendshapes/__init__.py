"""What the face does: audio and an emotion become Motion."""

from .emotion import EMOTIONS, EmotionMix, EmotionTrack, FromVoice, parse_emotion, read_emotion_track
from .models.procedural import Direction, Performer
from .speech.encoder import SpeechEncoder

__all__ = [
    "EMOTIONS",
    "Direction",
    "EmotionMix",
    "EmotionTrack",
    "FromVoice",
    "Performer",
    "SpeechEncoder",
    "parse_emotion",
    "read_emotion_track",
]
