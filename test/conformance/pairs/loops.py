"""Twin of loops.ts: running, stopping and closing loops."""

import asyncio

from virtual_loop import VirtualLoop


def run(main):
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main())


def run_returns_the_result(log):
    async def main():
        await asyncio.sleep(0)
        return 5

    log("result", run(main))


def run_raises_the_error_of_main(log):
    async def main():
        raise ValueError

    try:
        run(main)
    except ValueError as error:
        log("run", error)


def run_of_a_main_that_cancels_itself(log):
    async def main():
        asyncio.current_task().cancel("self")
        await asyncio.sleep(0)

    try:
        run(main)
    except asyncio.CancelledError as error:
        log("run", error)


def run_cancels_what_is_left_and_waits_for_it(log):
    async def left():
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            log("cleaning")
            await asyncio.sleep(0)
            log("cleaned")

    async def main():
        asyncio.create_task(left())
        await asyncio.sleep(0)
        log("main ends")

    run(main)
    log("run ends")


def run_reports_a_failure_during_its_shutdown(log):
    async def left():
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            raise ValueError

    async def main():
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: log("handler", context["exception"]))
        asyncio.create_task(left())
        await asyncio.sleep(0)
        log("main ends")

    run(main)
    log("run ends")


def run_inside_a_task_is_an_error(log):
    async def inner():
        log("never")

    async def main():
        coroutine = inner()
        try:
            asyncio.run(coroutine)
        except RuntimeError as error:
            log("inside", error)
        coroutine.close()

    run(main)


def runner_runs_several_times_on_one_loop(log):
    async def main():
        return asyncio.get_running_loop()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        first = runner.run(main())
        second = runner.run(main())
        log(first is second, first is runner.get_loop())
    log(first.is_closed())


def closed_runner(log):
    async def main():
        log("main")

    runner = asyncio.Runner(loop_factory=VirtualLoop)
    runner.run(main())
    runner.close()
    runner.close()
    coroutine = main()
    try:
        runner.run(coroutine)
    except RuntimeError as error:
        log("run", error)
    coroutine.close()


def stop_finishes_the_batch(log):
    loop = VirtualLoop()

    def first():
        log("first")
        loop.call_soon(log, "next run")

    loop.call_soon(first)
    loop.call_soon(loop.stop)
    loop.call_soon(log, "after stop")
    loop.run_forever()
    log("stopped", loop.is_running(), loop.is_closed())
    loop.call_soon(loop.stop)
    loop.run_forever()
    loop.close()
    log("closed", loop.is_closed())


def stop_before_run_forever_runs_one_batch(log):
    loop = VirtualLoop()

    def first():
        log("first")
        loop.call_soon(log, "never")

    loop.stop()
    loop.call_soon(first)
    loop.run_forever()
    log("stopped")
    loop.close()


def timer_due_while_the_loop_is_stopped(log):
    loop = VirtualLoop()
    loop.call_at(loop.time() - 1, log, "timer")
    cancelled = loop.call_at(loop.time() - 1, log, "never")
    loop.call_soon(log, "soon")
    loop.call_soon(cancelled.cancel)
    loop.call_soon(loop.stop)
    loop.run_forever()
    log("stopped")
    loop.close()


def run_until_complete_stopped_early(log):
    loop = VirtualLoop()
    future = loop.create_future()
    loop.call_soon(loop.stop)
    try:
        loop.run_until_complete(future)
    except RuntimeError as error:
        log("stopped", error)
    loop.call_soon(future.set_result, "value")
    log(loop.run_until_complete(future))
    loop.close()


def closed_loop_refuses_work(log):
    loop = VirtualLoop()
    loop.call_soon(log, "dropped")
    loop.close()
    loop.close()
    for schedule in (
        lambda: loop.call_soon(log, "never"),
        lambda: loop.call_later(1, log, "never"),
        lambda: loop.run_forever(),
    ):
        try:
            schedule()
        except RuntimeError as error:
            log("refused", error)
