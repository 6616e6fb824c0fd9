import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openDataDirectory } from '../../../src/storage/data-directory.ts';
import { temporaryDirectory } from '../../support/gateway.ts';

test('a directory whose parents are missing is made by two at once', async () => {
  const path = join(await temporaryDirectory(), 'a', 'b', 'c');
  assert.deepEqual(await Promise.all([openDataDirectory(path), openDataDirectory(path)]), [
    path,
    path,
  ]);
});

// Node's recursive mkdir never ends there.
test(
  'a parent that takes no folders is told, not waited for',
  { skip: !existsSync('/proc/self') && 'no /proc' },
  async () => {
    await assert.rejects(openDataDirectory('/proc/toolgate/data'), { code: 'DATA_UNREADABLE' });
  },
);
