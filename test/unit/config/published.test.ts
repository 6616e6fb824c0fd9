// What is checked in beside the code says what the code does.
import assert from 'node:assert/strict';
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

import { configJsonSchema, jsonSchemaText } from '../../../src/config/json-schema.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { configReference } from '../../../src/config/reference.ts';
import { OWN_SERVER_KEYS, fileSchema } from '../../../src/config/schema.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

interface Shape {
  readonly description?: string;
  readonly properties?: Record<string, Shape>;
  readonly additionalProperties?: Shape | boolean;
}

function undescribed(shape: Shape, path: string): string[] {
  return Object.entries(shape.properties ?? {}).flatMap(([key, value]) => [
    ...(value.description ? [] : [`${path}${key}`]),
    ...undescribed(value, `${path}${key}.`),
    ...(typeof value.additionalProperties === 'object'
      ? undescribed(value.additionalProperties, `${path}${key}.*.`)
      : []),
  ]);
}

describe('what is published of the configuration', () => {
  it('has servers.schema.json in step with the schema', async () => {
    const text = await readFile(join(ROOT, 'servers.schema.json'), 'utf8');
    assert.ok(
      text === jsonSchemaText(),
      'servers.schema.json is out of date. Run `npm run schema`.',
    );
  });

  it('describes every key', () => {
    assert.ok(fileSchema);
    assert.deepEqual(undescribed(configJsonSchema() as Shape, ''), []);
  });

  it('lists every key in the reference', () => {
    const reference = configReference();
    for (const key of OWN_SERVER_KEYS) assert.ok(reference.includes(`\n| \`${key}\` |`), key);
    for (const key of ['mcpServers', 'naming.mode', 'gateway.port']) {
      assert.ok(reference.includes(`\n| \`${key}\` |`), key);
    }
    for (const line of reference.split('\n').filter((one) => one.startsWith('|'))) {
      assert.equal(line.replaceAll(String.raw`\|`, '').split('|').length, 5, line);
    }
  });

  it('has an example that loads and starts what is there', async () => {
    const { config, warnings } = await loadConfig(join(ROOT, 'servers.example.json'), {
      variables: {},
    });
    assert.deepEqual(warnings, []);
    assert.deepEqual(
      config.servers.map(({ name }) => name),
      ['everything', 'files', 'memory'],
    );
    for (const server of config.servers) {
      assert.ok(server.transport === 'stdio');
      assert.equal(server.command, 'node');
      assert.deepEqual(server.autoExecute, ['*']);
      await access(join(server.cwd, server.args[0] ?? ''));
    }
    const [, files, memory] = config.servers;
    assert.ok(files?.transport === 'stdio' && memory?.transport === 'stdio');
    await access(join(files.cwd, files.args[1] ?? ''));
    assert.equal(
      memory.env['MEMORY_FILE_PATH'],
      `${ROOT.replace(/[\\/]$/, '')}/examples/memory.jsonl`,
    );
  });
});
