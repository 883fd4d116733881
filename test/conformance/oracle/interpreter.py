"""Runs the steps of a program on asyncio. interpreter/interpreter.ts is its twin on aionode.

Every name lives in one namespace per program. `await` is the only step at which the interpreter
itself suspends, and it adds no pass of the ready queue of its own.
"""

import asyncio

from describe import UserError, describe

CAUGHT = {
    "cancelled": asyncio.CancelledError,
    "timeout": TimeoutError,
    "group": BaseExceptionGroup,
    "error": Exception,
    "any": (Exception, asyncio.CancelledError),
}
# Functions that take their awaitables as one iterable.
TAKES_ITERABLE = {"wait", "as_completed"}


class Return:
    """The outcome of a `return` step."""

    def __init__(self, value):
        self.value = value


class OrderedTaskGroup(asyncio.TaskGroup):
    """Aborts its children in order of creation, an order that asyncio leaves open (it has a set).

    Refuses what CPython has mended after these versions: a cancel from outside that is lost while a group
    cancels itself (gh-155433), and an eager task that is not cancelled by the group that it has cancelled
    (gh-155418)."""

    def __init__(self):
        super().__init__()
        self._tasks = OrderedSet()

    async def _aexit(self, et, exc):
        parent = self._parent_task
        outcome = await super()._aexit(et, exc)
        if self._parent_cancel_requested and parent.cancelling():
            self._loop.ambiguous = True
        return outcome

    def create_task(self, coro, **options):
        task = super().create_task(coro, **options)
        if self._aborting and not task.done():
            self._loop.ambiguous = True
        return task


class OrderedSet(dict):
    def add(self, item):
        self[item] = None

    def discard(self, item):
        self.pop(item, None)


class CheckedReader(asyncio.StreamReader):
    """Refuses what asyncio gets wrong when another read takes the bytes between the wake-up of a read
    and its next step, or when an error is set there: see docs/differences.md."""

    _waiting = None

    def _refuse(self):
        self._loop.ambiguous = True

    async def _wait_for_data(self, name):
        if self._exception is not None or (self._waiting and self._waiter is None):
            self._refuse()
        outer, self._waiting = self._waiting, name
        try:
            await super()._wait_for_data(name)
        finally:
            self._waiting = outer

    async def read(self, n=-1):
        self._check_search()
        data = await super().read(n)
        if data == b"" and n != 0 and not self._eof:
            self._refuse()
        return data

    async def readexactly(self, n):
        self._check_search()
        return await super().readexactly(n)

    async def readuntil(self, separator=b"\n"):
        self._check_search()
        return await super().readuntil(separator)

    def _check_search(self):
        """Where a search goes on is wrong once there are fewer bytes."""
        if self._waiting == "readuntil" and self._waiter is None:
            self._refuse()


# What stands in for a class of asyncio's.
CLASSES = {"StreamReader": CheckedReader}


class Coroutine:
    """What `def` makes: passed as an argument or awaited it becomes a new coroutine."""

    def __init__(self, interpreter, body):
        self._interpreter = interpreter
        self._body = body

    def start(self):
        return self._interpreter.body(self._body)


class Interpreter:
    def __init__(self, loop, log):
        self.tasks = []
        self._names = {"loop": loop}
        self._log = log
        # A name that neither the program nor this version of asyncio has.
        self.missing = None

    def futures(self):
        return [value for value in self._names.values() if asyncio.isfuture(value)]

    async def body(self, steps):
        """The coroutine of a task: its result is what the steps return."""
        outcome = await self._run(steps)
        return None if outcome is None else outcome.value

    async def _run(self, steps):
        for step in steps:
            block = getattr(self, f"_block_{step[0]}", None)
            if block is None:
                await self._execute(step)
            elif (outcome := await block(*step[1:])) is not None:
                return outcome
        return None

    def _run_callback(self, steps):
        """Callbacks and predicates: no blocks, no await."""
        for step in steps:
            if step[0] == "return":
                return self._value(step[1])
            if step[0] == "raise":
                raise self._error(step[1])
            if step[0] == "=":
                self._names[step[1]] = self._call(step[2])
            else:
                self._call(step)
        return None

    async def _execute(self, step):
        source = step[2] if step[0] == "=" else step
        if source[0] == "await":
            value = await self._awaitable(source[1])
        else:
            value = self._call(source)
        if step[0] == "=":
            self._names[step[1]] = value

    def _awaitable(self, operand):
        return self._call(operand) if isinstance(operand, list) else self._value(operand)

    def _call(self, step):
        name = step[0]
        keywords = step[-1] if isinstance(step[-1], dict) else {}
        arguments = [self._value(item) for item in step[1:] if not isinstance(item, dict)]
        keywords = {key: self._value(item) for key, item in keywords.items()}
        if builtin := getattr(self, f"_builtin_{name}", None):
            return builtin(*arguments)
        receiver, dot, attribute = name.rpartition(".")
        if name in TAKES_ITERABLE:
            if name == "as_completed":
                self._check_order(arguments)
            arguments = [arguments]
        found = CLASSES.get(name)
        if found is None:
            found = self._attribute(self._lookup(receiver) if dot else asyncio, attribute)
        return found(*arguments, **keywords) if callable(found) else found

    def _check_order(self, futures):
        """as_completed() has a set: of several that are done, asyncio leaves open which is first."""
        if sum(future.done() for future in set(futures)) > 1:
            self._names["loop"].ambiguous = True

    def _lookup(self, name):
        return self._names[name] if name in self._names else self._attribute(asyncio, name)

    def _attribute(self, receiver, name):
        try:
            return getattr(receiver, name)
        except AttributeError:
            self.missing = name
            raise

    def _value(self, item):
        if not isinstance(item, str):
            return item
        if item.startswith("'"):
            return item[1:]
        if item.startswith("@"):
            return float(item[1:])
        value = self._lookup(item)
        return value.start() if isinstance(value, Coroutine) else value

    def _error(self, item):
        value = self._value(item)
        return UserError(value) if isinstance(value, str) else value

    # Functions of the language itself.

    def _builtin_log(self, *values):
        self._log(" ".join(describe(value) for value in values))

    def _builtin_plus(self, a, b):
        return a + b

    def _builtin_ge(self, a, b):
        return a >= b

    def _builtin_value(self, value):
        return value

    def _builtin_list(self, *values):
        return list(values)

    def _builtin_error(self, text):
        return UserError(text)

    def _builtin_bytes(self, text):
        """In which `|` ends a line."""
        return text.replace("|", "\n").encode()

    def _builtin_any_of(self, *values):
        """What readuntil() takes as several separators."""
        return values

    def _builtin_reschedule(self, scope, delay):
        """Timeout.reschedule() takes a time, programs have delays only."""
        scope.reschedule(None if delay is None else asyncio.get_running_loop().time() + delay)

    # Blocks and other control flow.

    async def _block_task(self, name, *rest):
        keywords = dict(rest[0]) if len(rest) > 1 else {}
        group = keywords.pop("in", None)
        create = asyncio.create_task if group is None else self._lookup(group).create_task
        task = create(self.body(rest[-1]), name=name, **keywords)
        self._names[name] = task
        self.tasks.append(task)

    async def _block_def(self, name, steps):
        self._names[name] = Coroutine(self, steps)

    async def _block_callback(self, name, steps):
        self._names[name] = lambda *_: self._run_callback(steps)

    async def _block_return(self, item=None):
        return Return(self._value(item))

    async def _block_raise(self, item):
        raise self._error(item)

    async def _block_repeat(self, count, steps):
        for _ in range(count):
            if (outcome := await self._run(steps)) is not None:
                return outcome
        return None

    async def _block_if(self, condition, steps):
        return await self._run(steps) if self._call(condition) else None

    async def _block_try(self, steps, clauses):
        try:
            try:
                return await self._run(steps)
            except BaseException as error:
                for kind, name, handler in clauses.get("except", []):
                    if isinstance(error, CAUGHT[kind]):
                        self._names[name] = error
                        return await self._run(handler)
                raise
        finally:
            if "finally" in clauses:
                await self._run(clauses["finally"])

    async def _block_with(self, name, steps):
        async with self._lookup(name):
            return await self._run(steps)

    async def _block_timeout(self, delay, name, steps):
        async with asyncio.timeout(self._value(delay)) as scope:
            self._names[name] = scope
            return await self._run(steps)

    async def _block_timeout_at(self, delay, name, steps):
        when = asyncio.get_running_loop().time() + self._value(delay)
        async with asyncio.timeout_at(when) as scope:
            self._names[name] = scope
            return await self._run(steps)

    async def _block_group(self, name, steps):
        async with OrderedTaskGroup() as group:
            self._names[name] = group
            return await self._run(steps)

    async def _block_each_completed(self, name, *rest):
        """`for`: what is yielded is an awaitable of the next result."""
        for item in self._call(["as_completed", *rest[:-1]]):
            self._names[name] = item
            if (outcome := await self._run(rest[-1])) is not None:
                return outcome
        return None

    async def _block_async_each_completed(self, name, *rest):
        """`async for`: what is yielded are the futures themselves."""
        async for item in self._call(["as_completed", *rest[:-1]]):
            self._names[name] = item
            if (outcome := await self._run(rest[-1])) is not None:
                return outcome
        return None
