// Arguments are checked against the tool's schema before anybody is asked and anything runs.
import type { Span } from '../core/call.ts';
import { GatewayError } from '../core/errors.ts';
import type { Interceptor } from '../core/interceptor.ts';
import type { Log } from '../core/log.ts';
import type { Item } from '../core/source.ts';
import { checkJson, membersOf, sliceOf, valueOf } from '../wire/json.ts';
import { readParams } from '../wire/message.ts';
import { revealed } from './question.ts';
import { compileSchema } from './schema/compile.ts';
import type { CompiledSchema, Unsupported } from './schema/compile.ts';
import { FALSE, pathOf, Run, UNKNOWN } from './schema/run.ts';
import type { Finding, Verdict } from './schema/run.ts';
import { KIND, readTree } from './schema/value.ts';
import type { Value } from './schema/value.ts';

export { compileSchema } from './schema/compile.ts';
export type { CompiledSchema } from './schema/compile.ts';

export interface ArgumentFault {
  /** `$.a[0].b` */
  readonly path: string;
  readonly expected: string;
  readonly got: string;
}

export interface Checked {
  /** At most 10; none: nothing is known to be wrong. */
  readonly faults: readonly ArgumentFault[];
  /** The cap at which the check was given up; empty: none. The upstream judges then. */
  readonly givenUp: string;
  readonly steps: number;
}

/** More values are the upstream's to judge. */
export const MAX_ARGUMENT_VALUES = 100_000;
const MAX_FAULTS = 10;
const MAX_SHOWN = 24;
/** Schemas that are kept compiled. */
const MAX_CACHED = 2_000;
const NO_ARGUMENTS = Buffer.from('{}');

const SECRET_NAME =
  /pass(word|phrase|wd)?|secret|token|api[-_]?key|credential|authorization|cookie|private[-_]?key/i;
/** What keys and tokens of well-known services start with. */
const SECRET_TEXT =
  /^(?:tg_|sk-|pk-|gh[oprsu]_|github_pat_|xox[abeoprs]-|AKIA|eyJ|-----BEGIN|Bearer )/;

/** Checks raw JSON that is part of a checked message. */
export function checkArguments({ rule }: CompiledSchema, bytes: Buffer, span: Span): Checked {
  const tree = readTree(bytes, span, MAX_ARGUMENT_VALUES);
  if (!tree) return { faults: [], givenUp: `more than ${MAX_ARGUMENT_VALUES} values`, steps: 0 };
  // Readers differ in which one they take: what is checked must be what is used.
  const twice = tree.twice.slice(0, MAX_FAULTS).map(({ object, key }) => ({
    path: pathOf(object, key),
    expected: 'each key once',
    got: 'the key twice',
  }));
  if (twice.length > 0) return { faults: twice, givenUp: '', steps: 0 };
  const run = new Run();
  const verdict: Verdict = run.check(rule, tree.root);
  const faults = verdict === FALSE ? (run.findings ?? []).map(toFault) : [];
  return { faults, givenUp: verdict === UNKNOWN ? run.cap : '', steps: run.steps };
}

function toFault({ value, key, expected }: Finding): ArgumentFault {
  const path = revealed(pathOf(value, key));
  if (key === undefined) return { path, expected, got: shown(value) };
  const member = value.members.get(key);
  return { path, expected, got: member ? shown(member) : 'nothing' };
}

/** The type and so much of the value that it can be recognised, and no secret. */
function shown(value: Value): string {
  const { kindName } = value;
  if (value.kind === KIND.null) return 'null';
  if (value.kind === KIND.object) return `object with ${value.members.size} properties`;
  if (value.kind === KIND.array) return `array of ${value.elements.length}`;
  if (isSecret(value)) return `${kindName} [hidden]`;
  const { source } = value;
  if (source.length <= MAX_SHOWN) return `${kindName} ${revealed(source)}`;
  const start = Array.from(source.slice(0, MAX_SHOWN)).slice(0, -1).join('');
  return `${kindName} ${revealed(start)}… (${source.length} characters)`;
}

function isSecret(value: Value): boolean {
  for (let at: Value | undefined = value; at; at = at.parent) {
    if (typeof at.key === 'string' && SECRET_NAME.test(at.key)) return true;
  }
  return value.kind === KIND.string && SECRET_TEXT.test(value.text);
}

/** Raw JSON of a tool's input schema. */
export function inputSchemaOf(definition: Buffer): Buffer | undefined {
  const span = valueOf(membersOf(definition, { start: 0, end: definition.length }), 'inputSchema');
  return span && sliceOf(definition, span);
}

/** What of a tool's input schema is left to the upstream, as sentences, for `toolgate check`. */
export function schemaReport(definition: Buffer): readonly string[] {
  checkJson(definition);
  const schema = inputSchemaOf(definition);
  return schema
    ? compileSchema(schema).unsupported
    : ['$: there is no inputSchema; nothing is checked'];
}

interface Cached {
  readonly raw: Buffer;
  readonly schema: CompiledSchema | undefined;
  isTold: boolean;
}

/** Compiled schemas by definition, the longest unused one dropped first. */
class Schemas {
  readonly #log: Log;
  readonly #byHash = new Map<string, Cached>();

  constructor(log: Log) {
    this.#log = log;
  }

  of(definitionHash: string, { name, raw }: Item): Cached {
    const known = this.#byHash.get(definitionHash);
    // What is shown may be another definition than the one that the hash stands for (`pinning: "hold"`).
    if (known && (known.raw === raw || known.raw.equals(raw))) {
      this.#byHash.delete(definitionHash);
      this.#byHash.set(definitionHash, known);
      return known;
    }
    const input = inputSchemaOf(raw);
    const compiled: CompiledSchema | Unsupported = input
      ? compileSchema(input)
      : { unsupported: [] };
    if (compiled.unsupported.length > 0) {
      const { unsupported } = compiled;
      this.#log.info({ tool: name, unsupported }, 'a part of the schema is left to the upstream');
    }
    const cached: Cached = { raw, schema: compiled.rule && compiled, isTold: false };
    this.#byHash.set(definitionHash, cached);
    const [oldest] = this.#byHash.keys();
    if (this.#byHash.size > MAX_CACHED && oldest !== undefined) this.#byHash.delete(oldest);
    return cached;
  }
}

export interface ArgumentCheckOptions {
  readonly log: Log;
}

/** Refuses a tool call whose arguments are known to be wrong. @throws GatewayError ARGUMENTS_INVALID */
export function createArgumentCheck({ log }: ArgumentCheckOptions): Interceptor {
  const schemas = new Schemas(log);
  return async (call, target, next) => {
    const { item, definitionHash } = target;
    if (call.method !== 'tools/call' || !item) return next(call);
    const cached = schemas.of(definitionHash, item);
    if (!cached.schema) return next(call);
    const { message } = call;
    const span = valueOf(readParams(message).members, 'arguments');
    const checked = span
      ? checkArguments(cached.schema, message.bytes, span)
      : checkArguments(cached.schema, NO_ARGUMENTS, { start: 0, end: NO_ARGUMENTS.length });
    if (checked.faults.length > 0) throw refusal(call.name, checked.faults);
    if (checked.givenUp !== '' && !cached.isTold) {
      cached.isTold = true;
      const facts = { server: target.source.name, tool: target.name, cap: checked.givenUp };
      log.warn(facts, 'the arguments take more than the check allows; the upstream judges them');
    }
    return next(call);
  };
}

function refusal(tool: string, faults: readonly ArgumentFault[]): GatewayError {
  const lines = faults.map(
    ({ path, expected, got }) => `${path}: expected ${expected}, got ${got}`,
  );
  const sentence = `The arguments of ${JSON.stringify(tool)} do not fit its schema. ${lines.join('; ')}.`;
  return new GatewayError('ARGUMENTS_INVALID', sentence, { data: { tool, faults } });
}
