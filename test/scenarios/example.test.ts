// The servers of the example and one more, driven through the gateway by the clients that hosts are made of.
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import {
  type GatewayProcess,
  startGatewayProcess,
  temporaryDirectory,
} from '../support/gateway.ts';
import { HOSTS, type Host, type Place } from './example/hosts.ts';
import { ROOT, exampleServers } from './example/servers.ts';

const GRAPH = 'memory://knowledge-graph';
const DEADLINE_MS = 10_000;

const textOf = ({ content }: Awaited<ReturnType<Host['call']>>): string =>
  content.map(({ text = '' }) => text).join('');

/** The outcome, or an error that says what did not come. */
async function within<T>(promise: Promise<T>, what: string): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`No ${what} came.`)), DEADLINE_MS);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function lists({ client }: Host): Promise<void> {
  const names = (await client.listTools()).tools.map(({ name }) => name);
  for (const [server, least] of [
    ['everything', 10],
    ['files', 10],
    ['memory', 9],
    ['thinking', 1],
  ] as const) {
    const own = names.filter((name) => name.startsWith(`${server}__`));
    assert.ok(own.length >= least, `${server} has ${own.length} tools`);
  }
  const { prompts } = await client.listPrompts();
  assert.ok(prompts.some(({ name }) => name === 'everything__args-prompt'));
  const { resources } = await client.listResources();
  assert.ok(resources.some(({ uri }) => uri === GRAPH));
  assert.match(client.getInstructions() ?? '', /^## everything/);
}

async function calls(host: Host, directory: string): Promise<void> {
  const sum = await host.call('everything__get-sum', { a: 2, b: 3 });
  assert.match(textOf(sum), /5/);
  const structured = await host.call('everything__get-structured-content', { location: 'Chicago' });
  assert.ok(structured.structuredContent);
  const path = join(directory, 'examples/files/notes.txt');
  const file = await host.call('files__read_text_file', { path });
  assert.ok(textOf(file).length > 0 && file.isError !== true, textOf(file));
  const outside = await host.call('files__read_text_file', { path: '/etc/hostname' });
  assert.equal(outside.isError, true);
  const thought = { thought: 'a', nextThoughtNeeded: false, thoughtNumber: 1, totalThoughts: 1 };
  assert.match(textOf(await host.call('thinking__sequentialthinking', thought)), /thoughtNumber/);
}

async function readsAndPrompts({ client }: Host): Promise<void> {
  const listed = await client.listResources();
  const { uri } = listed.resources.find((one) => one.uri.startsWith('demo://'))!;
  const { contents } = await client.readResource({ uri });
  assert.equal(contents[0]?.uri, uri);
  const dynamic = await client.readResource({ uri: 'demo://resource/dynamic/text/1' });
  assert.equal(dynamic.contents.length, 1);
  const name = 'everything__args-prompt';
  const prompt = await client.getPrompt({ name, arguments: { city: 'Ulm' } });
  assert.match(JSON.stringify(prompt.messages), /Ulm/);
  const { completion } = await client.complete({
    ref: { type: 'ref/prompt', name: 'everything__completable-prompt' },
    argument: { name: 'department', value: 'S' },
  });
  assert.deepEqual(completion.values, ['Sales', 'Support']);
}

async function progressAndCancel(host: Host): Promise<void> {
  const tool = 'everything__trigger-long-running-operation';
  const seen: number[] = [];
  const onprogress = ({ progress }: { progress: number }): void => void seen.push(progress);
  await host.call(tool, { duration: 0.3, steps: 3 }, { onprogress });
  // SDK clients drop progress that shares a chunk with the answer.
  assert.deepEqual(seen.slice(0, 2), [1, 2]);
  const stop = new AbortController();
  const first = Promise.withResolvers<void>();
  const long = host.call(
    tool,
    { duration: 60, steps: 600 },
    { onprogress: () => first.resolve(), signal: stop.signal },
  );
  await within(first.promise, 'progress');
  stop.abort();
  await assert.rejects(long);
}

async function logsAndUpdates(host: Host, key: string): Promise<void> {
  // It logs once at its start, at a level that it picks by chance, and then every few seconds until it is called again.
  assert.ok((await host.callLogging('everything__toggle-simulated-logging')) > 0);
  await host.call('everything__toggle-simulated-logging');
  const updated = Promise.withResolvers<void>();
  await host.watch(GRAPH, updated.resolve);
  const entity = { name: key, entityType: 'host', observations: ['seen'] };
  await host.call('memory__create_entities', { entities: [entity] });
  await within(updated.promise, 'update of the resource');
  const { contents } = await host.client.readResource({ uri: GRAPH });
  assert.match(JSON.stringify(contents), new RegExp(key));
}

describe('the example', () => {
  let directory: string;
  let gateway: GatewayProcess;
  let place: Place;
  before(async () => {
    directory = await temporaryDirectory();
    gateway = await startGatewayProcess({
      directory,
      servers: await exampleServers(directory),
      gateway: { startSeconds: 60, logLevel: 'error' },
    });
    const { url, key, configFile } = gateway;
    const args = [join(ROOT, 'src/main.ts'), 'stdio', '--config', configFile];
    place = { url, key, command: process.execPath, args };
  });
  after(async () => {
    await gateway[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  });

  for (const [name, connect] of Object.entries(HOSTS)) {
    it(`works with ${name}`, async () => {
      await using host = await connect(place);
      await lists(host);
      await calls(host, directory);
      await readsAndPrompts(host);
      await progressAndCancel(host);
      await logsAndUpdates(host, name.replaceAll(/\W/g, '-'));
    });
  }
});
