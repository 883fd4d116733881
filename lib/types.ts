// Names for plain values that the public functions take and give.
// Floor 0.

/** Seconds, fractional: every delay, timeout and clock value. @public */
export type Seconds = number;

/** Accepted wherever bytes are written. A string is written as UTF-8. @public */
export type BytesLike = Uint8Array | string;

/**
 * What is read: a Buffer that is never shared memory, `Buffer<ArrayBuffer>` where Node's types have it.
 * @public
 */
export type Bytes = ReturnType<typeof Buffer.alloc>;
