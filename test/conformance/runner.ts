// Runs the official suite against a URL and reads what it wrote down.
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Revision } from './expected.ts';

const PACKAGE = fileURLToPath(
  new URL('../../node_modules/@modelcontextprotocol/conformance', import.meta.url),
);
/** A folder of results: `server-<scenario>-<time>`. */
const FOLDER = /^server-(.+)-\d{4}-\d\d-\d\dT[\d-]+Z$/;

interface Check {
  readonly id: string;
  readonly status: 'SUCCESS' | 'FAILURE' | 'WARNING' | 'INFO' | 'SKIPPED';
  readonly description: string;
  readonly errorMessage?: string;
}

export interface ScenarioResult {
  readonly scenario: string;
  /** What went wrong; empty when nothing did. */
  readonly failures: readonly string[];
  /** What should be otherwise but need not. */
  readonly warnings: readonly string[];
  /** Checks that succeeded. */
  readonly passed: number;
}

/** The scenarios that a revision requires of a server. */
export async function requiredScenarios(revision: Revision): Promise<string[]> {
  const text = await readFile(join(PACKAGE, 'requirements', `${revision}.yaml`), 'utf8');
  const block = /^server:\n((?: {2}- .+\n)+)/m.exec(text)?.[1] ?? '';
  return [...block.matchAll(/- (.+)/g)].map((match) => match[1]!);
}

/** Runs all scenarios that a revision requires, and those that it reports without scoring them. */
export async function runServerSuite(url: string, revision: Revision): Promise<ScenarioResult[]> {
  const directory = await mkdtemp(join(tmpdir(), 'conformance-'));
  try {
    const output = await run(['server', '--url', url, '--requirements', revision, '-o', directory]);
    const folders = await readdir(directory);
    if (folders.length === 0) throw new Error(`The suite wrote no results:\n${output}`);
    return await Promise.all(folders.map((folder) => readResult(directory, folder)));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function readResult(directory: string, folder: string): Promise<ScenarioResult> {
  const scenario = FOLDER.exec(folder)?.[1] ?? folder;
  const text = await readFile(join(directory, folder, 'checks.json'), 'utf8');
  const checks = JSON.parse(text) as readonly Check[];
  const told = (status: Check['status']): string[] =>
    checks
      .filter((check) => check.status === status)
      .map(({ id, description, errorMessage }) => `${id}: ${errorMessage ?? description}`);
  return {
    scenario,
    failures: told('FAILURE'),
    warnings: told('WARNING'),
    passed: checks.filter(({ status }) => status === 'SUCCESS').length,
  };
}

/** Its exit code tells of failures, which the results tell better. */
function run(args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, [join(PACKAGE, 'dist/index.js'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => resolve(output));
  });
}
