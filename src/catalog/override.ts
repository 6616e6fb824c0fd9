// What the operator changes of a tool: its name, texts and annotations as they are shown, and arguments that
// callers neither see nor choose. All by splicing: what is not changed keeps its bytes.
import type { Message } from '../core/call.ts';
import type { ToolOverride } from '../config/config.ts';
import {
  editObject,
  isStringAt,
  membersOf,
  splice,
  stringAt,
  elementsOf,
  valueOf,
} from '../wire/json.ts';
import type { Member, Text } from '../wire/json.ts';
import { readMessage, readParams } from '../wire/message.ts';

type Changes = Map<string, Text | null>;

/** The definition as it is shown, but for its name. */
export function overrideDefinition(raw: Buffer, override: ToolOverride): Buffer {
  const members = membersOf(raw, { start: 0, end: raw.length });
  const changes: Changes = new Map();
  if (override.description !== undefined) {
    changes.set('description', JSON.stringify(override.description));
  }
  if (override.annotations)
    changes.set('annotations', annotated(raw, members, override.annotations));
  const schema = schemaWithout(raw, members, new Set(override.arguments.keys()));
  if (schema) changes.set('inputSchema', schema);
  return changes.size === 0 ? raw : editObject(raw, members, changes);
}

function annotated(
  raw: Buffer,
  members: readonly Member[],
  annotations: Readonly<Record<string, unknown>>,
): Buffer {
  const own = valueOf(members, 'annotations');
  const texts = Object.entries(annotations).map(
    ([key, value]) => [key, JSON.stringify(value)] as const,
  );
  return editObject(raw, own ? membersOf(raw, own) : [], new Map(texts));
}

/** The input schema without some of its properties; undefined when nothing changes. */
function schemaWithout(
  raw: Buffer,
  members: readonly Member[],
  names: ReadonlySet<string>,
): Buffer | undefined {
  const schema = names.size > 0 ? valueOf(members, 'inputSchema') : undefined;
  if (!schema) return undefined;
  const inner = membersOf(raw, schema);
  const changes: Changes = new Map();
  const properties = valueOf(inner, 'properties');
  if (properties) {
    const gone = new Map([...names].map((name) => [name, null]));
    changes.set('properties', editObject(raw, membersOf(raw, properties), gone));
  }
  const required = valueOf(inner, 'required');
  if (required) {
    const kept = elementsOf(raw, required).filter(
      (span) => !isStringAt(raw, span) || !names.has(stringAt(raw, span)),
    );
    const texts = kept.map(({ start, end }) => raw.toString('utf8', start, end));
    changes.set('required', `[${texts.join(',')}]`);
  }
  return changes.size === 0 ? undefined : editObject(raw, inner, changes);
}

/**
 * A tools/call with the arguments that the server gets: fixed ones as they are fixed, hidden ones gone,
 * whatever the caller sent, under any spelling of the key and however often.
 */
export function overrideArguments(message: Message, override: ToolOverride): Message {
  if (override.arguments.size === 0 || !message.params) return message;
  const { bytes, params } = message;
  const { members } = readParams(message);
  const given = valueOf(members, 'arguments');
  const changes: Changes = new Map();
  for (const [name, rule] of override.arguments) changes.set(name, rule.const ?? null);
  const own = given ? membersOf(bytes, given) : [];
  const text = once(editObject(bytes, own, changes), override);
  if (given) return readMessage(splice(bytes, [{ ...given, text }]));
  const edited = editObject(bytes, members, new Map([['arguments', text]]));
  return readMessage(splice(bytes, [{ ...params, text: edited }]));
}

/** A fixed argument that the caller sent twice would stand twice. */
function once(args: Buffer, override: ToolOverride): Buffer {
  const members = membersOf(args, { start: 0, end: args.length });
  const seen = new Set<string>();
  const kept = members.filter(({ key }) => {
    const isRepeat = seen.has(key) && override.arguments.has(key);
    seen.add(key);
    return !isRepeat;
  });
  return kept.length === members.length ? args : editObject(args, kept, new Map());
}
