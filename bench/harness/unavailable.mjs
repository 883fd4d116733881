/** Thrown where a peer, a compiler or a system facility is missing: its benchmarks are skipped. */
export class Unavailable extends Error {}
