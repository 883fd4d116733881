// Socket addresses as [host, port], and the records of six int32 in which they cross the boundary
// (native/uv/address.h).
// Floor 3.
//
// Most datagrams come from few peers. A record that was seen before becomes the very same array again,
// found by a hash of its words; and to send to an array that came from here only its words are copied.
// Arrays made by users go through a table of hosts. Both tables are bounded: who sends from forged
// addresses pushes out what can be made again.
import { layout, native } from './native.ts';

const { kAddressWords } = layout;

/** A host and a port; the host is numeric where the system gave it. @public */
export type SocketAddress = readonly [host: string, port: number];

/** Addresses are kept in pairs that share a hash: log2 of how many pairs. */
const kPairBits = 9;
const kPlaces = 2 << kPairBits;
/** Hosts that users sent to; they are forgotten all at once. */
const kMostHosts = 1024;
/** Knuth's multiplicative hash: the highest bits of the product are the place. */
const kHashFactor = 0x9e3779b1;

const keptWords = new Int32Array(kPlaces * kAddressWords);
const kept: (SocketAddress | undefined)[] = new Array(kPlaces).fill(undefined);
const placeOf = new Map<SocketAddress, number>();
const hosts = new Map<string, Int32Array>();

/** A record that holds no address. @internal */
export function newAddressRecord(): Int32Array {
  return new Int32Array(kAddressWords);
}

function makeAddress(words: Int32Array): SocketAddress {
  const port = (words[0] as number) >>> 16;
  return Object.freeze<[string, number]>([native.formatHost(words), port]);
}

function isAt(place: number, words: Int32Array, at: number): boolean {
  const base = place * kAddressWords;
  return (
    keptWords[base] === words[at] &&
    keptWords[base + 1] === words[at + 1] &&
    keptWords[base + 2] === words[at + 2] &&
    keptWords[base + 3] === words[at + 3] &&
    keptWords[base + 4] === words[at + 4] &&
    keptWords[base + 5] === words[at + 5]
  );
}

/**
 * The address of the record at index `at` of `words`; null for one that holds none. The array is frozen,
 * since all who look at this address share it.
 * @internal
 */
export function readAddress(words: Int32Array, at: number): SocketAddress | null {
  const first = words[at] as number;
  if (first === 0) return null;
  const mixed =
    first ^
    (words[at + 1] as number) ^
    (words[at + 2] as number) ^
    (words[at + 3] as number) ^
    (words[at + 4] as number) ^
    (words[at + 5] as number);
  const place = (Math.imul(mixed, kHashFactor) >>> (32 - kPairBits)) << 1;
  if (isAt(place, words, at)) return kept[place] as SocketAddress;
  if (isAt(place + 1, words, at)) return kept[place + 1] as SocketAddress;
  return keep(place, words.slice(at, at + kAddressWords));
}

/** Takes the first place of a pair; who had it takes the second, and who had that is forgotten. */
function keep(place: number, record: Int32Array): SocketAddress {
  const [elder, oldest] = [kept[place], kept[place + 1]];
  if (oldest !== undefined) placeOf.delete(oldest);
  const base = place * kAddressWords;
  keptWords.copyWithin(base + kAddressWords, base, base + kAddressWords);
  keptWords.set(record, base);
  kept[place + 1] = elder;
  if (elder !== undefined) placeOf.set(elder, place + 1);
  const address = makeAddress(record);
  kept[place] = address;
  placeOf.set(address, place);
  return address;
}

/** Copies one record: six loads and stores, which a call of TypedArray.set() would cost more than. */
function copyRecord(from: Int32Array, start: number, to: Int32Array, at: number): void {
  for (let i = 0; i < kAddressWords; i++) to[at + i] = from[start + i] as number;
}

/**
 * Writes the record of `address` to index `at` of `target`. Returns false, and writes nothing, when the
 * host is not numeric. Host and port must have been checked, unless the array came from here.
 * @internal
 */
export function writeAddress(address: SocketAddress, target: Int32Array, at: number): boolean {
  const place = placeOf.get(address);
  if (place !== undefined) {
    copyRecord(keptWords, place * kAddressWords, target, at);
    return true;
  }
  const [host, port] = address;
  let record = hosts.get(host);
  if (record === undefined) {
    record = newAddressRecord();
    if (native.parseAddress(host, 0, record) < 0) return false;
    if (hosts.size === kMostHosts) hosts.clear();
    hosts.set(host, record);
  }
  copyRecord(record, 0, target, at);
  target[at] = (record[0] as number) | (port << 16);
  return true;
}

/** Whether `address` came from readAddress(), so that it needs no check. @internal */
export function isKnownAddress(address: unknown): boolean {
  return placeOf.has(address as SocketAddress);
}

/** @internal */
export function sameRecord(one: Int32Array, other: Int32Array): boolean {
  for (let i = 0; i < kAddressWords; i++) if (one[i] !== other[i]) return false;
  return true;
}
