"""What stays loaded between clips: the rasterizer, avatars and the weights."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from ...avatars.avatar import Avatar
from ...avatars.library import find_avatar, open_avatar
from ...blendshapes.bundle import Bundle, find_bundle
from ...blendshapes.models import MotionModel
from ...blendshapes.score import Style
from ...blendshapes.solve.solver import Solver
from ...blendshapes.talking_head import TalkingHead
from ...core.cores import usable_cores
from ...core.errors import InputError
from ...renderer import Rasterizer, open_rasterizer
from ..settings import DEFAULTS, ClipSettings
from ..style.library import style_file
from .curves import CurveReader
from .frames import FrameMaker, open_frames
from .sidecar import file_sha256


class LoadedModels:
    """Loads each model once; `device` is "auto", "cpu" or "cuda", `threads` how many draw (None: all cores)."""

    def __init__(self, device: str = "auto", *, threads: int | None = None) -> None:
        self._device = device
        self._threads = threads or usable_cores()
        self._avatars: dict[Path, Avatar] = {}
        self._frame_makers: dict[Path, FrameMaker] = {}
        self._solvers: dict[Path, dict[Path, Solver]] = {}  # avatar -> learned blendshapes -> solver
        self._models: dict[tuple[str, Bundle], MotionModel] = {}  # name and weights
        self._avatar_hashes: dict[Path, str] = {}
        self._hashes: dict[Bundle, dict[str, str]] = {}
        self._readers: dict[Path, CurveReader] = {}
        self._styles: dict[tuple[Path, str, Path | None], Style] = {}  # file, whose head, what hears

    @cached_property
    def rasterizer(self) -> Rasterizer:
        """The rasterizer of this loaded's device."""
        return open_rasterizer(self._device)

    def warm(self, progress: Callable[[int, int], None] = lambda done, total: None) -> None:
        """Compile or load the rasterizer's kernels; where "auto" chose a GPU that fails, the processor takes over.

        Calls progress(steps done, steps in all). Raises InputError when a GPU that was asked for fails.
        """
        try:
            self.rasterizer.warm(progress)
        except InputError as error:
            if self._device != "auto":
                raise
            from ...renderer.cpu import CpuRasterizer

            self.rasterizer = CpuRasterizer(str(error))
            self.rasterizer.warm(progress)

    def avatar(self, name: str) -> Avatar:
        """The avatar of this name or path."""
        path = find_avatar(name)
        if path not in self._avatars:
            self._avatars[path] = open_avatar(name)
        return self._avatars[path]

    def frame_maker(self, name: str) -> FrameMaker:
        """The avatar of this name or path, loaded into the rasterizer."""
        path = find_avatar(name)
        if path not in self._frame_makers:
            self.warm()
            self._frame_makers[path] = open_frames(self.avatar(name), self.rasterizer, threads=self._threads)
        return self._frame_makers[path]

    def talking_head(self, settings: ClipSettings = DEFAULTS) -> TalkingHead:
        """The motion model, weights and avatar of these settings."""
        weights = find_bundle(settings.weights)
        solvers = self._solvers.setdefault(find_avatar(settings.avatar), {})
        if weights.fusion not in solvers:
            head = self.avatar(settings.avatar).head
            solvers[weights.fusion] = Solver(head, weights.fusion_for(head))
        model = settings.model, weights
        if model not in self._models:
            self._models[model] = weights.model(settings.model)
        return TalkingHead(self._models[model], solvers[weights.fusion])

    def style(self, settings: ClipSettings) -> Style | None:
        """What the settings' style means: read, or measured on an example once; None for that of the clip's own voice.

        Raises InputError.
        """
        if (path := style_file(settings.style)) is None:
            return None
        from ..style.learn import open_style

        key = path, settings.avatar, settings.weights
        if key not in self._styles:
            self._styles[key] = open_style(key[0], self, settings)
        return replace(self._styles[key], strength=settings.style_strength)

    def avatar_sha256(self, name: str) -> str:
        """SHA-256 of the avatar's file as it was when first asked for; hashed once, however many clips there are."""
        path = find_avatar(name)
        if path not in self._avatar_hashes:
            self._avatar_hashes[path] = file_sha256(path)
        return self._avatar_hashes[path]

    def weights_sha256(self, weights: Bundle) -> dict[str, str]:
        """SHA-256 of each file as it was when first used; hashed once, however many clips there are."""
        if weights not in self._hashes:
            self._hashes[weights] = weights.sha256
        return self._hashes[weights]

    def curve_reader(self, name: str) -> CurveReader:
        """What measures the motion of the avatar of this name or path."""
        path = find_avatar(name)
        if path not in self._readers:
            self._readers[path] = CurveReader(self.avatar(name).head)
        return self._readers[path]

    def keep_only(self, names: Collection[str]) -> None:
        """Let go of all avatars but these, so that a long list of them needs no more memory than a short one."""
        wanted = {find_avatar(name) for name in names}
        for loaded in (self._avatars, self._frame_makers, self._solvers, self._readers, self._avatar_hashes):
            for path in loaded.keys() - wanted:
                loaded.pop(path, None)
