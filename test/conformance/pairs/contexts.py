"""Twin of contexts.ts: a context variable through callbacks, tasks and awaits."""

import asyncio
import contextvars

from virtual_loop import VirtualLoop

color = contextvars.ContextVar("color", default="none")


def run(main):
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main())


def within(value, body):
    def set_and_call():
        color.set(value)
        return body()

    return contextvars.copy_context().run(set_and_call)


def tasks_have_the_context_of_their_creator(log):
    async def show(name):
        log(name, color.get())
        await asyncio.sleep(0)
        log(name, color.get())

    async def main():
        red = within("red", lambda: asyncio.create_task(show("first")))
        blue = within("blue", lambda: asyncio.create_task(show("second")))
        await asyncio.gather(red, blue)
        log("main", color.get())

    run(main)


def a_task_woken_in_another_context_keeps_its_own(log):
    async def main():
        future = asyncio.get_running_loop().create_future()

        async def waiter():
            await future
            log("waiter", color.get())

        task = within("red", lambda: asyncio.create_task(waiter()))
        await asyncio.sleep(0)
        within("blue", lambda: future.set_result(None))
        await task
        log("main", color.get())

    run(main)


def callbacks_have_the_context_of_the_scheduling_call(log):
    async def main():
        loop = asyncio.get_running_loop()
        show = lambda name: log(name, color.get())
        within("red", lambda: loop.call_soon(show, "soon"))
        within("blue", lambda: loop.call_later(0, show, "later"))
        loop.call_soon(show, "plain")
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    run(main)


def done_callbacks_have_the_context_of_who_added_them(log):
    async def main():
        future = asyncio.get_running_loop().create_future()
        show = lambda _: log(color.get())
        within("red", lambda: future.add_done_callback(show))
        future.add_done_callback(show)
        within("blue", lambda: future.set_result(None))
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    run(main)


def cancel_from_another_context(log):
    async def main():
        async def waiter():
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                log("cleanup", color.get())
                await asyncio.sleep(0)
                log("cleanup", color.get())

        task = within("red", lambda: asyncio.create_task(waiter()))
        await asyncio.sleep(0)
        within("blue", lambda: task.cancel())
        await asyncio.wait([task])
        log("main", color.get())

    run(main)


def the_context_of_a_task_can_be_given(log):
    async def main():
        async def show():
            log("task", color.get())

        context = within("red", contextvars.copy_context)
        await asyncio.create_task(show(), context=context)
        log("main", color.get())

    run(main)


def children_of_a_group_and_timeouts(log):
    async def main():
        async def show(name):
            await asyncio.sleep(0)
            log(name, color.get())

        async def body():
            async with asyncio.timeout(None), asyncio.TaskGroup() as group:
                group.create_task(show("child"))
                await asyncio.sleep(0)
                log("body", color.get())
            log("after", color.get())

        await within("red", lambda: asyncio.create_task(body()))

    run(main)


def shield_and_gather(log):
    async def main():
        async def show(name):
            await asyncio.sleep(0)
            log(name, color.get())

        await within("red", lambda: asyncio.gather(show("one"), show("two")))
        await within("blue", lambda: asyncio.shield(show("shielded")))
        log("main", color.get())

    run(main)
