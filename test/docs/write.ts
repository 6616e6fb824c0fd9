// `npm run docs`: renews the generated parts of the README.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { renewed } from './generated.ts';

const file = join(import.meta.dirname, '../../README.md');
await writeFile(file, renewed(await readFile(file, 'utf8')));
