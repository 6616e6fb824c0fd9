// Where $id, $anchor and $ref lead inside one document. Nothing is ever fetched (SECURITY.md T49).
import { KIND } from './value.ts';
import type { Value } from './value.ts';

/** Stands for the document's own address, so that relative ones can be resolved. */
const HOME = 'schema://document/';
/** Keywords that hold one schema, a list, or a map of them. */
const ONE = [
  'additionalItems',
  'additionalProperties',
  'contains',
  'else',
  'if',
  'items',
  'not',
  'propertyNames',
  'then',
  'unevaluatedItems',
  'unevaluatedProperties',
];
const LISTS = ['allOf', 'anyOf', 'items', 'oneOf', 'prefixItems'];
const MAPS = [
  '$defs',
  'definitions',
  'dependencies',
  'dependentSchemas',
  'patternProperties',
  'properties',
];

function resolveUri(reference: string, base: string): string | undefined {
  try {
    return new URL(reference, base).href;
  } catch {
    return undefined;
  }
}

export class References {
  readonly #isOld: boolean;
  /** The address of the resource in which each schema stands. */
  readonly #bases = new Map<Value, string>();
  /** Resources by address, and anchors by address and name. */
  readonly #places = new Map<string, Value>();
  readonly #dynamic = new Map<string, Value[]>();

  constructor(root: Value, isOld: boolean) {
    this.#isOld = isOld;
    this.#places.set(HOME, root);
    this.#index(root, HOME);
  }

  #index(schema: Value, outer: string): void {
    if (schema.kind !== KIND.object || this.#bases.has(schema)) return;
    const base = this.#name(schema, outer);
    this.#bases.set(schema, base);
    for (const child of subschemas(schema)) this.#index(child, base);
  }

  /** Notes what the schema calls itself. @returns the address of the resource it is in */
  #name(schema: Value, outer: string): string {
    const text = (name: string): string | undefined => {
      const value = schema.members.get(name);
      return value?.kind === KIND.string ? value.text : undefined;
    };
    // Beside a $ref, draft-07 reads nothing else.
    const id = this.#isOld && schema.members.has('$ref') ? undefined : text('$id');
    const full = id === undefined ? undefined : resolveUri(id, outer);
    const [address, fragment] = full?.split('#') ?? [];
    const base = address === undefined || id?.startsWith('#') ? outer : address;
    if (base !== outer) this.#note(base, schema);
    // An anchor, as draft-07 spells it.
    if (fragment) this.#note(`${base}#${fragment}`, schema);
    for (const name of ['$anchor', '$dynamicAnchor']) {
      const anchor = text(name);
      if (anchor !== undefined) this.#note(`${base}#${anchor}`, schema);
      if (anchor !== undefined && name === '$dynamicAnchor') {
        this.#dynamic.set(anchor, [...(this.#dynamic.get(anchor) ?? []).slice(0, 2), schema]);
      }
    }
    return base;
  }

  #note(place: string, schema: Value): void {
    if (!this.#places.has(place)) this.#places.set(place, schema);
  }

  dynamic(name: string): Value | undefined {
    const anchors = this.#dynamic.get(name);
    return anchors?.length === 1 ? anchors[0] : undefined;
  }

  resolve(reference: string, from: Value): Value | undefined {
    const base = this.#bases.get(from) ?? HOME;
    const full = reference.startsWith('#') ? `${base}${reference}` : resolveUri(reference, base);
    if (full === undefined) return undefined;
    const at = full.indexOf('#');
    const address = at < 0 ? full : full.slice(0, at);
    const fragment = at < 0 ? '' : decoded(full.slice(at + 1));
    if (fragment === undefined) return undefined;
    const root = this.#places.get(address);
    if (fragment === '') return root;
    if (!fragment.startsWith('/')) return this.#places.get(`${address}#${fragment}`);
    return root && this.#follow(root, fragment);
  }

  /** A JSON pointer. What it leads to is a schema from now on, wherever it stands. */
  #follow(root: Value, pointer: string): Value | undefined {
    let at: Value | undefined = root;
    let base = this.#bases.get(root) ?? HOME;
    for (const part of pointer.slice(1).split('/')) {
      const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
      at = at?.kind === KIND.array ? element(at, key) : at?.members.get(key);
      if (!at) return undefined;
      base = this.#bases.get(at) ?? base;
    }
    if (at) this.#index(at, base);
    return at;
  }
}

const element = (array: Value, key: string): Value | undefined =>
  /^\d{1,6}$/.test(key) ? array.elements[Number(key)] : undefined;

function decoded(fragment: string): string | undefined {
  try {
    return decodeURIComponent(fragment);
  } catch {
    return undefined;
  }
}

function* subschemas(schema: Value): Generator<Value> {
  const { members } = schema;
  for (const name of ONE) {
    const value = members.get(name);
    if (value) yield value;
  }
  for (const name of LISTS) yield* members.get(name)?.elements ?? [];
  for (const name of MAPS) yield* members.get(name)?.members.values() ?? [];
}
