"""Data sets by name: which files are clips, and the emotion and level that their layout or names tell.

Nothing but names is read. Levels become intensities: MEAD 1/2/3 and CREMA-D LO/MD/HI are thirds, RAVDESS
normal/strong are 0.5 and 1.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from ...blendshapes.emotion import canonical_emotion
from ...core.errors import InputError
from ..media.formats import FILM, SOUND
from .sources import Clip, Listing, Skip, Tree, read_manifest

# What people who cut or convert a data set again add to its names: `_25fps`, `-16k`, `_cropped`, `_512x512`
RECUT = re.compile(
    r"[_\-#.](?:\d+(?:\.\d+)?(?:fps|khz|hz|k|p)|\d+x\d+|crop(?:ped)?|align(?:ed)?|resampled|mono|stereo|audio|video|face)$",
    re.IGNORECASE,
)
SPLITS = {"", "train", "training", "dev", "val", "valid", "validation", "test", "eval", "data", "audio", "wav", "wavs"}
THIRDS = {"1": 0.33, "2": 0.67, "3": 1.0, "LO": 0.33, "MD": 0.67, "HI": 1.0}
Found = Iterator[Clip | Skip]


def read_dataset(name: str, root: str) -> Listing:
    """The clips of a data set below `root`, and what was skipped and why; raises InputError."""
    if name not in READERS:
        raise InputError(f"--dataset {name!r}: expected one of {', '.join(READERS)}")
    tree = Tree(root)
    found = list(READERS[name](tree))
    clips = [f for f in found if isinstance(f, Clip)]
    skipped = [f for f in found if isinstance(f, Skip)]
    if not clips:
        why = f" ({skipped[0].name}: {skipped[0].reason})" if skipped else ""
        raise InputError(f"{root}: expected the files of {name}, found none{why}; is this the right folder?")
    return Listing(clips, [*tree.left_out, *skipped])


def _ravdess(tree: Tree) -> Found:
    """`Actor_12/03-01-06-01-02-01-12.wav`: modality, channel, emotion, intensity, statement, repetition, actor."""
    stems = {_stem(path).replace("_", "-") for _, path in _recordings(tree)}
    for name, path in _recordings(tree):
        stem = _stem(path).replace("_", "-")
        codes = stem.split("-")
        if not re.fullmatch(r"\d\d(-\d\d){6}", stem):
            yield Skip(name, "is not named MM-CC-EE-II-SS-RR-AA")
            continue
        modality, channel, emotion, level, statement, repetition, actor = codes
        if modality == "02":
            yield Skip(name, "is a video without sound (modality 02)")
        elif modality == "01" and "-".join(["03", *codes[1:]]) in stems:
            yield Skip(name, "its sound is there as a file of its own (modality 03)")
        elif emotion not in RAVDESS_EMOTIONS or level not in ("01", "02"):
            yield Skip(name, f"emotion {emotion}, intensity {level} are no codes of RAVDESS")
        else:
            label = canonical_emotion(emotion)
            extra = {"actor": actor, "channel": channel, "statement": statement, "repetition": repetition}
            # neutral has one level only
            intensity = None if emotion == "01" else {"01": 0.5, "02": 1.0}[level]
            yield _clip(tree, name, stem, emotion=label, intensity=intensity, extra=extra)


RAVDESS_EMOTIONS = {f"{n:02d}" for n in range(1, 9)}


def _cremad(tree: Tree) -> Found:
    """`AudioWAV/1001_DFA_ANG_XX.wav`: actor, sentence, emotion, level."""
    for name, path, better in _one_per_stem(tree, (".wav", ".flac", ".mp3", ".flv")):
        if better:
            yield Skip(name, f"is the same clip as {better}")
            continue
        stem = re.sub("[-#]", "_", _stem(path)).upper()
        if not (match := re.fullmatch(r"(\d{4})_([A-Z]{3})_([A-Z]{3})_(LO|MD|HI|XX|X)", stem)):
            yield Skip(name, "is not named ACTOR_SENTENCE_EMOTION_LEVEL")
            continue
        actor, sentence, emotion, level = match.groups()
        extra = {"actor": actor, "sentence": sentence}
        yield _labelled(_clip(tree, name, stem, intensity=THIRDS.get(level), extra=extra), emotion)


def _mead(tree: Tree) -> Found:
    """`M003/audio/angry/level_3/001.m4a`; videos where there is no audio; or flat, as `M003_front_angry_level_3_001`.

    The flat names of re-cuts part the words with _, - or #.
    """
    nested = re.compile(r"(?:.*/)?([MW]\d{3})/(audio|video/([^/]+))/([^/]+)/(?:level_)?([^/]+)/(\d+)")
    flat = re.compile(
        r"([MW]\d{3})[_#-](?:([a-z]+(?:[_#-]\d+)?)[_#-])?((?!level)[a-z]+)[_#-](?:level[_#-]?)?(\d)[_#-](\d+)",
        re.IGNORECASE,
    )
    recordings = [(path.with_name(_stem(path)), name) for name, path in _recordings(tree)]
    heard = {m.group(1, 4, 5, 6) for path, _ in recordings if (m := nested.fullmatch(str(path))) and not m[3]}
    seen: set[tuple[str, ...]] = set()
    for path, name in recordings:
        if match := nested.fullmatch(str(path)):
            actor, _, view, emotion, level, number = match.groups()
        elif match := flat.fullmatch(path.name):
            actor, view, emotion, level, number = match.groups()
        else:
            yield Skip(name, "is not named ACTOR/audio/EMOTION/level_N/NNN")
            continue
        emotion = emotion.lower()
        take = (actor, emotion, level, number)
        if view and (take in heard or take in seen):
            yield Skip(name, "its sound comes from the audio folder or another view")
            continue
        seen.add(take)
        if level not in THIRDS:
            yield Skip(name, f"level {level} is none of MEAD's 1, 2, 3")
            continue
        extra = {"actor": actor, "level": level, "take": number}
        intensity = None if emotion == "neutral" else THIRDS[level]
        clip = f"{actor}_{emotion}_level_{level}_{number}"
        yield _labelled(_clip(tree, name, clip, intensity=intensity, extra=extra), emotion)


def _vocaset(tree: Tree) -> Found:
    """`wav/FaceTalk_170728_03272_TA_sentence01.wav`, or `FaceTalk_170728_03272_TA/sentence01.wav`."""
    pattern = re.compile(r"(?:.*/)?(FaceTalk_\d{6}_\d{5}_TA)[_/](sentence\d\d)")
    for name, path in _recordings(tree):
        if match := pattern.fullmatch(str(path.with_name(_stem(path)))):
            subject, sentence = match.groups()
            yield _clip(tree, name, f"{subject}_{sentence}", extra={"subject": subject, "sentence": sentence})
        else:
            yield Skip(name, "is not named FaceTalk_DATE_ID_TA_sentenceNN")


def _biwi(tree: Tree) -> Found:
    """`wav/F2_e01.wav`, or `F2/e01.wav`; with e the sentence is spoken with emotion, which one is not told."""
    pattern = re.compile(r"(?:.*/)?([FM]\d)[_/](e?)(\d\d)(?:_cut)?")
    for name, path in _recordings(tree):
        if match := pattern.fullmatch(str(path.with_name(_stem(path)))):
            subject, emotional, sentence = match.groups()
            extra = {"subject": subject, "sentence": sentence, "emotional": str(int(bool(emotional)))}
            label = None if emotional else "neutral"
            yield _clip(tree, name, f"{subject}_{emotional}{sentence}", emotion=label, extra=extra)
        else:
            yield Skip(name, "is not named SUBJECT_eNN")


def _hdtf(tree: Tree) -> Found:
    """`RD_Radio1_000.mp4` and the like, downloaded and cut by the lists `RD_video_url.txt` ...; or their sound."""
    for name, path, better in _one_per_stem(tree, (".wav", ".flac", *sorted(SOUND), *sorted(FILM))):
        if better:
            yield Skip(name, f"is the same clip as {better}")
            continue
        stem = _stem(path)
        match = re.fullmatch(r"(.+)[_#-](\d+)", stem)
        if match is None:
            yield Skip(name, "is not named VIDEO_INDEX; is it uncut?")
            continue
        yield _clip(tree, name, stem, extra={"video": match[1], "index": match[2]})


def _ljspeech(tree: Tree) -> Found:
    """`metadata.csv` (id|text|normalised text) beside `wavs/LJ001-0001.wav`."""
    listed = [n for n in tree.names if PurePosixPath(n).name == "metadata.csv"]
    texts: dict[str, str] = {}
    for line in (tree.text(listed[0]) if listed else "").split("\n"):  # splitlines() cuts within texts
        clip, *columns = line.strip("\r").split("|")
        if not clip:
            continue
        texts[clip] = columns[-1] if columns else ""
    for name, path in _recordings(tree):
        if path.parent.name != "wavs":
            yield Skip(name, "does not lie in wavs")
        elif texts and path.stem not in texts:
            yield Skip(name, "is not in metadata.csv")
        else:
            yield _clip(tree, name, path.stem, extra={"text": texts.pop(path.stem, "")})
    for clip in texts:
        yield Skip(f"wavs/{clip}.wav", "is in metadata.csv, but there is no such file")


def _audiofolder(tree: Tree) -> Found:
    """Hugging Face AudioFolder: `metadata.csv|jsonl|parquet` with file_name, or one folder per label."""
    tables = [n for n in tree.names if re.fullmatch(r"(.*/)?metadata\.(csv|tsv|jsonl|parquet)", n)]
    listed: set[str] = set()
    for table in tables:
        listing = read_manifest(tree.url(table))
        yield from listing.skipped
        for clip in listing.clips:
            relative = clip.audio.removeprefix(f"{tree.root}/")
            listed.add(relative)
            if relative not in tree:
                yield Skip(relative, f"is in {table}, but there is no such file")
                continue
            named = replace(clip, id=str(PurePosixPath(relative).with_suffix("")), origin=relative)
            label = clip.extra.get("label", "").strip()
            yield named if "emotion" in clip.settings or not label else _labelled(named, label)
    for name, path in _recordings(tree):
        if name in listed:
            continue
        if tables:
            yield Skip(name, f"is not in {tables[0]}")
            continue
        label = path.parent.name
        clip = _clip(tree, name, str(path.with_suffix("")), extra={"label": label})
        yield clip if label.lower() in SPLITS else _labelled(clip, label)


READERS: dict[str, Callable[[Tree], Found]] = {
    "ravdess": _ravdess,
    "cremad": _cremad,
    "mead": _mead,
    "vocaset": _vocaset,
    "biwi": _biwi,
    "hdtf": _hdtf,
    "ljspeech": _ljspeech,
    "audiofolder": _audiofolder,
}


def _recordings(tree: Tree) -> Iterator[tuple[str, PurePosixPath]]:
    """Names that may be clips by their suffix; texts, pictures and vertices beside them are nobody's concern."""
    for name in tree.names:
        path = PurePosixPath(name)
        if path.suffix.lower() in SOUND | FILM:
            yield name, path


def _one_per_stem(tree: Tree, suffixes: tuple[str, ...]) -> Iterator[tuple[str, PurePosixPath, str]]:
    """Recordings, and for those whose stem comes again (sound and film, wav and mp3) the name of the one to prefer."""
    best: dict[str, str] = {}
    for name, path in _recordings(tree):
        rival = best.setdefault(_stem(path), name)
        if _rank(path, suffixes) < _rank(PurePosixPath(rival), suffixes):
            best[_stem(path)] = name
    for name, path in _recordings(tree):
        yield name, path, "" if best[_stem(path)] == name else best[_stem(path)]


def _stem(path: PurePosixPath) -> str:
    """A recording's name as the data set gave it, without what others added."""
    stem = path.stem
    while (shorter := RECUT.sub("", stem)) != stem:
        stem = shorter
    return stem


def _rank(path: PurePosixPath, suffixes: tuple[str, ...]) -> int:
    suffix = path.suffix.lower()
    return suffixes.index(suffix) if suffix in suffixes else len(suffixes)


def _labelled(clip: Clip, emotion: str) -> Clip | Skip:
    label = _label(emotion)
    if label is None:
        return Skip(clip.origin, f"{emotion} is no emotion that we know")
    return replace(clip, settings=_with(clip, emotion=label))


def _with(clip: Clip, **told: Any) -> dict[str, Any]:
    return clip.settings | {name: value for name, value in told.items() if value is not None}


def _label(name: str) -> str | None:
    """The emotion that a folder or label names, if it names one, also behind a speaker: `OAF_Pleasant_surprise`."""
    words = re.split(r"[_\-\s]+", name.strip())
    if words[0].lower() in ("no", "non", "not"):
        return None
    for candidate in (name, *("_".join(words[i:]) for i in range(1, len(words)))):
        with suppress(InputError):
            return canonical_emotion(candidate)
    return None


def _clip(tree: Tree, name: str, clip: str, *, extra: Mapping[str, str] | None = None, **told: Any) -> Clip:
    settings = {setting: value for setting, value in told.items() if value is not None}
    return Clip(clip, tree.url(name), name, settings=settings, extra=dict(extra or {}))
