"""What waits for a client: the newest frames, all of the sound, in order."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from emosplat.pipeline.live.clients import MOST_FRAMES, MOST_SOUND, Client

STEPS = st.lists(st.sampled_from(["frame", "sound", "send"]), max_size=60)


@given(STEPS)
def test_sound_is_never_left_out_and_frames_are_the_newest(steps: list[str]) -> None:
    async def run() -> None:
        client, sent, frames, sounds = Client(), [], 0, 0
        for step in steps:
            if step == "frame":
                client.frame(f"f{(frames := frames + 1)}")
            elif step == "sound":
                client.order(f"s{(sounds := sounds + 1)}")
            elif frames + sounds > len(sent) + client.left_out:
                sent.append(await client.next())
        waiting = []
        while frames + sounds > len(sent) + len(waiting) + client.left_out:
            waiting.append(await client.next())
        everything = [*sent, *waiting]
        assert [m for m in everything if m[0] == "s"] == [f"s{k + 1}" for k in range(sounds)]
        numbers = [int(m[1:]) for m in everything if m[0] == "f"]
        assert numbers == sorted(set(numbers))
        assert len(numbers) + client.left_out == frames
        assert frames in numbers or not frames
        assert sum(m[0] == "f" for m in waiting) <= MOST_FRAMES

    asyncio.run(run())


def test_who_does_not_take_the_sound_is_given_up() -> None:
    client = Client()
    client.order(b" " * MOST_SOUND)
    assert not client.hopeless
    client.order(b" ")
    assert client.hopeless
