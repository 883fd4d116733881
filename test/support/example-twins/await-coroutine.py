import asyncio


async def half(number):
    print(f"half({number}) starts")
    await asyncio.sleep(0.05)
    if number % 2:
        raise ValueError(f"{number} is odd")
    return number // 2


async def quarter(number):
    print(f"quarter({number}) starts")
    result = await half(await half(number))
    print(f"quarter({number}) ends")
    return result


async def main():
    pending = quarter(12)
    print("called, but not started")
    print(f"result: {await pending}")
    try:
        await quarter(6)
    except ValueError as error:
        print(f"error: {error}")


asyncio.run(main())
