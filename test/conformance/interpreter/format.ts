// The text of a program, as it would stand in a scenario file: for reports of differences.
import {
  type Argument,
  type Clauses,
  isKeywords,
  isStep,
  isSteps,
  type Keywords,
  type Operand,
  type Step,
  type Steps,
} from './program.js';

export function formatProgram(steps: Steps, indent = ''): string {
  return steps.map((step) => formatStep(step, indent)).join('\n');
}

function formatStep(step: Step, indent: string): string {
  const deeper = `${indent}  `;
  if (step[0] === 'try') {
    const clauses = step[2] as Clauses;
    const handlers = (clauses.except ?? []).map(
      ([kind, name, steps]) => `${indent}except ${kind} ${name}\n${formatProgram(steps, deeper)}`,
    );
    const last = clauses.finally && `${indent}finally\n${formatProgram(clauses.finally, deeper)}`;
    const body = `${indent}try\n${formatProgram(step[1] as Steps, deeper)}`;
    return [body, ...handlers, ...(last ? [last] : [])].join('\n');
  }
  const body = step.slice(1).find(isSteps);
  const line = `${indent}${formatLine(step)}`;
  return body === undefined ? line : `${line}\n${formatProgram(body, deeper)}`;
}

function formatLine(step: Step): string {
  if (step[0] === '=') return `${step[1]} = ${formatLine(step[2] as Step)}`;
  const operands = step.slice(1).filter((operand) => !isSteps(operand));
  return [step[0], ...operands.map(formatOperand)].join(' ');
}

function formatOperand(operand: Operand): string {
  if (isStep(operand)) return formatLine(operand);
  if (isKeywords(operand)) {
    const pairs = Object.entries(operand as Keywords);
    return pairs.map(([key, value]) => `${key}=${formatArgument(value)}`).join(' ');
  }
  return formatArgument(operand as Argument);
}

function formatArgument(item: Argument): string {
  if (item === null) return 'None';
  if (typeof item === 'boolean') return item ? 'True' : 'False';
  if (typeof item !== 'string') return String(item);
  if (item.startsWith("'")) return `${item}'`;
  return item.startsWith('@') ? `${item.slice(1)}s` : item;
}
