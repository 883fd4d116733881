import asyncio

ITEMS = [5, 2, 8, 1, 7, 3, 6, 4]
MAXSIZE = 4


async def produce(queue):
    for item in ITEMS:
        await queue.put(item)
        print(f"put {item}, {queue.qsize()} in the queue")


async def consume(name, queue):
    while True:
        item = await queue.get()
        print(f"{name} takes {item}")
        await asyncio.sleep(0)
        queue.task_done()


async def pool(title, queue):
    print(f"{title}:")
    workers = [asyncio.create_task(consume(name, queue)) for name in "AB"]
    await produce(queue)
    await queue.join()
    for worker in workers:
        worker.cancel()
    await asyncio.gather(*workers, return_exceptions=True)
    cancelled = str(all(worker.cancelled() for worker in workers)).lower()
    print(f"left: {queue.qsize()}, workers cancelled: {cancelled}")


async def main():
    await pool("Queue", asyncio.Queue(MAXSIZE))
    await pool("PriorityQueue", asyncio.PriorityQueue(MAXSIZE))
    await pool("LifoQueue", asyncio.LifoQueue(MAXSIZE))


asyncio.run(main())
