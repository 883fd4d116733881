// Scenarios that the step language cannot express: written twice, under the same names.

export type Log = (...values: unknown[]) => void;
export type Pairs = Readonly<Record<string, (log: Log) => Promise<void>>>;
