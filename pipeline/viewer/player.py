"""The clock of one visitor: where on the time line they are, and the sound that goes along in their browser."""

from __future__ import annotations

import base64
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from viser import ClientHandle

SOUND_ID = "emosplat-sound"
STEP = 0.2  # seconds that the sound may be off without a jump; it is then played faster or slower


class Player:
    """Plays, pauses and seeks; times in seconds."""

    def __init__(self, duration: float) -> None:
        self.duration = duration
        self.playing = False
        self._position = 0.0
        self._since = 0.0  # the wall clock when playing began

    @property
    def position(self) -> float:
        """Where we are, 0..duration; playing ends there by itself."""
        if not self.playing:
            return self._position
        now = self._position + time.monotonic() - self._since
        if now >= self.duration:
            self.playing, self._position = False, self.duration
            return self.duration
        return now

    def play(self) -> None:
        """Go on, from the beginning after the end."""
        self.seek(0.0 if self.position >= self.duration else self.position)
        self.playing = True

    def pause(self) -> None:
        """Stay where we are."""
        self._position, self.playing = self.position, False

    def seek(self, position: float) -> None:
        """Go elsewhere; what plays goes on there."""
        self._position, self._since = min(max(position, 0.0), self.duration), time.monotonic()


class Sound:
    """An audio element in the visitor's page.

    viser has no audio of its own. The element is put into the panel once; every order comes as an image that cannot be
    loaded, whose error handler carries it out.
    """

    def __init__(self, client: ClientHandle, flac: bytes) -> None:
        data = base64.b64encode(flac).decode()
        client.gui.add_html(f'<audio id="{SOUND_ID}" preload="auto" src="data:audio/flac;base64,{data}"></audio>')
        self._order = client.gui.add_html("")
        self._count = 0

    def follow(self, player: Player) -> None:
        """Do what the player does; again and again while it plays, because the two clocks drift apart."""
        now = f"{player.position:.3f}"
        if player.playing:
            self._run(
                f"const d={now}-a.currentTime,near=Math.abs(d)<={STEP};"
                f"if(!near)a.currentTime={now};a.playbackRate=near?1+d:1;if(a.paused&&{now}<a.duration)a.play()"
            )
        else:
            self._run(f"a.pause();a.currentTime={now}")

    def _run(self, script: str) -> None:
        self._count += 1  # the same order twice is two orders
        element = f"const a=document.getElementById('{SOUND_ID}');"
        self._order.content = f'<img hidden alt="{self._count}" src="data:," onerror="{element}{script}">'
