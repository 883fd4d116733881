// Values that may be there already. An `await` gives up the current step even for such a value, which a
// coroutine of Python does not: what eager tasks do before they suspend must not use one.

export type Eventual<T> = T | Promise<T>;

export function chain<T, U>(value: Eventual<T>, next: (value: T) => Eventual<U>): Eventual<U> {
  return value instanceof Promise ? chainLater(value, next) : next(value);
}

async function chainLater<T, U>(value: Promise<T>, next: (value: T) => Eventual<U>): Promise<U> {
  return next(await value);
}

export function recover<T>(
  body: () => Eventual<T>,
  handler: (error: unknown) => Eventual<T>,
): Eventual<T> {
  let result: Eventual<T>;
  try {
    result = body();
  } catch (error) {
    return handler(error);
  }
  return result instanceof Promise ? recoverLater(result, handler) : result;
}

async function recoverLater<T>(
  result: Promise<T>,
  handler: (error: unknown) => Eventual<T>,
): Promise<T> {
  try {
    return await result;
  } catch (error) {
    return handler(error);
  }
}

/** `try` and `finally`. */
export function cleanUp<T>(body: () => Eventual<T>, last: () => Eventual<unknown>): Eventual<T> {
  const settled = recover<{ value: T } | { error: unknown }>(
    () => chain(body(), (value) => ({ value })),
    (error) => ({ error }),
  );
  return chain(settled, (outcome) =>
    chain(last(), () => {
      if ('error' in outcome) throw outcome.error;
      return outcome.value;
    }),
  );
}
