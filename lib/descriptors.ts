// File descriptors that users bring: checks, and what they are.
// Floor 2.
import { checkInteger } from './arguments.ts';
import { RuntimeError } from './exceptions.ts';
import { layout, native } from './native.ts';
import { systemError } from './system_errors.ts';

const kLargestDescriptor = 2 ** 31 - 1;

/** What a descriptor is. @internal */
export interface Descriptor {
  /** One of `layout`'s kRegularFile, kCharacterDevice, kPipe, kTcpSocket, kLocalSocket, ... */
  readonly kind: number;
  readonly readable: boolean;
  readonly writable: boolean;
  readonly listening: boolean;
}

/** @internal */
export function checkDescriptor(value: unknown, name = 'fd'): void {
  checkInteger(value, name, 0, kLargestDescriptor);
}

/** @throws Node's system error EBADF for a descriptor that is not open @internal */
export function describeDescriptor(fd: number): Descriptor {
  const flags = native.descriptorKind(fd);
  if (flags < 0) throw systemError(flags, 'fstat');
  return {
    kind: flags & layout.kDescriptorKindMask,
    readable: (flags & layout.kReadableDescriptor) !== 0,
    writable: (flags & layout.kWritableDescriptor) !== 0,
    listening: (flags & layout.kListeningDescriptor) !== 0,
  };
}

/** One owner for each descriptor. @throws RuntimeError when a transport or server has it @internal */
export function checkNotOwned(fd: number): void {
  if (native.ownsDescriptor(fd)) {
    throw new RuntimeError(`File descriptor ${fd} is used by a transport or server of aionode`);
  }
}
