"""Browsers and programs that listen over WebSocket: each gets the newest frames and all of the sound."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from starlette.websockets import WebSocket, WebSocketDisconnect

from ...core.errors import InputError

MOST_FRAMES = 4  # that wait for one client; older ones are left out
MOST_SOUND = 4 << 20  # bytes of sound that wait for one client before it is given up, 40 s or more
GONE = 1013  # try again later
REFUSED = 1008  # what was said is against the rules
_REASON = 120  # bytes of it that a closing message holds
Message = str | bytes
Said = Callable[[Message], Awaitable[None]]


class Client:
    """What waits for one client."""

    def __init__(self) -> None:
        self.left_out = 0
        self._orders: deque[Message] = deque()  # sound and words, all of them
        self._frames: deque[Message] = deque(maxlen=MOST_FRAMES)
        self._bytes = 0
        self._changed = asyncio.Event()
        self.hopeless = False
        self._gone = False

    def frame(self, message: Message) -> None:
        """A frame, which may be left out."""
        self.left_out += len(self._frames) == MOST_FRAMES
        self._frames.append(message)
        self._changed.set()

    def order(self, message: Message) -> None:
        """What must not be left out."""
        self._orders.append(message)
        self._bytes += len(message)
        self.hopeless |= self._bytes > MOST_SOUND
        self._changed.set()

    def leave(self) -> None:
        """Nothing more is to be sent."""
        self._gone = True
        self._changed.set()

    async def next(self) -> Message | None:
        """What is to be sent next; None once the client is gone or has to go."""
        while not (self._orders or self._frames or self._gone):
            self._changed.clear()
            await self._changed.wait()
        if self._gone or self.hopeless:
            return None
        if self._orders:
            message = self._orders.popleft()
            self._bytes -= len(message)
            return message
        return self._frames.popleft()


Do = Callable[[Client], None]


class Clients:
    """All clients of one kind; used in the event loop but for `publish` and `tell`, which any thread may call."""

    def __init__(self) -> None:
        self._clients: set[Client] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    def __len__(self) -> int:
        return len(self._clients)

    def publish(self, message: Message) -> None:
        """A frame for everybody; who cannot keep up gets a newer one instead."""
        self._each(lambda client: client.frame(message))

    def tell(self, message: Message) -> None:
        """Something for everybody that nobody may miss."""
        self._each(lambda client: client.order(message))

    def _each(self, do: Do) -> None:
        if self._loop is None or not self._clients:
            return

        def all_of_them() -> None:
            for client in self._clients:
                do(client)

        try:
            self._loop.call_soon_threadsafe(all_of_them)
        except RuntimeError:  # the server has ended
            self._loop = None

    async def serve(self, websocket: WebSocket, *greetings: Message, said: Said | None = None) -> None:
        """Send to one client until it leaves, or until so much sound waits for it that it must be gone.

        `said` is given what it sends; InputError ends the connection with that reason.
        """
        await websocket.accept()
        self._loop = asyncio.get_running_loop()
        client = Client()
        for greeting in greetings:
            client.order(greeting)
        self._clients.add(client)
        leaving = asyncio.ensure_future(_left(websocket, said))
        leaving.add_done_callback(lambda _: client.leave())
        try:
            while (message := await client.next()) is not None:
                await (websocket.send_text(message) if isinstance(message, str) else websocket.send_bytes(message))
            if not leaving.done():
                await websocket.close(GONE)
            elif (reason := leaving.result()) is not None:
                await websocket.close(REFUSED, _short(reason))
        except (WebSocketDisconnect, RuntimeError):  # it left while something was on its way
            pass
        finally:
            self._clients.discard(client)
            leaving.cancel()


async def _left(websocket: WebSocket, said: Said | None) -> str | None:
    """Listen to a client until it leaves; why it has to, if it has to."""
    while (message := await websocket.receive())["type"] != "websocket.disconnect":
        if said is not None:
            try:
                await said(message.get("text") or message.get("bytes") or b"")
            except InputError as error:
                return str(error)
    return None


async def refuse(websocket: WebSocket, error: InputError) -> None:
    """Tell a client why it is not served; before it is let in, a browser would not hear the reason."""
    await websocket.accept()
    await websocket.close(REFUSED, _short(str(error)))


def _short(reason: str) -> str:
    return reason.encode()[:_REASON].decode(errors="ignore")
