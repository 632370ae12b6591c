"""The bytes of every stream between the two ends, so that each end can check what it receives by its position."""

PERIOD = 65_521  # prime: a segment that arrives at a wrong place is found, whatever its distance
_BLOCK = bytes((i * i * 31 + i * 7 + (i >> 8) * 3) & 0xFF for i in range(PERIOD))
_CHUNK = 256 << 10
_REPEATED = memoryview(_BLOCK * (_CHUNK // PERIOD + 2))


def pattern(position, length):
    """Up to `length` bytes from this position of the stream."""
    start = position % PERIOD
    return _REPEATED[start:start + min(length, _CHUNK)]


def first_difference(position, received):
    """Where the bytes received at this position differ from the pattern; None: nowhere."""
    expected = pattern(position, len(received))
    if expected == received:
        return None
    return position + next(i for i, (a, b) in enumerate(zip(expected, received)) if a != b)
