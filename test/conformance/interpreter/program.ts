// The shape of a program, as oracle/parser.py makes it from the text of a scenario.

/** A name, a literal (see `Interpreter`), or null. */
export type Argument = string | number | boolean | null;
export type Keywords = Readonly<Record<string, Argument>>;
export type Except = readonly [kind: string, name: string | null, steps: Steps];
export interface Clauses {
  readonly except?: readonly Except[];
  readonly finally?: Steps;
}
export type Operand = Argument | Keywords | Clauses | Step | Steps;
export type Step = readonly [name: string, ...operands: Operand[]];
export type Steps = readonly Step[];

export const isStep = (operand: Operand | undefined): operand is Step =>
  Array.isArray(operand) && typeof operand[0] === 'string';

export const isSteps = (operand: Operand | undefined): operand is Steps =>
  Array.isArray(operand) && Array.isArray(operand[0]);

export const isKeywords = (operand: Operand | undefined): operand is Keywords =>
  typeof operand === 'object' && operand !== null && !Array.isArray(operand);

/** Whether a program uses the clock: such a one has no passes in its trace. */
export const isTimed = (program: Steps): boolean => JSON.stringify(program).includes('"@');
