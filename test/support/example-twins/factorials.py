import asyncio


async def factorial(name, number):
    product = 1
    for factor in range(2, number + 1):
        print(f"{name}: {product} x {factor}")
        await asyncio.sleep(0.1)
        product *= factor
    print(f"{name}: {number}! = {product}")
    return product


async def main():
    results = await asyncio.gather(
        factorial("A", 2), factorial("B", 3), factorial("C", 4)
    )
    print(f"results: {', '.join(map(str, results))}")


asyncio.run(main())
