"""What Python 2 pickled, byte by byte."""

import struct

import numpy as np


def python2_pickle(value: object) -> bytes:
    """What cPickle of Python 2 writes with protocol 2: texts and array contents are byte strings."""
    return b"\x80\x02" + _python2(value) + b"."


def _python2(value: object) -> bytes:
    if isinstance(value, np.ndarray):
        return _python2_array(value)
    if isinstance(value, dict):
        items = b"".join(_python2(k) + _python2(v) for k, v in value.items())
        return b"}(" + items + b"u"
    if isinstance(value, list):
        return b"](" + b"".join(map(_python2, value)) + b"e"
    if isinstance(value, str):
        return _python2_text(value.encode("latin-1"))
    if isinstance(value, int):
        return b"K" + bytes([value]) if 0 <= value < 256 else b"J" + struct.pack("<i", value)
    raise TypeError(type(value))


def _python2_text(data: bytes) -> bytes:
    return b"U" + bytes([len(data)]) + data if len(data) < 256 else b"T" + struct.pack("<i", len(data)) + data


def _python2_array(array: np.ndarray) -> bytes:
    empty = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85" + _python2_text(b"b") + b"\x87R"
    shape = b"(" + b"".join(_python2(n) for n in array.shape) + b"t"
    spec = _python2_text(array.dtype.str[1:].encode())
    order = _python2_text(array.dtype.str[:1].encode())
    dtype = (
        b"cnumpy\ndtype\n" + spec + b"K\x00K\x01\x87R(K\x03" + order + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    )
    return empty + b"(K\x01" + shape + dtype + b"\x89" + _python2_text(array.tobytes()) + b"tb"
