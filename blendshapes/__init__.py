"""What the face does: audio and an emotion become motion."""

from .emotion import EMOTIONS, EmotionMix, EmotionTrack, FromVoice, Mood, parse_emotion, read_emotion_track
from .score import Score
from .speech.encoder import SpeechEncoder
from .talking_head import TalkingHead

__all__ = [
    "EMOTIONS",
    "EmotionMix",
    "EmotionTrack",
    "FromVoice",
    "Mood",
    "Score",
    "SpeechEncoder",
    "TalkingHead",
    "parse_emotion",
    "read_emotion_track",
]
