"""Speech and an emotion in, video of a talking 3D Gaussian-splat head out.

>>> import emosplat
>>> clip = emosplat.speak(emosplat.example_speech(), emotion="angry", duration=0.4, size=(64, 64))
>>> record = clip.save("angry.mp4")
>>> len(clip), clip.fps
(10, 25.0)

`speak` lets an avatar say a sound, `play` lets one move as a motion says; both give a `Clip`, which has `frames()`,
`motion`, `face` and `save()`. `edit` changes parts of a face's motion. Avatars, motions and cameras are loaded by
`load_avatar`, `load_motion`, `load_face` and `load_camera`; `list_avatars` and `emotions` tell what there is;
`learn_style` measures how somebody moves, `subtitle` says what a part of the face does for a while. What is wrong with
an argument or a file is said by `InputError`.

What a function needs is imported when it is first called.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from .api import (
        Avatar,
        Camera,
        Clip,
        ClipProgress,
        FaceMotion,
        InputError,
        Motion,
        Style,
        Subtitle,
        edit,
        emotions,
        example_speech,
        learn_style,
        list_avatars,
        live,
        load_avatar,
        load_camera,
        load_face,
        load_motion,
        play,
        save_face,
        save_motion,
        save_style,
        speak,
        subtitle,
    )

__all__ = [
    "Avatar",
    "Camera",
    "Clip",
    "ClipProgress",
    "FaceMotion",
    "InputError",
    "Motion",
    "Style",
    "Subtitle",
    "edit",
    "emotions",
    "example_speech",
    "learn_style",
    "list_avatars",
    "live",
    "load_avatar",
    "load_camera",
    "load_face",
    "load_motion",
    "play",
    "save_face",
    "save_motion",
    "save_style",
    "speak",
    "subtitle",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(".api", __name__), name)
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
