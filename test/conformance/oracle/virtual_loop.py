"""An asyncio event loop without I/O whose clock stands still while anything is ready.

It needs no sockets, so it also runs in WebAssembly, and nothing that runs on it ever sleeps.
"""

from asyncio import base_events

# Two deadlines nearer than this many (virtual) seconds cannot be told apart reliably on a real clock.
DISTINCT = 0.5


class _Selector:
    """Instead of blocking until the next deadline, moves the clock there."""

    def __init__(self, loop):
        self._loop = loop

    def select(self, timeout):
        if timeout is None:
            self._loop.idle = True
            self._loop.stop()
        elif timeout > 0:
            self._loop.advance(timeout)
        return []


class VirtualLoop(base_events.BaseEventLoop):
    def __init__(self):
        super().__init__()
        self._selector = _Selector(self)
        self._clock_resolution = 1e-6
        self._now = 0.0
        # Nothing is ready and no timer is armed: nothing can ever happen again.
        self.idle = False
        # Two timers came due at once: their order is not defined by asyncio.
        self.ambiguous = False

    def time(self):
        return self._now

    def advance(self, seconds):
        self._now += seconds
        due = [h for h in self._scheduled if not h.cancelled() and h.when() < self._now + DISTINCT]
        self.ambiguous = self.ambiguous or len(due) > 1

    def _process_events(self, event_list):
        pass

    def _write_to_self(self):
        pass
