// The language of rules: CEL, bounded. What is compiled here never runs for long: no pattern backtracks, no
// loop nests deeper than two, and the caller's data comes through values that stop it (policy/rules.ts).
import { Environment, ParseError, TypeError as CelTypeError } from '@marcbachmann/cel-js';
import type { ASTNode, Context } from '@marcbachmann/cel-js';
import { RE2JS } from 're2js';

import { reasonOf } from '../core/errors.ts';

/** @throws whatever goes wrong on the way */
export type Expression = (values: Context) => boolean;

const LIMITS = {
  maxAstNodes: 1000,
  maxDepth: 32,
  maxListElements: 1000,
  maxMapEntries: 100,
  maxCallArguments: 8,
};

/** Loops within loops: two lists of a caller against each other are the most. */
const MAX_LOOPS = 2;
const LOOPS: ReadonlySet<unknown> = new Set(['all', 'exists', 'exists_one', 'map', 'filter']);

const STRINGS = ['tool', 'server', 'key', 'team', 'customer', 'environment'] as const;

/** Stands for `matches`, which the library would run on an engine that backtracks. */
const LINEAR = 'matchesLinear';

/** A fault of the expression, with the place in it. */
class Fault extends Error {
  readonly at: number;

  constructor(text: string, at: number) {
    super(text);
    this.at = at;
  }
}

/** Patterns by their text, compiled while the expression is read: one that a rule uses is there at run. */
type Patterns = Map<string, RE2JS>;

function environmentOf(patterns: Patterns): Environment {
  const environment = new Environment({
    unlistedVariablesAreDyn: false,
    homogeneousAggregateLiterals: false,
    limits: LIMITS,
  });
  environment.registerVariable('args', 'map<string, dyn>');
  environment.registerVariable('annotations', 'map<string, dyn>');
  for (const name of STRINGS) environment.registerVariable(name, 'string');
  environment.registerFunction(
    `string.${LINEAR}(string): bool`,
    (text: string, pattern: string) => {
      const compiled = patterns.get(pattern);
      if (!compiled) throw new Fault('a pattern that was not compiled', 0);
      return compiled.matcher(text).find();
    },
  );
  return environment;
}

const isNode = (value: unknown): value is ASTNode =>
  typeof value === 'object' && value !== null && 'op' in value && 'args' in value;

function childrenOf({ args }: ASTNode): ASTNode[] {
  const found: ASTNode[] = [];
  const look = (value: unknown): void => {
    if (isNode(value)) found.push(value);
    else if (Array.isArray(value)) for (const one of value as unknown[]) look(one);
  };
  look(args);
  return found;
}

interface Call {
  readonly name: unknown;
  readonly given: readonly ASTNode[];
}

function callOf(node: ASTNode): Call | undefined {
  if (node.op === 'call') return { name: node.args[0], given: node.args[1] };
  if (node.op === 'rcall') return { name: node.args[0], given: node.args[2] };
  return undefined;
}

/** Walks the expression and compiles its patterns. @throws Fault for what could run for long */
function inspect(node: ASTNode, loops: number, patterns: Patterns): void {
  const call = callOf(node);
  const isLoop = call !== undefined && node.op === 'rcall' && LOOPS.has(call.name);
  if (isLoop && loops === MAX_LOOPS) {
    throw new Fault(`more than ${MAX_LOOPS} loops within each other`, node.start);
  }
  if (call?.name === 'matches') addPattern(node, call, patterns);
  for (const child of childrenOf(node)) inspect(child, isLoop ? loops + 1 : loops, patterns);
}

function addPattern(node: ASTNode, { given }: Call, patterns: Patterns): void {
  const [pattern] = given;
  if (pattern?.op !== 'value' || typeof pattern.args !== 'string') {
    throw new Fault('matches() with a pattern that is not written out', node.start);
  }
  try {
    patterns.set(pattern.args, RE2JS.compile(pattern.args));
  } catch (error) {
    throw new Fault(`a pattern that is none (${reasonOf(error)})`, pattern.start);
  }
}

/** The text with every `matches` under the other name. */
function withLinear(text: string, root: ASTNode): string {
  const places: number[] = [];
  const look = (node: ASTNode): void => {
    if (node.op === 'rcall' && node.args[0] === 'matches') {
      places.push(text.indexOf('matches', node.args[1].end));
    }
    for (const child of childrenOf(node)) look(child);
  };
  look(root);
  return places
    .toSorted((a, b) => b - a)
    .reduce((whole, at) => whole.slice(0, at) + LINEAR + whole.slice(at + 'matches'.length), text);
}

function compile(text: string): Expression {
  const patterns: Patterns = new Map();
  const environment = environmentOf(patterns);
  const parsed = environment.parse(text);
  inspect(parsed.ast, 0, patterns);
  const { valid, type, error } = parsed.check();
  if (!valid) throw error ?? new Fault('something that is no expression', 0);
  if (type !== 'bool' && type !== 'dyn') throw new Fault(`a value of type ${type}`, 0);
  const run = environment.parse(withLinear(text, parsed.ast));
  // What is not true is not a yes, whatever else it is.
  return (values) => run(values) === true;
}

export type Compiled =
  | { readonly run: Expression; readonly problem?: undefined }
  | { readonly problem: string };

/** Compiles an expression, or says what is wrong with it: `got "…" at character 3`. */
export function compileExpression(text: string): Compiled {
  try {
    return { run: compile(text) };
  } catch (error) {
    if (error instanceof Fault) return { problem: `${error.message} at character ${error.at + 1}` };
    if (error instanceof ParseError || error instanceof CelTypeError) {
      return { problem: `${error.summary} at character ${(error.range?.start ?? 0) + 1}` };
    }
    return { problem: reasonOf(error) };
  }
}
