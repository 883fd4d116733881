// DatagramSocket: the transport of a UDP endpoint, between its native handle (a slot) and its protocol.
// Floor 7.
//
// The slot belongs to the transport until connectionLost() has been called, then it is closed; after that
// every method is harmless. Protocol methods run in the order of what happened, in the context in which the
// endpoint was made: one datagramReceived() of a poll while its events are read, the next ones in the turns
// after it, the rest as ready entries. pauseWriting() and what follows from a call of the user's own comes at
// once, as in asyncio.
//
// Datagrams of one turn are sent together at its end (send.ts), long ones at once. What the system does
// not take is copied and queued by the native side, in order. A datagram to a host name waits for the
// look-up by itself; others overtake it, as they may on their way.
import { inspect } from 'node:util';
import {
  isKnownAddress,
  newAddressRecord,
  readAddress,
  type SocketAddress,
  sameRecord,
  writeAddress,
} from './addresses.ts';
import { checkBytes, checkPort, checkText, invalidArgType, outOfRange } from './arguments.ts';
import { copyOf } from './bytes.ts';
import type { Context } from './context.ts';
import { DatagramTransportSocket } from './datagram_transport_socket.ts';
import { type FlowCall, FlowControl } from './flow_control.ts';
import { closeSlot, type EventReceiver, kNoSlot, registerReceiver } from './io_events.ts';
import { LostWrites } from './lost_writes.ts';
import { memory } from './memory.ts';
import { layout, native } from './native.ts';
import { type BaseProtocol, checkProtocol, type DatagramProtocol } from './protocols.ts';
import { ReadyCall, type ReadyEntry } from './ready.ts';
import { lookupHost } from './resolver.ts';
import { Ring } from './ring.ts';
import { addDatagramToBatch, batchEpoch, sendBatchNow } from './send.ts';
import { type ErrorPlace, systemError } from './system_errors.ts';
import type { DatagramTransport } from './transport_types.ts';
import { currentReading, type LoopCore } from './turns.ts';

const { kAddressWords, kDatagram, kReadFailed, kQueued, kWriteFailed } = layout;

/** What a datagram counts in the write buffer beside its bytes: asyncio's _header_size. */
const kOverhead = 8;

type AnyProtocol = BaseProtocol & Partial<DatagramProtocol>;

const slab = memory.receiveSlab.buffer as ArrayBuffer;
const slabWords = new Int32Array(slab);
/** Of the address of the datagram that is being sent. */
const scratch = newAddressRecord();

/** A datagram that came in. */
class Arrival implements ReadyEntry {
  private readonly socket: DatagramSocket;
  private readonly data: Buffer;
  private readonly address: SocketAddress;

  constructor(socket: DatagramSocket, data: Buffer, address: SocketAddress) {
    this.socket = socket;
    this.data = data;
    this.address = address;
  }

  run(): void {
    this.socket.deliver(this.data, this.address);
  }
}

/** @throws TypeError, RangeError unless `value` is [host, port] @internal */
export function checkAddress(value: unknown, name: string): void {
  if (!Array.isArray(value) || value.length !== 2) {
    throw invalidArgType(name, 'an array [host, port]', value);
  }
  checkText(value[0], `${name}[0]`);
  checkPort(value[1], `${name}[1]`);
}

/** Where an endpoint sends to when it has one peer. @internal */
export interface Remote {
  /** As it was given. */
  readonly name: SocketAddress;
  readonly address: SocketAddress;
  /** Whether the system knows of it, and lets nothing in from others. */
  readonly connected: boolean;
}

/** @internal */
export class DatagramSocket extends FlowControl implements DatagramTransport, EventReceiver {
  readonly loop: LoopCore;
  private slot: number;
  private readonly family: 4 | 6;
  private readonly remote: Remote | null;
  /** Where a datagram without an address goes: no address when the socket is connected. */
  private readonly target: Int32Array = newAddressRecord();
  private readonly context: Context | undefined;
  private protocol: AnyProtocol;
  /** What has come in and was not told. */
  private readonly arrivals: Ring<ReadyEntry> = new Ring();
  /** The oldest of them is being told, or is going to be. */
  private telling = false;
  /** The last reading of events in which one was told. */
  private toldIn = -1;
  /** Calls of the protocol that are in the ready queue: what arrives is told after them. */
  private scheduled = 0;
  private closing = false;
  private lost = false;
  private readonly lostSends = new LostWrites();
  /** Bytes that the native side has queued, each datagram with kOverhead. */
  private queued = 0;
  /** The same for datagrams whose host is being looked up. */
  private unresolved = 0;
  private batched = 0;
  private batchEpoch = -1;
  /** The addresses when the endpoint ended, by their names. */
  private last: Map<string, SocketAddress | null> | undefined = undefined;

  constructor(
    loop: LoopCore,
    slot: number,
    family: 4 | 6,
    remote: Remote | null,
    protocol: BaseProtocol,
    context: Context | undefined,
  ) {
    super();
    this.loop = loop;
    this.slot = slot;
    this.family = family;
    this.remote = remote;
    this.protocol = protocol;
    this.context = context;
    if (remote !== null && !remote.connected) writeAddress(remote.address, this.target, 0);
    registerReceiver(slot, this);
  }

  // ---------------------------------------------------------------------------- life

  /** Schedules connectionMade(), and then `announced()`. */
  announce(announced: () => void): void {
    this.schedule(() => this.protocol.connectionMade(this), 'connectionMade');
    this.loop.enqueue(new ReadyCall(announced));
  }

  close(): void {
    if (this.closing) return;
    this.closing = true;
    this.sendBatch();
    if (this.lost) return;
    native.datagramReceive(this.slot, false);
    this.endIfSent();
  }

  abort(): void {
    if (this.lost) return;
    this.sendBatch();
    this.closing = true;
    this.scheduleLost();
  }

  isClosing(): boolean {
    return this.closing;
  }

  private endIfSent(): void {
    if (this.closing && !this.lost && this.queued + this.unresolved === 0) this.scheduleLost();
  }

  private scheduleLost(): void {
    this.lost = true;
    this.queued = this.unresolved = 0;
    this.schedule(() => {
      try {
        this.protocol.connectionLost(null);
      } finally {
        // Who is gone is asked for most when the endpoint is.
        this.last = new Map(
          ['peername', 'sockname'].map((name) => [name, this.addressOf(name === 'peername')]),
        );
        this.slot = closeSlot(this.slot);
      }
    }, 'connectionLost');
  }

  // -------------------------------------------------------------------------- sending

  sendto(data: Uint8Array | string, given: SocketAddress | null = null): void {
    if (typeof data !== 'string') checkBytes(data, 'data');
    if (given !== null && !isKnownAddress(given)) checkAddress(given, 'address');
    // Python's name for it.
    const address: SocketAddress | null =
      given?.[0] === '<broadcast>' ? ['255.255.255.255', given[1]] : given;
    const { remote } = this;
    if (remote !== null) {
      if (address !== null && !this.isRemote(address)) {
        throw outOfRange('address', `null or ${inspect(remote.address)}`, address);
      }
      this.send(data, this.target);
    } else if (address === null) {
      const expected = 'an array [host, port], since the endpoint has no remote address';
      throw invalidArgType('address', expected, address);
    } else if (writeAddress(address, scratch, 0)) {
      this.send(data, scratch);
    } else {
      this.sendToName(data, address[0], address[1]);
    }
  }

  /** Whether `address` is the one peer's, as it was given or as a number. */
  private isRemote(address: SocketAddress): boolean {
    const { name, address: numeric } = this.remote as Remote;
    if (address === numeric || (address[0] === name[0] && address[1] === name[1])) return true;
    const given = newAddressRecord();
    const own = newAddressRecord();
    return (
      writeAddress(address, given, 0) && writeAddress(numeric, own, 0) && sameRecord(given, own)
    );
  }

  private send(data: Uint8Array | string, record: Int32Array): void {
    if (this.lost) {
      this.noteLostSend();
      return;
    }
    if (this.queued === 0) {
      const length = addDatagramToBatch(this.slot, record, data);
      if (length >= 0) {
        this.noteBatched(length + kOverhead);
        return;
      }
    }
    const bytes = typeof data === 'string' ? Buffer.from(data, 'utf8') : data;
    this.sendBatch();
    const queued = native.datagramSend(this.slot, bytes, record);
    if (queued < 0) this.tellSendFailed(queued, record);
    else this.setQueued(queued);
  }

  private sendToName(data: Uint8Array | string, host: string, port: number): void {
    if (this.lost) {
      this.noteLostSend();
      return;
    }
    const bytes = Buffer.from(data as Uint8Array);
    const size = bytes.length + kOverhead;
    this.unresolved += size;
    this.applyWaterMarks(this.bufferedForMarks());
    lookupHost(host, this.family)
      .then(
        (found) => {
          if (!this.lost && writeAddress([found, port], scratch, 0)) this.send(bytes, scratch);
        },
        (error) => this.tellError(error),
      )
      .then(() => {
        if (this.lost) return;
        this.unresolved -= size;
        this.resumeLater();
        this.endIfSent();
      });
  }

  getWriteBufferSize(): number {
    this.sendBatch();
    return this.bufferedForMarks();
  }

  protected override bufferedForMarks(): number {
    return this.queued + this.unresolved;
  }

  private noteBatched(size: number): void {
    const epoch = batchEpoch();
    if (epoch !== this.batchEpoch) {
      this.batchEpoch = epoch;
      this.batched = 0;
    }
    this.batched += size;
    // So that a protocol which sends in a loop is paused in time.
    if (this.batched > this.high) this.sendBatch();
  }

  /** Sends what this turn has batched, so that what follows cannot overtake it. */
  private sendBatch(): void {
    if (this.batched === 0) return;
    this.batched = 0;
    if (batchEpoch() !== this.batchEpoch) return;
    sendBatchNow();
    this.takeFailures();
    this.setQueued(native.datagramQueued(this.slot));
  }

  private setQueued(size: number): void {
    this.queued = size;
    this.applyWaterMarks(this.bufferedForMarks());
  }

  protected override tellWriting(call: FlowCall): void {
    try {
      this.protocol[call]();
    } catch (error) {
      this.report(`protocol.${call}() failed`, error);
    }
  }

  /** Told as an entry, behind what was received before. */
  private resumeLater(): void {
    if (!this.crossesWaterMark(this.bufferedForMarks())) return;
    this.schedule(() => this.applyWaterMarks(this.bufferedForMarks()));
  }

  private noteLostSend(): void {
    this.lostSends.note('sendto() on a closed endpoint: look at isClosing()');
  }

  // ------------------------------------------------------------------ protocol, addresses

  setProtocol(protocol: BaseProtocol): void {
    checkProtocol(protocol, 'protocol');
    this.protocol = protocol;
  }

  getProtocol(): BaseProtocol {
    return this.protocol;
  }

  // biome-ignore lint/suspicious/noExplicitAny: the kind depends on the name
  getExtraInfo(name: string, fallback: unknown = null): any {
    if (name === 'socket') {
      return new DatagramTransportSocket(
        () => this.slot,
        () => this.sendBatch(),
      );
    }
    if (name !== 'peername' && name !== 'sockname') return fallback;
    const address =
      this.last === undefined ? this.addressOf(name === 'peername') : this.last.get(name);
    return address ?? fallback;
  }

  private addressOf(peer: boolean): SocketAddress | null {
    const record = newAddressRecord();
    const status = native.datagramAddress(this.slot, peer, record);
    return status < 0 ? null : readAddress(record, 0);
  }

  // -------------------------------------------------------------------------- events

  detached(): void {
    this.slot = kNoSlot;
    this.closing = this.lost = true;
    this.queued = this.unresolved = this.batched = 0;
    this.last = new Map();
  }

  /** The batch was sent as a whole because it was full. */
  flushed(outcome: number): void {
    if (!this.lost) this.setQueued(outcome);
  }

  onEvent(kind: number, a: number, b: number): void {
    if (kind === kDatagram) this.onDatagram(a, b);
    else if (kind === kReadFailed) this.onReadFailed(a);
    else if (kind === kWriteFailed) this.takeFailures();
    else if (kind === kQueued) this.onQueued();
  }

  private onDatagram(length: number, location: number): void {
    if (this.closing) return;
    const at = location >> 2;
    const start = slabWords[at + kAddressWords] as number;
    const data = copyOf(slab, start, length);
    const address = readAddress(slabWords, at) ?? (this.remote as Remote).address;
    this.arrived(new Arrival(this, data, address));
  }

  /** One arrival is told in a turn, as asyncio reads one in a turn: what it schedules comes before the next. */
  private arrived(arrival: ReadyEntry): void {
    this.arrivals.push(arrival);
    if (this.telling) return;
    this.telling = true;
    const reading = currentReading();
    if (this.scheduled > 0 || this.toldIn === reading) {
      this.loop.enqueue(this);
    } else {
      this.toldIn = reading;
      this.loop.runEvent(this);
    }
  }

  /** What the entry calls, for reports. @internal */
  get calls(): string {
    return `of the protocol ${this.protocol.constructor.name}`;
  }

  /** Tells the oldest arrival. @internal */
  run(): void {
    try {
      this.arrivals.take().run();
    } finally {
      this.telling = this.arrivals.size > 0;
      if (this.telling) this.loop.enqueue(this);
    }
  }

  private onReadFailed(errno: number): void {
    const error = systemError(errno, 'recvmsg', this.placeOf(null));
    if (this.telling) this.arrivals.push(new ReadyCall(() => this.tellError(error)));
    else this.tellError(error);
  }

  /** Takes what could not be sent: it may have been taken before this event came. */
  private takeFailures(): void {
    const record = newAddressRecord();
    for (;;) {
      const errno = native.datagramTakeFailure(this.slot, record);
      if (errno === 0) return;
      this.tellSendFailed(errno, record);
    }
  }

  private onQueued(): void {
    if (this.lost) return;
    this.queued = native.datagramQueued(this.slot);
    this.resumeLater();
    this.endIfSent();
  }

  private tellSendFailed(errno: number, record: Int32Array): void {
    this.tellError(systemError(errno, 'send', this.placeOf(readAddress(record, 0))));
  }

  /** What an error says of its address: that of the one peer if it has none of its own. */
  private placeOf(address: SocketAddress | null): ErrorPlace {
    const place = address ?? this.remote?.address;
    return place === undefined ? {} : { address: place[0], port: place[1] };
  }

  private tellError(error: unknown): void {
    if (this.lost) return;
    this.schedule(() => this.protocol.errorReceived?.(error), 'errorReceived');
  }

  deliver(data: Buffer, address: SocketAddress): void {
    if (this.closing) return;
    const { protocol } = this;
    try {
      if (this.context === undefined) protocol.datagramReceived?.(data, address);
      else this.context(() => protocol.datagramReceived?.(data, address));
    } catch (error) {
      this.report('Exception in protocol.datagramReceived()', error);
    }
  }

  /** @param method - of the protocol, for reports */
  private schedule(call: () => void, method?: string): void {
    const { context } = this;
    this.scheduled += 1;
    const entry = () => {
      this.scheduled -= 1;
      if (context === undefined) call();
      else context(call);
    };
    this.loop.enqueue(new ReadyCall(entry, method));
  }

  private report(message: string, exception: unknown): void {
    this.loop.callExceptionHandler({
      message,
      exception,
      transport: this,
      protocol: this.protocol,
    });
  }
}
