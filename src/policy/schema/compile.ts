// Compiles a tool's input schema (JSON Schema 2020-12, and what older drafts spell otherwise). Schemas come from
// servers that nobody vouches for: every size is capped, and what cannot be checked is left to the upstream.
import { isGatewayError, reasonOf } from '../../core/errors.ts';
import { checkJson } from '../../wire/json.ts';
import { arrayChecks, unevaluatedItemChecks } from './arrays.ts';
import { branchChecks, referenceChecks } from './branches.ts';
import { objectChecks, unevaluatedPropertyChecks } from './objects.ts';
import { toPattern } from './pattern.ts';
import type { Pattern } from './pattern.ts';
import { undecided } from './reader.ts';
import type { Compile, Context } from './reader.ts';
import { References } from './references.ts';
import { newSeen, pathOf, TRUE } from './run.ts';
import type { Check, Rule } from './run.ts';
import {
  constantChecks,
  numberChecks,
  shortConstant,
  shortList,
  stringChecks,
  typeChecks,
  typesOf,
} from './scalars.ts';
import { KIND, readTree } from './value.ts';
import type { Value } from './value.ts';

const MAX_SCHEMA_BYTES = 256 * 1024;
/** JSON levels: a schema in a schema takes two. */
const MAX_SCHEMA_DEPTH = 128;
const MAX_SCHEMA_VALUES = 50_000;
const MAX_SUBSCHEMAS = 2_000;
/** Instructions of all patterns together. */
const MAX_PATTERN_SIZE = 20_000;
const MAX_NOTES = 20;

export interface CompiledSchema {
  readonly rule: Rule;
  /** Parts that are left to the upstream, as sentences. */
  readonly unsupported: readonly string[];
}

/** Nothing of the schema can be checked. */
export interface Unsupported {
  readonly rule?: undefined;
  readonly unsupported: readonly string[];
}

const OLD_DRAFT = /^https?:\/\/json-schema\.org\/draft-0[3467]\//;
const KNOWN_DRAFT =
  /^https?:\/\/json-schema\.org\/(draft\/20(19-09|20-12)|draft-0[3467])?\/?schema#?$/;

/** @returns what is left to the upstream where nothing of the schema can be checked */
export function compileSchema(inputSchema: Buffer): CompiledSchema | Unsupported {
  if (inputSchema.length > MAX_SCHEMA_BYTES)
    return left(`the schema has more than ${MAX_SCHEMA_BYTES} bytes`);
  try {
    const tree = readTree(inputSchema, checkJson(inputSchema), MAX_SCHEMA_VALUES);
    if (!tree) return left(`the schema has more than ${MAX_SCHEMA_VALUES} values`);
    if (depthOf(tree.root) > MAX_SCHEMA_DEPTH)
      return left(`the schema is more than ${MAX_SCHEMA_DEPTH} levels deep`);
    const compiler = new Compiler(tree.root);
    return compiler.compile();
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    return left(reasonOf(error));
  }
}

const left = (why: string): Unsupported => ({
  unsupported: [`$: ${why}; nothing of it is checked`],
});

function depthOf(root: Value): number {
  let deepest = 0;
  const open: { value: Value; depth: number }[] = [{ value: root, depth: 1 }];
  for (let next = open.pop(); next; next = open.pop()) {
    const { value, depth } = next;
    if (depth > deepest) deepest = depth;
    if (depth > MAX_SCHEMA_DEPTH) return depth;
    for (const child of value.elements) open.push({ value: child, depth: depth + 1 });
    for (const child of value.members.values()) open.push({ value: child, depth: depth + 1 });
  }
  return deepest;
}

/** Only those are compiled of which a schema has a keyword. */
const GROUPS: readonly (readonly [Compile, ...string[]])[] = [
  [typeChecks, 'type'],
  [constantChecks, 'enum', 'const'],
  [numberChecks, 'minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
  [stringChecks, 'minLength', 'maxLength', 'pattern'],
  [
    arrayChecks,
    'items',
    'prefixItems',
    'additionalItems',
    'minItems',
    'maxItems',
    'contains',
    'uniqueItems',
  ],
  [
    objectChecks,
    'properties',
    'patternProperties',
    'additionalProperties',
    'required',
    'propertyNames',
    'minProperties',
    'maxProperties',
    'dependentRequired',
    'dependentSchemas',
    'dependencies',
  ],
  [branchChecks, 'allOf', 'anyOf', 'oneOf', 'not', 'if'],
];
const GROUP_OF: ReadonlyMap<string, number> = new Map(
  GROUPS.flatMap(([, ...keywords], i) => keywords.map((name) => [name, i] as const)),
);

class Compiler implements Context {
  readonly isOld: boolean;
  readonly #root: Value;
  readonly #references: References;
  readonly #rules = new Map<Value, Rule>();
  /** Compiled after the schema that needs them, so that references in a row do not nest. */
  readonly #waiting: { value: Value; rule: { checks: readonly Check[]; description: string } }[] =
    [];
  readonly #patterns = new Map<string, Pattern | undefined>();
  readonly #notes: string[] = [];
  #more = 0;
  #patternSize = 0;

  constructor(root: Value) {
    this.#root = root;
    const dialect = root.members.get('$schema');
    this.isOld = dialect?.kind === KIND.string && OLD_DRAFT.test(dialect.text);
    this.#references = new References(root, this.isOld);
  }

  compile(): CompiledSchema | Unsupported {
    const dialect = this.#root.members.get('$schema');
    if (dialect && !(dialect.kind === KIND.string && KNOWN_DRAFT.test(dialect.text))) {
      return left(`its $schema is not known here`);
    }
    const rule = this.rule(this.#root);
    for (let next = this.#waiting.pop(); next; next = this.#waiting.pop()) {
      next.rule.checks = this.#checksOf(next.value);
    }
    const more = this.#more > 0 ? [`and ${this.#more} more`] : [];
    return { rule, unsupported: [...this.#notes, ...more] };
  }

  rule(value: Value): Rule {
    const known = this.#rules.get(value);
    if (known) return known;
    const rule: Rule = { checks: [], description: describe(value) };
    this.#rules.set(value, rule);
    if (this.#rules.size > MAX_SUBSCHEMAS) {
      rule.checks = [
        this.leave(value, `there are more than ${MAX_SUBSCHEMAS} schemas in the schema`),
      ];
    } else this.#waiting.push({ value, rule });
    return rule;
  }

  #checksOf(value: Value): readonly Check[] {
    if (value.kind === KIND.boolean) {
      return value.isTrue ? [] : [(one, run) => run.fail(one, 'nothing: no value is allowed here')];
    }
    if (value.kind !== KIND.object)
      return [this.leave(value, 'a schema is neither an object nor true or false')];
    const references = referenceChecks(value, this);
    if (this.isOld && value.members.has('$ref')) return references;
    const groups = new Set([...value.members.keys()].map((key) => GROUP_OF.get(key)));
    const checks = GROUPS.flatMap(([compile], i) => (groups.has(i) ? compile(value, this) : []));
    if (references.length > 0) checks.push(...references);
    const last = [...unevaluatedItemChecks(value, this), ...unevaluatedPropertyChecks(value, this)];
    return last.length === 0 ? checks : [watched([...checks, ...last])];
  }

  resolve(reference: string, schema: Value): Value | undefined {
    return this.#references.resolve(reference, schema);
  }

  dynamic(name: string): Value | undefined {
    return this.#references.dynamic(name);
  }

  pattern(value: Value): Pattern | undefined {
    const source = value.text;
    if (this.#patterns.has(source)) return this.#patterns.get(source);
    const made =
      this.#patternSize > MAX_PATTERN_SIZE
        ? `all patterns have more than ${MAX_PATTERN_SIZE} steps`
        : toPattern(source);
    const pattern = typeof made === 'string' ? undefined : made;
    if (typeof made === 'string') this.leave(value, made);
    // One that was refused has cost time too.
    this.#patternSize += pattern?.size ?? source.length;
    this.#patterns.set(source, pattern);
    return pattern;
  }

  leave(value: Value, why: string): Check {
    if (this.#notes.length < MAX_NOTES) this.#notes.push(`${pathOf(value)}: ${why}`);
    else this.#more++;
    return undecided;
  }
}

/** Starts its own note of what has been looked at, and tells the schema around it. */
function watched(checks: readonly Check[]): Check {
  const rule: Rule = { checks, description: '' };
  return (value, run, outer) => {
    const seen = newSeen();
    const verdict = run.check(rule, value, seen);
    if (outer) {
      outer.unsure ||= seen.unsure;
      outer.all ||= seen.all && verdict === TRUE;
      for (const key of seen.keys) outer.keys.add(key);
    }
    return verdict;
  };
}

/** What a schema asks for, in a few words; empty when it takes more. */
function describe(schema: Value): string {
  const { members } = schema;
  const constant = members.get('const');
  if (constant) return shortConstant(constant);
  const list = members.get('enum');
  if (list?.is(KIND.array) && list.elements.length > 0) {
    return `one of ${shortList(list.elements.slice(0, 9).map(shortConstant))}`;
  }
  const title = members.get('title');
  const types = typesOf(schema);
  if (types) return types.join(' or ');
  return title?.kind === KIND.string && title.length < 60 ? JSON.stringify(title.text) : '';
}
