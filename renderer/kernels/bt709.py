"""Numbers of the conversion from RGB to YUV 4:2:0 that our ffmpeg command makes: BT.709, video range.

Chroma lies in the middle of its four pixels, where ffmpeg puts it: columns are averaged in pairs, and rows by swscale's
bicubic filter (B = 0, C = 0.6) stretched twofold, rows 2k - 3 .. 2k + 4 of k.
"""

from __future__ import annotations

RED, BLUE = 0.2126, 0.0722  # weights of luma; green has the rest
LUMA, CHROMA = 219, 224  # ranges of the bytes
DARKEST, COLOURLESS = 16, 128  # bytes of black and of no chroma
HALF_FILTER = (-0.0140625, -0.0421875, 0.1203125, 0.4359375)
FILTER = (*HALF_FILTER, *reversed(HALF_FILTER))
BEFORE = 3  # rows before the first of a pair that count
