// What must hold for one key at one door of a random world.
import assert from 'node:assert/strict';

import type { Door, Era } from '../../src/core/call.ts';
import { isGatewayError } from '../../src/core/errors.ts';
import { ITEM_KINDS } from '../../src/core/source.ts';
import type { ItemKind } from '../../src/core/source.ts';
import { toRpcError } from '../../src/wire/message.ts';
import { mayUse } from './filter-oracle.ts';
import { callOf, SERVERS } from './filter-world.ts';
import type { Hit, Random, TestSource, World } from './filter-world.ts';
import type { Principal } from '../../src/core/principal.ts';

export interface DoorView {
  readonly door: Door;
  readonly era: Era;
  readonly scope: string | undefined;
}
const KEYS = {
  tools: 'name',
  prompts: 'name',
  resources: 'uri',
  resourceTemplates: 'uriTemplate',
} as const;
const METHODS = {
  tools: 'tools/call',
  prompts: 'prompts/get',
  resources: 'resources/read',
} as const;

export type View = DoorView & {
  readonly principal: Principal;
  readonly narrow: readonly (readonly string[])[];
};

const idOf = ({ server, name }: { server: string; name: string }): string => `${server} ${name}`;

/** What the second opinion allows of a kind, of one server or of all. */
function allowedOf({ config, sources }: World, view: View, kind: ItemKind): Map<string, Hit> {
  const found = new Map<string, Hit>();
  for (const { name: server, snapshot } of sources) {
    if (view.scope !== undefined && view.scope !== server) continue;
    for (const { name, raw } of snapshot.items[kind]) {
      const { annotations } = JSON.parse(raw.toString()) as {
        annotations?: { readOnlyHint?: boolean };
      };
      const thing = { kind, server, name, annotations };
      if (mayUse(config, view.principal, view.narrow, thing))
        found.set(idOf(thing), { kind, server, name });
    }
  }
  return found;
}

export function listed({ gateway }: World, kind: ItemKind, view: View): string[] {
  const list = JSON.parse(gateway.list(kind, view).toString()) as Record<
    string,
    Record<string, string>[]
  >;
  return list[kind]!.map((one) => one[KEYS[kind]]!);
}

/** The answer as the caller reads it, its own words for the thing taken out; what was reached is in `hits`. */
async function attempt(
  { gateway, hits }: World,
  view: View,
  method: string,
  params: object,
  name: string,
) {
  hits.length = 0;
  let answer: string;
  try {
    const { bytes } = await gateway.call(callOf(view, method, params));
    answer = bytes.toString();
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    answer = JSON.stringify(toRpcError(error));
  }
  return answer
    .replaceAll(JSON.stringify(JSON.stringify(name)).slice(1, -1), 'NAME')
    .replaceAll(JSON.stringify(name), 'NAME');
}

export const call = (world: World, view: View, kind: keyof typeof METHODS, name: string) =>
  attempt(
    world,
    view,
    METHODS[kind],
    kind === 'resources' ? { uri: name } : { name, arguments: {} },
    name,
  );

/** Everything that a name might be taken for. */
function disguises({ server, name }: Hit): string[] {
  const swapped = name.replaceAll('e', 'е').replaceAll('a', 'а');
  const forms = [
    name,
    name.toUpperCase(),
    name.toLowerCase(),
    name.normalize('NFKC'),
    name.normalize('NFD'),
    swapped,
  ];
  const extra = [
    `${name} `,
    ` ${name}`,
    `${name}\0`,
    encodeURIComponent(name),
    `./${name}`,
    `${name}\u200b`,
  ];
  return [...forms, ...extra].flatMap((one) => [
    one,
    `${server}__${one}`,
    `${server}/${one}`,
    `${server}-${one}`,
    `${server}.${one}`,
    `__${one}`,
  ]);
}

const uriDisguises = ({ server, name }: Hit): string[] =>
  [
    name,
    name.replace('/pub/', '/pub/../pub/'),
    name.replace('s', '%73'),
    name.toUpperCase(),
    `${name}/.`,
    name.replace('///', '////'),
    name.replace('file:', 'FILE:'),
  ].flatMap((one) => [
    one,
    `toolgate://${server}/${one}`,
    `toolgate://${server}//${one}`,
    `TOOLGATE://${server}/${one}`,
    `toolgate://toolgate://${server}/${one}`,
  ]);

async function checkKind(world: World, view: View, kind: keyof typeof METHODS, random: Random) {
  const allowed = allowedOf(world, view, kind);
  const seen = listed(world, kind, view);
  assert.equal(new Set(seen).size, seen.length, 'names are given once');
  const reached = new Set<string>();
  for (const name of seen) {
    await call(world, view, kind, name);
    assert.ok(world.hits.length > 0, `${kind} ${name} is listed and cannot be called`);
    for (const hit of world.hits) {
      assert.ok(allowed.has(idOf(hit)), `${kind} ${name} reached ${idOf(hit)}`);
      reached.add(idOf(hit));
    }
  }
  assert.deepEqual(
    [...reached].toSorted(),
    [...allowed.keys()].toSorted(),
    `${kind} of ${view.principal.id}`,
  );
  await checkForbidden(world, view, kind, allowed, random);
}

async function checkForbidden(
  world: World,
  view: View,
  kind: keyof typeof METHODS,
  allowed: Map<string, Hit>,
  random: Random,
) {
  const unknown =
    kind === 'resources' ? NO_RESOURCE : await call(world, view, kind, 'no_such_thing');
  const everything = allowedOf(
    world,
    { ...view, principal: OMNIPOTENT, narrow: [], scope: undefined },
    kind,
  ).values();
  const all = world.sources.flatMap(({ name: server, snapshot }) =>
    snapshot.items[kind].map(({ name }) => ({ kind, server, name })),
  );
  const forbidden = [
    ...new Map([...everything, ...all].map((one) => [idOf(one), one])).values(),
  ].filter((one) => !allowed.has(idOf(one)));
  for (const thing of forbidden.filter(() => random(4) === 0)) {
    for (const name of kind === 'resources' ? uriDisguises(thing) : disguises(thing)) {
      const answer = await call(world, view, kind, name);
      for (const hit of world.hits) {
        const isFine = kind === 'resources' ? mayAsk(world, view, hit) : allowed.has(idOf(hit));
        assert.ok(isFine, `${kind} ${name} reached ${idOf(hit)}`);
      }
      if (world.hits.length === 0) assert.equal(answer, unknown);
    }
  }
}

/** What the gateway itself says of a resource, where nobody is asked. */
const NO_RESOURCE =
  '{"code":-32602,"message":"Unknown resource: NAME",' +
  '"data":{"name":NAME,"code":"RESOURCE_NOT_FOUND","retryable":false}}';

const mayAsk = ({ config }: World, { principal, narrow }: View, hit: Hit): boolean =>
  mayUse(config, principal, narrow, { ...hit, annotations: undefined });

export const OMNIPOTENT: Principal = {
  id: 'all',
  name: 'all',
  role: 'caller',
  execute: false,
  team: undefined,
  customer: undefined,
  environment: undefined,
  modes: [],
  allowance: { tools: ['*'], deny: [], prompts: ['*'], resources: ['*'] },
};

async function checkReferences(world: World, view: View) {
  for (const kind of ['prompts', 'resourceTemplates'] as const) {
    const isPrompt = kind === 'prompts';
    const allowed = allowedOf(world, view, kind);
    const names = new Set([...listed(world, kind, { ...view, principal: OMNIPOTENT, narrow: [] })]);
    for (const name of names) {
      const ref = isPrompt ? { type: 'ref/prompt', name } : { type: 'ref/resource', uri: name };
      await attempt(
        world,
        view,
        'completion/complete',
        { ref, argument: { name: 'a', value: '' } },
        name,
      );
      for (const hit of world.hits) {
        assert.ok(
          allowed.has(idOf(hit)) || mayAsk(world, view, { ...hit, kind: 'resources' }),
          `completion of ${name}`,
        );
      }
    }
  }
}

/** Subscribes, has the server tell of the resource, and counts what is heard. */
async function hear(world: World, view: View, source: TestSource, name: string, uri: string) {
  let heard = 0;
  try {
    await using _watch = world.gateway.subscribe(view, uri, () => (heard += 1));
    const asked = world.sources.flatMap(({ name: server, listeners }) =>
      [...listeners].map((own): Hit => ({ kind: 'resources', server, name: own })),
    );
    for (const hit of asked) assert.ok(mayAsk(world, view, hit), idOf(hit));
    source.update(name);
  } catch (error) {
    assert.ok(isGatewayError(error) && error.code === 'RESOURCE_NOT_FOUND');
  }
  return heard;
}

async function checkSubscriptions(world: World, view: View) {
  const allowed = allowedOf(world, view, 'resources');
  for (const source of world.sources) {
    if (view.scope !== undefined && view.scope !== source.name) continue;
    for (const { name } of source.snapshot.items.resources) {
      for (const uri of [name, `toolgate://${source.name}/${name}`]) {
        const heard = await hear(world, view, source, name, uri);
        const isFine = heard === 0 || allowed.has(idOf({ server: source.name, name }));
        assert.ok(isFine, `${uri} was heard of`);
      }
    }
  }
}

function checkServers(world: World, view: View) {
  const { instructions } = world.gateway.describe({ ...view, scope: undefined });
  for (const server of SERVERS) {
    const scoped = { ...view, scope: server };
    const sees = ITEM_KINDS.some((kind) => allowedOf(world, scoped, kind).size > 0);
    if (sees) assert.ok(instructions.includes(`of ${server}`), server);
    try {
      world.gateway.list('tools', scoped);
    } catch (error) {
      assert.ok(isGatewayError(error) && error.code === 'SERVER_NOT_FOUND' && !sees);
      assert.ok(!instructions.split('\n').includes(`of ${server}`));
      assert.equal(error.message, `No server is named "${server}".`);
    }
  }
}

function canOpen(world: World, view: View): boolean {
  try {
    world.gateway.describe(view);
    return true;
  } catch {
    return false;
  }
}

export async function checkAll(world: World, view: View, random: Random): Promise<void> {
  checkServers(world, view);
  if (!canOpen(world, view)) return;
  for (const kind of ['tools', 'prompts', 'resources'] as const) {
    await checkKind(world, view, kind, random);
  }
  await checkReferences(world, view);
  await checkSubscriptions(world, view);
}
