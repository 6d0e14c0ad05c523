"""What singing makes of an articulation: properties on made-up songs."""

from dataclasses import replace

import numpy as np
import pytest

from emosplat.blendshapes.singing.articulation import INHALED, OPEN, sung
from emosplat.blendshapes.singing.notes import Note
from emosplat.blendshapes.singing.song import Song
from emosplat.blendshapes.speech.encoder import AXES, RATE, Articulation
from emosplat.blendshapes.speech.excerpt import OPENING
from emosplat.blendshapes.speech.phones import INDEX, PHONES, SILENCE, Segment

JAW, CLOSE = AXES.index("jaw"), AXES.index("close")
SECONDS = 6
N = SECONDS * RATE + 1
TIMES = np.arange(N) / RATE
BEGIN, END = 2.0, 5.0  # seconds of one note on AA
INSIDE = (TIMES > BEGIN + 0.3) & (TIMES < END - 0.3)


def made(pitch: float = 60.0, *, vibrato: float = 0.0, sung: float = 1.0, dark: float | None = None) -> Song:
    """One long note; at `dark` seconds the sound loses its brightness for 60 ms."""
    voice = ((TIMES >= BEGIN) & (TIMES < END)).astype(float)
    bright = np.where(voice > 0, -20.0, -60.0)
    if dark is not None:
        bright[np.abs(TIMES - dark) < 0.03] = -40
    curve = pitch + vibrato * np.sin(2 * np.pi * 6 * TIMES)
    return Song(curve, voice, bright, (Note(BEGIN, END, pitch),), np.full(N, sung))


def heard(song: Song, *, seen_for: float = 0.4) -> tuple[Articulation, np.ndarray]:
    """What the encoder makes of it: the vowel is seen at the note's beginning, and then taken for silence."""
    seen = np.clip(1 - (TIMES - BEGIN - seen_for) / 0.4, 0.05, 1) * song.voice
    axes = np.zeros((N, len(AXES)), np.float32)
    axes[:, OPENING] = (0.6 * seen)[:, None]
    sounds = np.zeros((N, len(PHONES)), np.float32)
    sounds[:, INDEX["AA"]], sounds[:, INDEX[SILENCE]] = seen, 1 - seen
    level = np.where(song.voice > 0, -4.0, -60.0).astype(np.float32)
    return Articulation(axes, song.voice.astype(np.float32), level), sounds


def test_a_held_vowel_stays_open_as_it_began():
    song = made()
    spoken, sounds = heard(song)
    held = sung(spoken, song, sounds)
    assert spoken.axes[INSIDE, JAW].min() < 0.1
    assert held.axes[INSIDE, JAW].min() >= 0.6 * spoken.axes[:, JAW].max()
    assert np.abs(np.diff(held.axes[INSIDE, JAW])).max() < 0.02


def test_whatever_is_heard_the_mouth_of_a_held_vowel_is_not_shut():
    song = made()
    spoken, sounds = heard(song)
    shut = replace(spoken, axes=np.zeros_like(spoken.axes))
    assert (sung(shut, song, sounds).axes[INSIDE][:, OPENING] >= 0.8 * np.array(OPEN)).all()


def test_where_nobody_sings_nothing_changes():
    song = made(sung=0.0)
    spoken, sounds = heard(song)
    assert sung(spoken, song, sounds).axes == pytest.approx(spoken.axes, abs=1e-6)


def test_higher_is_wider():
    low, usual = made(55.0), made(60.0)
    mixed = replace(usual, pitch=np.where(TIMES < 3.5, 55.0, 67.0))
    spoken, sounds = heard(low, seen_for=9)
    axes = sung(spoken, mixed, sounds).axes
    assert axes[(TIMES > 4) & (TIMES < 4.6), JAW].mean() > 1.1 * axes[(TIMES > 2.5) & (TIMES < 3), JAW].mean()


def test_a_soprano_has_to_open_the_jaw():
    song = made(84.0)  # 1047 Hz
    spoken, sounds = heard(song)
    assert sung(spoken, song, sounds).axes[INSIDE, JAW].min() > 0.6


def test_vibrato_is_seen_in_moderation():
    straight, trembling = made(), made(vibrato=0.6)
    axes = [sung(*heard(song)[:1], song, heard(song)[1]).axes[INSIDE, JAW] for song in (straight, trembling)]
    assert np.ptp(axes[0]) < np.ptp(axes[1])
    assert 0.01 < axes[1].std() < 0.05


@pytest.mark.parametrize(("dark", "closed"), [(3.5, True), (None, False)])
def test_lips_close_in_a_note_only_where_the_sound_darkens(dark, closed):
    song = made(dark=dark)
    spoken, sounds = heard(song)
    spoken.axes[np.abs(TIMES - 3.5) < 0.04, CLOSE] = 1
    found = sung(spoken, song, sounds).axes[:, CLOSE]
    assert (found.max() > 0.9) == closed


def test_words_have_the_say_about_contacts():
    song = made()
    spoken, sounds = heard(song)
    spoken.axes[np.abs(TIMES - 3.5) < 0.04, CLOSE] = 1
    phones = (Segment(BEGIN, 3.45, "AA"), Segment(3.45, 3.55, "M"), Segment(3.55, END, "AA"))
    assert sung(spoken, song, sounds, phones=phones).axes[:, CLOSE].max() == 1


def test_breath_before_the_phrase():
    song = made()
    spoken, sounds = heard(song)
    found = sung(spoken, song, sounds)
    before = (TIMES > BEGIN - 0.15) & (TIMES < BEGIN)
    early = TIMES < BEGIN - 0.8
    assert (found.axes[before][:, OPENING] >= 0.9 * np.array(INHALED)).all()
    assert found.speech[before].min() == 1
    assert (found.axes[early] == 0).all()
    assert found.speech[early].max() == 0


def test_a_song_of_other_length_fits():
    song = made()
    spoken, sounds = heard(song)
    cut = Articulation(spoken.axes[:-40], spoken.speech[:-40], spoken.level[:-40])
    assert len(sung(cut, song, sounds[:-40])) == N - 40
    after = (0, 9)
    longer = Articulation(
        np.pad(spoken.axes, (after, (0, 0))), np.pad(spoken.speech, after), np.pad(spoken.level, after)
    )
    assert len(sung(longer, song, sounds)) == N + 9


@pytest.mark.parametrize("frames", [1, 5, 11, 40])
def test_short_clips_are_sung_as_well(frames):
    song = made(70.0)
    spoken, sounds = heard(song)
    first = round(BEGIN * RATE) + 20
    inside = slice(first, first + frames)
    part = replace(song, pitch=song.pitch[inside], voice=song.voice[inside], bright=song.bright[inside])
    cut = Articulation(spoken.axes[inside], spoken.speech[inside], spoken.level[inside])
    axes = sung(cut, replace(part, sung=song.sung[inside]), sounds[inside]).axes
    assert axes.shape == (frames, len(AXES))


def test_a_clip_that_begins_and_ends_in_a_note_is_as_open_there_as_within():
    song = replace(made(65.0), voice=np.ones(N), bright=np.full(N, -20.0))
    sounds = np.zeros((N, len(PHONES)), np.float32)
    sounds[:, INDEX["AA"]] = 1
    steady = Articulation(np.full((N, len(AXES)), 0.5, np.float32), np.ones(N, np.float32), np.full(N, -9, np.float32))
    jaw = sung(steady, replace(song, pitch=np.where(TIMES < 3, 65.0, 70.0)), sounds).axes[:, JAW]
    assert jaw[:50] == pytest.approx(jaw[50], abs=1e-4)
    assert jaw[-50:] == pytest.approx(jaw[-51], abs=1e-4)


def test_the_mouth_does_not_jump_where_a_held_vowel_begins_and_ends():
    song = made()
    spoken, sounds = heard(song, seen_for=9)
    slow = np.clip(np.minimum(TIMES - BEGIN, END - TIMES) / 0.3, 0, 1)  # how speech opens for it
    axes = np.repeat((0.1 + 0.6 * slow)[:, None], len(AXES), axis=1).astype(np.float32)
    jaw = sung(replace(spoken, axes=axes), song, sounds).axes[:, JAW]
    assert np.abs(np.diff(jaw)[(TIMES[1:] > BEGIN - 0.1)]).max() < 0.15
    assert np.abs(np.diff(jaw, 2)[(TIMES[2:] > BEGIN - 0.1)]).max() < 0.1
