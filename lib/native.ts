// The typed surface of the addon, and its loader. The only file that names the addon.
// Floor 1.
import './copies.ts';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

/** Names of the fields in shared memory; the values come from the addon (native/core/shared_state.h). */
interface Layout {
  readonly [name: string]: number;
  readonly kReadyCount: number;
  readonly kLiveTimers: number;
  readonly kStaleTimers: number;
  readonly kEventCount: number;
  readonly kDueCount: number;
  readonly kBudgetSpent: number;
  readonly kWriteCount: number;
  readonly kDraining: number;
  readonly kPromiseState: number;
  readonly kFulfilled: number;
  readonly kRejected: number;
  readonly kPollSlept: number;
  readonly kStateFields: number;
  readonly kTimerDeadline: number;
  readonly kClockFields: number;
  readonly kEventStride: number;
  readonly kEventCapacity: number;
  readonly kDueCapacity: number;
  readonly kWriteStride: number;
  readonly kWriteCapacity: number;
  readonly kAccepted: number;
  readonly kDatagram: number;
  readonly kData: number;
  readonly kReadable: number;
  readonly kEof: number;
  readonly kReadFailed: number;
  readonly kQueued: number;
  readonly kWriteFailed: number;
  readonly kExited: number;
  readonly kWoken: number;
  readonly kClosed: number;
  readonly kSmallestLent: number;
  readonly kAddressWords: number;
  readonly kLentClasses: number;
  readonly kRegularFile: number;
  readonly kCharacterDevice: number;
  readonly kPipe: number;
  readonly kTcpSocket: number;
  readonly kLocalSocket: number;
  readonly kDatagramSocket: number;
  readonly kOtherSocket: number;
  readonly kReadableDescriptor: number;
  readonly kWritableDescriptor: number;
  readonly kListeningDescriptor: number;
  readonly kDescriptorKindMask: number;
  readonly kPollReadable: number;
  readonly kPollWritable: number;
  readonly kPollHangUp: number;
  readonly kListenIpv6Only: number;
  readonly kListenReuseAddress: number;
  readonly kListenReusePort: number;
  readonly kListenKeepAlive: number;
  readonly kDevNull: number;
  readonly kPiped: number;
  readonly kSameAsStdout: number;
  readonly kDetached: number;
  readonly kVerbatimArguments: number;
}

/** @internal */
export interface SharedMemory {
  readonly state: Int32Array;
  readonly clock: Float64Array;
  readonly events: Int32Array;
  readonly due: Int32Array;
  readonly writes: Int32Array;
  readonly receiveSlab: Uint8Array;
  readonly sendSlab: Uint8Array;
}

/**
 * The addon. Functions that return a number give a negative libuv error for a failure. The optional
 * ones stand on V8 functions found by name at load.
 * @internal
 */
export interface Native {
  readonly layout: Layout;
  attach(memory: SharedMemory, drain: () => void): void;
  setTimerTable(generations: Uint32Array): void;
  checkpoint?(): void;
  checkpointAndTurn?(): number;
  turn(): number;
  wake(): void;
  now(): number;
  timerAt(slot: number, deadline: number): void;
  timerAfter(slot: number, delay: number): void;
  sweepTimers(): void;
  stopTimerIfIdle(): void;
  handleCount(): number;
  getFrame?(): unknown;
  setFrame?(frame: unknown): void;
  awaitFrame?(resolve: unknown, reject: unknown): unknown;
  areResolvers?(resolve: unknown, reject: unknown): boolean;
  promiseOutcome?(promise: Promise<unknown>): unknown;
  promiseHasHandler?(promise: object): boolean;
  tcpBind(address: string, port: number, flags: number): number;
  listen(slot: number, backlog: number): number;
  localBind(name: Uint8Array, removesFile: boolean): number;
  localConnect(name: Uint8Array): number;
  listenerOpen(fd: number, removesFile: boolean): number;
  resumeAccepting(slot: number): number;
  tcpOpen(localAddress: string, localPort: number): number;
  tcpConnect(slot: number, address: string, port: number): number;
  streamOpen(fd: number, tcp: boolean): number;
  streamRelease(slot: number): number;
  streamReadStart(slot: number, announce: boolean): number;
  streamReadInto(slot: number, bytes: Uint8Array): number;
  streamReadStop(slot: number): number;
  streamWrite(slot: number, bytes: Uint8Array): number;
  streamFlush(slot: number): number;
  flushWrites(): number;
  streamShutDown(slot: number): number;
  close(slot: number): void;
  setRef(slot: number, ref: boolean): void;
  setNoDelay(slot: number, enabled: boolean): number;
  setKeepAlive(slot: number, enabled: boolean): number;
  fileDescriptor(slot: number): number;
  socketAddress(
    slot: number,
    peer: boolean,
  ): [address: string, port: number, family: 4 | 6] | string | number;
  parseAddress(host: string, port: number, address: Int32Array): number;
  formatHost(address: Int32Array): string;
  datagramOpen(
    family: number,
    reuseAddress: boolean,
    reusePort: boolean,
    broadcast: boolean,
  ): number;
  datagramAdopt(fd: number): number;
  datagramFamily(slot: number): number;
  datagramBind(slot: number, address: Int32Array): number;
  datagramConnect(slot: number, address: Int32Array): number;
  datagramReceive(slot: number, on: boolean): number;
  datagramSend(slot: number, bytes: Uint8Array, address: Int32Array): number;
  datagramQueued(slot: number): number;
  datagramTakeFailure(slot: number, address: Int32Array): number;
  datagramAddress(slot: number, peer: boolean, address: Int32Array): number;
  datagramSetBroadcast(slot: number, value: number): number;
  datagramSetTtl(slot: number, value: number): number;
  datagramSetMulticastTtl(slot: number, value: number): number;
  datagramSetMulticastLoopback(slot: number, value: number): number;
  datagramSetMulticastInterface(slot: number, address: string): number;
  datagramSetMembership(
    slot: number,
    group: string,
    address: string,
    source: string,
    join: boolean,
  ): number;
  descriptorKind(fd: number): number;
  descriptorEnd(fd: number): number;
  ownsDescriptor(fd: number): boolean;
  pollerOpen(fd: number): number;
  pollerWatch(slot: number, events: number): number;
  fileSenderOpen(stream: number): number;
  fileSend(sender: number, file: number, offset: number, count: number): number;
  fileSendStop(sender: number): void;
  fileSent(sender: number): number;
  streamQueued(slot: number): number;
  splicerOpen(source: number, target: number): number;
  splicerBegin(splicer: number, count: number): number;
  splicerStop(splicer: number): void;
  splicerTaken(splicer: number): number;
  processSpawn(
    file: string,
    args: readonly string[],
    environment: readonly string[] | null,
    cwd: string,
    stdio: Int32Array,
    flags: number,
    uid: number,
    gid: number,
  ): number;
  processSignal(slot: number, signal: number): number;
  growPipe(fd: number): void;
  wakerOpen(): number;
  wakerId(slot: number): number;
  wakeThread(id: number): boolean;
  lend(lentClass: number, index: number, pieces: Uint8Array, count: number): void;
}

function load(): Native {
  const require = createRequire(import.meta.url);
  const root = fileURLToPath(new URL('..', import.meta.url));
  try {
    return (require('node-gyp-build') as (folder: string) => Native)(root);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ERR_DLOPEN_DISABLED') {
      throw new Error('aionode needs its addon: start Node with --allow-addons too', { cause });
    }
    if (code === 'MODULE_NOT_FOUND' && message.includes('node-gyp-build')) {
      throw new Error(
        'aionode cannot be bundled, for it has an addon: have the bundler leave it out (external), and install it ' +
          'beside the bundle',
        { cause },
      );
    }
    throw new Error(
      `aionode: no native binary for ${process.platform}-${process.arch} (Node ${process.versions.node}) could be loaded; ` +
        'build one with `npm rebuild aionode`, which needs Python and a C++17 compiler',
      { cause },
    );
  }
}

/** @internal */
export const native: Native = load();

/** @internal */
export const layout: Layout = native.layout;
