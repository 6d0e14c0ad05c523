"""Every action of the vocabulary does what it says, when it says so, and nothing else."""

import numpy as np
import pytest

from emosplat.blendshapes.face_motion import EMOTION, FaceMotion, join, region_of
from emosplat.blendshapes.score import Score, shaped
from emosplat.blendshapes.subtitles.actions import wish_of
from emosplat.blendshapes.subtitles.score import subtitle_cues, subtitle_notes
from emosplat.blendshapes.subtitles.vocabulary import PROTOTYPES, SYNONYMS, VOCABULARY
from emosplat.blendshapes.subtitles.webvtt import Subtitle, parse_subtitles, subtitle

FPS, START, END = 50.0, 1.0, 2.0
ALL = [(region, action) for region, actions in VOCABULARY.items() for action in actions]


def busy() -> FaceMotion:
    """A face that does a bit of everything."""
    motion = FaceMotion.rest(150, fps=FPS)
    names = [n for actions in VOCABULARY.values() for a in actions.values() for n in (*a.columns, *a.fades)]
    rng = np.random.default_rng(0)
    waves = {n: 0.1 + 0.05 * np.sin(np.arange(150) / 9 + rng.uniform(0, 6)) for n in dict.fromkeys(names)}
    return motion.with_columns(
        {n: w * (0.1 if n.startswith(("head", "gaze", "jawP")) else 1) for n, w in waves.items()}
    )


def played(*cues: Subtitle, motion: FaceMotion | None = None) -> FaceMotion:
    own = busy() if motion is None else motion
    return join(shaped([own], Score(fps=FPS, cues=subtitle_cues(cues))))


@pytest.mark.parametrize(("region", "name"), ALL)
def test_every_action_is_seen_in_its_place_and_time(region: str, name: str) -> None:
    action, before = VOCABULARY[region][name], busy()
    after = played(subtitle(START, END, f"{region}: {name} 0.9"))
    moved = {n for n in after.columns if np.abs(after.column(n) - before.column(n)).max() > 1e-9}
    assert moved <= {*action.columns, *action.fades}
    assert moved
    during = (after.times >= START) & (after.times <= END)
    for column, value in action.columns.items():
        change = after.column(column) - before.column(column)
        reached = after.column(column)[during] if action.mode == "to" else change[during]
        if action.way == "hold":
            least = np.maximum(0.9 * value, before.column(column)[during]) if action.mode == "least" else None
            wanted = least - before.column(column)[during] if least is not None else 0.9 * value
            assert reached == pytest.approx(wanted)
        else:
            assert reached.max() == pytest.approx(0.9 * value, rel=0.15)
        if action.way in ("nod", "shake"):
            assert change.min() < -0.7 * value
        outside = (after.times < START - 0.15 - 1 / FPS) | (after.times > END + 0.3 + 1 / FPS)
        assert np.abs(change[outside]).max() == 0


@pytest.mark.parametrize(("region", "name"), [(r, n) for r, n in ALL if VOCABULARY[r][n].sided])
@pytest.mark.parametrize("side", ["left", "right"])
def test_one_side_moves_alone(region: str, name: str, side: str) -> None:
    before, after = busy(), played(subtitle(START, END, f"{region}: {name} {side} 0.9"))
    other = "Right" if side == "left" else "Left"
    for column in (*VOCABULARY[region][name].columns, *VOCABULARY[region][name].fades):
        if column.endswith(other):
            assert np.array_equal(after.column(column), before.column(column)), column


@pytest.mark.parametrize("asked", ["raise left 0.25 attack 0.5 release 1", "a little sad 0.5", "lower"])
def test_a_wish_can_be_written_again(asked: str) -> None:
    wish = wish_of("brows", asked)
    assert wish_of("brows", wish.written.partition(":")[2]) == wish


def test_all_words_of_the_vocabulary_are_read() -> None:
    for region, words in SYNONYMS.items():
        for word, action in words.items():
            assert wish_of(region, word).action == action in VOCABULARY[region]
    assert wish_of("brows", "raise").intensity == 0.6
    assert wish_of("eyes", "blink").intensity == 1.0
    assert wish_of("head", "turn left slightly").intensity == 0.25


def test_prototypes_are_of_the_vocabulary() -> None:
    for regions in PROTOTYPES.values():
        for region, actions in regions.items():
            assert set(actions) <= set(VOCABULARY[region])


def test_other_words_are_feelings_of_that_region() -> None:
    wish = wish_of("brows", "furious")
    assert wish.columns is not None
    assert set(wish.columns) == {"browDownLeft", "browDownRight"}
    face = wish_of("face", "delighted")
    assert face.columns is not None
    assert face.columns[EMOTION + "happy"] > 0.5
    calm = played(subtitle(START, END, "face: calm"), motion=busy().with_column(EMOTION + "sad", 0.5))
    assert calm.column(EMOTION + "sad")[75] == 0
    assert calm.column(EMOTION + "sad")[0] == 0.5


def test_the_later_cue_wins_and_the_conflict_is_told() -> None:
    cues = parse_subtitles(
        "WEBVTT\n\n00:01.000 --> 00:03.000\nbrows: raise 0.8\n\n00:02.000 --> 00:03.000\nbrows: lower 0.5\n"
    )
    motion = played(*cues, motion=FaceMotion.rest(150, fps=FPS))
    assert motion.column("browInnerUp")[75] == pytest.approx(0.8)
    assert motion.column("browInnerUp")[125] == 0
    assert motion.column("browDownLeft")[125] == pytest.approx(0.5)
    [note] = subtitle_notes(cues)
    assert note.startswith("line 7: brows: lower 0.5 overlaps line 4: brows: raise 0.8 (")
    assert subtitle_notes(cues[:1]) == []


def test_a_clip_from_the_middle_of_a_sound_has_the_same_cues() -> None:
    cues = [
        subtitle(0.2, 0.4, "lips: smile 0.5"),
        subtitle(1.0, 2.0, "brows: raise 0.8"),
        subtitle(2.2, 2.4, "jaw: open"),
    ]
    whole = played(*cues, motion=FaceMotion.rest(150, fps=FPS))
    part = FaceMotion.rest(75, fps=FPS)
    late = join(shaped([part], Score(fps=FPS, cues=subtitle_cues(cues, start=1.5))))
    for column in ("browInnerUp", "jawPitch", "mouthSmileLeft"):
        assert late.column(column) == pytest.approx(whole.column(column)[75:], abs=0.02), column


def test_pieces_are_changed_as_the_whole() -> None:
    cues = subtitle_cues([subtitle(START, END, "brows: raise 0.8", "head: nod 0.5")])
    score = Score(fps=FPS, cues=cues)
    whole = join(shaped([busy()], score))
    pieces = join(shaped(busy().chunks(7), score))
    assert pieces.table(whole.columns) == pytest.approx(whole.table(whole.columns))


def test_regions_are_those_of_a_face_motion() -> None:
    for region, name in ALL:
        for column in VOCABULARY[region][name].columns:
            expected = {"lips": "mouth", "eyes": "lids", "nose": "cheeks"}.get(region, region)
            assert region_of(column) == expected, (region, name)
