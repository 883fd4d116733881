# When the callbacks of add_reader() and add_writer() run. The twin is ../pollers.test.ts.
import asyncio
import contextlib
import contextvars
import os

from traces import print_traces


@contextlib.contextmanager
def pipe():
    ends = os.pipe()
    try:
        yield ends
    finally:
        for end in ends:
            os.close(end)


async def until(condition):
    while not condition():
        await asyncio.sleep(0)


async def called_while_readable(trace):
    loop = asyncio.get_running_loop()
    with pipe() as (read_end, write_end):
        calls = []

        def readable(word):
            calls.append(word)
            trace.append(word + " " + os.read(read_end, 1).decode())

        loop.add_reader(read_end, readable, "read")
        trace.append("added")
        os.write(write_end, b"abc")
        await until(lambda: len(calls) == 3)
        trace.append(str(loop.remove_reader(read_end)))
        trace.append(str(loop.remove_reader(read_end)))


async def a_second_callback_replaces_the_first(trace):
    loop = asyncio.get_running_loop()
    with pipe() as (read_end, write_end):
        os.write(write_end, b"abc")
        done = loop.create_future()

        def second():
            trace.append("second " + os.read(read_end, 10).decode())
            done.set_result(None)

        loop.add_reader(read_end, trace.append, "first")
        loop.add_reader(read_end, second)
        await done
        trace.append(str(loop.remove_reader(read_end)))


async def a_ready_callback_that_is_removed_does_not_run(trace):
    loop = asyncio.get_running_loop()
    with pipe() as one, pipe() as two:
        done = loop.create_future()

        def first():
            trace.append("first of the two removes both")
            for read_end, _ in (one, two):
                trace.append(str(loop.remove_reader(read_end)))
            loop.call_later(0.01, done.set_result, None)

        for read_end, write_end in (one, two):
            os.write(write_end, b"x")
            loop.add_reader(read_end, first)
        await done


async def writable_until_removed(trace):
    loop = asyncio.get_running_loop()
    with pipe() as (read_end, write_end):
        done = loop.create_future()

        def writable():
            trace.append("writable")
            trace.append(str(loop.remove_writer(write_end)))
            done.set_result(None)

        loop.add_writer(write_end, writable)
        trace.append(str(loop.remove_reader(write_end)))
        await done
        trace.append(str(loop.remove_writer(write_end)))


async def the_end_of_a_pipe_is_readable(trace):
    loop = asyncio.get_running_loop()
    read_end, write_end = os.pipe()
    done = loop.create_future()

    def readable():
        trace.append("read " + repr(os.read(read_end, 10).decode()))
        loop.remove_reader(read_end)
        done.set_result(None)

    loop.add_reader(read_end, readable)
    os.close(write_end)
    await done
    os.close(read_end)


async def a_writer_whose_reader_is_gone_is_called(trace):
    loop = asyncio.get_running_loop()
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    os.write(write_end, b"x" * 65536)
    calls = []

    def writable():
        try:
            os.write(write_end, b"x")
        except OSError as error:
            calls.append(type(error).__name__)

    loop.add_writer(write_end, writable)
    os.close(read_end)
    await until(lambda: len(calls) == 2)
    trace.append(" ".join(calls[:2]))
    loop.remove_writer(write_end)
    os.close(write_end)


async def an_error_of_a_callback_is_reported(trace):
    loop = asyncio.get_running_loop()
    with pipe() as (read_end, write_end):
        os.write(write_end, b"x")
        done = loop.create_future()

        def handler(_, context):
            trace.append("reported " + str(context["exception"]))
            loop.remove_reader(read_end)
            done.set_result(None)

        def readable():
            raise RuntimeError("in the callback")

        loop.set_exception_handler(handler)
        loop.add_reader(read_end, readable)
        await done


async def runs_in_the_context_of_the_caller(trace):
    loop = asyncio.get_running_loop()
    variable = contextvars.ContextVar("variable", default="none")
    with pipe() as (read_end, write_end):
        os.write(write_end, b"x")
        done = loop.create_future()

        def readable():
            trace.append(variable.get())
            loop.remove_reader(read_end)
            done.set_result(None)

        async def add():
            variable.set("the task that added it")
            loop.add_reader(read_end, readable)

        await loop.create_task(add())
        await done


async def what_is_refused(trace):
    loop = asyncio.get_running_loop()
    with open(__file__) as file:
        try:
            loop.add_reader(file.fileno(), print)
        except OSError as error:
            trace.append(os.strerror(error.errno))
    try:
        loop.add_reader(1 << 20, print)
    except OSError as error:
        trace.append(os.strerror(error.errno))
    trace.append(str(loop.remove_writer(1 << 20)))


SCENARIOS = [called_while_readable, a_second_callback_replaces_the_first,
             a_ready_callback_that_is_removed_does_not_run, writable_until_removed,
             the_end_of_a_pipe_is_readable, a_writer_whose_reader_is_gone_is_called,
             an_error_of_a_callback_is_reported, runs_in_the_context_of_the_caller, what_is_refused]

print_traces(SCENARIOS)
