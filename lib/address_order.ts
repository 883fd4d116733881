// In which order the addresses of a host are tried, and the one error for all of them.
// Floor 8.
import type { AddressInfo } from './resolver.ts';

/**
 * Alternates between the families, beginning with `first` addresses of the first one (RFC 8305, 4).
 * @internal
 */
export function interleaved(addresses: readonly AddressInfo[], first: number): AddressInfo[] {
  const families = new Map<number, AddressInfo[]>();
  for (const address of addresses) {
    const list = families.get(address.family);
    if (list === undefined) families.set(address.family, [address]);
    else list.push(address);
  }
  const lists = [...families.values()];
  const ordered = lists[0]?.splice(0, first - 1) ?? [];
  const longest = Math.max(0, ...lists.map((list) => list.length));
  for (let index = 0; index < longest; index++) {
    for (const list of lists) {
      const address = list[index];
      if (address !== undefined) ordered.push(address);
    }
  }
  return ordered;
}

/**
 * One error for several failed attempts: the only one, the first if all say the same, else all of them in
 * one, with the code of the first, as Node does.
 * @internal
 */
export function combined(errors: readonly unknown[]): unknown {
  const first = errors[0] as NodeJS.ErrnoException;
  const messages = errors.map((error) => (error as Error).message);
  if (messages.every((message) => message === messages[0])) return first;
  const all = new AggregateError(errors, `Multiple exceptions: ${messages.join(', ')}`);
  const { code, errno, syscall } = first;
  return Object.assign(all, { code, errno, syscall });
}
