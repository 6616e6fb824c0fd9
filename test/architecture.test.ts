// Holds src to its floors and habits, from the source text alone. Each rule is shown to fail where it
// should: a rule that nothing can break guards nothing.
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { RULES } from './architecture/rules.ts';
import type { SourceFile } from './architecture/rules.ts';
import { blank, functionsOf, importsOf } from './architecture/source-text.ts';

const ROOT = join(import.meta.dirname, '..');

async function readSources(): Promise<SourceFile[]> {
  const names = await readdir(join(ROOT, 'src'), { recursive: true });
  const paths = names.map((name) => `src/${name.replaceAll('\\', '/')}`);
  return Promise.all(
    paths
      .filter((path) => path.endsWith('.ts'))
      .map(async (path) => ({ path, text: await readFile(join(ROOT, path), 'utf8') })),
  );
}

const sources = await readSources();

type RuleName = keyof typeof RULES;

/** Path, text, and whether the rule must complain. */
type Example = readonly [path: string, text: string, isFault: boolean];

const EXAMPLES: Readonly<Record<RuleName, readonly Example[]>> = {
  'imports go to lower floors only': [
    ['src/wire/a.ts', `import { x } from '../core/call.ts';`, false],
    ['src/wire/a.ts', `import { x } from './json.ts';`, false],
    ['src/core/a.ts', `import { VERSION } from '../version.ts';`, true],
    ['src/core/a.ts', `import { x } from '../wire/json.ts';`, true],
    ['src/core/a.ts', `import type { X } from '../wire/json.ts';`, true],
    ['src/mcp/a.ts', `import {\n  x,\n  y,\n} from '../http/server.ts';`, true],
    ['src/upstream/a.ts', `export { x } from '../catalog/names.ts';`, true],
    ['src/gateway/a.ts', `export * from '../mcp/endpoint.ts';`, true],
    ['src/gateway/a.ts', `const x = await import('../mcp/endpoint.ts');`, true],
    ['src/gateway/a.ts', `type X = import('../mcp/endpoint.ts').X;`, true],
    ['src/gateway/a.ts', `import '../mcp/endpoint.ts';`, true],
    ['src/app.ts', `import { x } from './mcp/endpoint.ts';`, false],
    ['src/mcp/a.ts', `import { x } from '../app.ts';`, true],
    ['src/attic/a.ts', `import { x } from '../core/call.ts';`, true],
    ['src/wire/a.ts', `import { x } from '../core/call.js';`, true],
    ['src/wire/a.ts', `import { x } from '../../test/support/gateway.ts';`, true],
    [
      'src/wire/a.ts',
      `// import { x } from '../mcp/a.ts';\nconst s = "import '../mcp/a.ts'";`,
      false,
    ],
  ],
  'every package has its room': [
    ['src/net/a.ts', `import { Agent } from 'undici';`, false],
    ['src/mcp/a.ts', `import { Agent } from 'undici';`, true],
    ['src/cli/a.ts', `import type { Logger } from 'pino';`, false],
    ['src/cli/a.ts', `import { pino } from 'pino';`, true],
    ['src/mcp/a.ts', `import type { Tool } from '@modelcontextprotocol/client';`, false],
    ['src/mcp/a.ts', `import { Client } from '@modelcontextprotocol/client';`, true],
    ['src/mcp/a.ts', `import { createServer } from 'node:http';`, true],
    ['src/cli/a.ts', `import { spawn } from 'node:child_process';`, true],
    ['src/cli/a.ts', `import { leftPad } from 'left-pad';`, true],
    ['src/cli/a.ts', `import { join } from 'node:path';`, false],
  ],
  'the environment is read in one file': [
    ['src/config/load.ts', `export const key = process.env.KEY;`, false],
    ['src/cli/a.ts', `export const key = process.env['KEY'];`, true],
    ['src/cli/a.ts', `const { env } = process;`, true],
    ['src/cli/a.ts', `// process.env is read elsewhere`, false],
  ],
  'only commands print': [
    ['src/cli/a.ts', `console.log(1);`, false],
    ['src/mcp/a.ts', `console.error(1);`, true],
    ['src/mcp/a.ts', 'const x = `a console`;', false],
    ['src/mcp/a.ts', 'const x = `a ${console.log(1)}`;', true],
  ],
  'all outbound HTTP goes through net': [
    ['src/net/a.ts', `await fetch(url);`, false],
    ['src/upstream/a.ts', `await fetch(url);`, true],
    ['src/upstream/a.ts', `await this.#fetch(kind); http.fetch(x);`, false],
  ],
  'modules hold no mutable state': [
    ['src/mcp/a.ts', `let count = 0;`, true],
    ['src/mcp/a.ts', `export let count = 0;`, true],
    ['src/mcp/a.ts', `const all = new Map<string, string>();`, true],
    ['src/mcp/a.ts', `const all: ReadonlySet<string> = new Set(['a']);`, false],
    ['src/mcp/a.ts', `const all: Set<string> = new Set(['a']);`, true],
    ['src/mcp/a.ts', `const all: string[] = [];`, true],
    ['src/mcp/a.ts', `const all = {};`, true],
    ['src/mcp/a.ts', `const WORD = /a/g;`, true],
    ['src/mcp/a.ts', `const WORD = /[/g]/iu;`, false],
    ['src/mcp/a.ts', `function f() {\n  let count = 0;\n  const all = new Map();\n}`, false],
  ],
  'exports have names': [
    ['src/mcp/a.ts', `export default 1;`, true],
    ['src/mcp/a.ts', `export { a as default };`, true],
    ['src/mcp/a.ts', `export const a = 1;`, false],
  ],
  'TypeScript is erasable': [
    ['src/mcp/a.ts', `export enum A { B }`, true],
    ['src/mcp/a.ts', `namespace A {}`, true],
    ['src/mcp/a.ts', `const text = { enum: [1] };`, false],
  ],
  'errors have codes': [
    ['src/mcp/a.ts', `throw new Error('no');`, true],
    ['src/mcp/a.ts', `throw new GatewayError('INTERNAL', 'no');`, false],
  ],
  'files and functions are short': [
    ['src/mcp/a.ts', '\n'.repeat(301), true],
    ['src/mcp/a.ts', '\n'.repeat(300), false],
    ['src/mcp/a.ts', `function f(a: number): number {${'\n'.repeat(60)}}`, true],
    ['src/mcp/a.ts', `const f = async (a: Map<string, () => void>) => {${'\n'.repeat(60)}};`, true],
    ['src/mcp/a.ts', `class A {\n  async f(): Promise<void> {${'\n'.repeat(60)}}\n}`, true],
    ['src/mcp/a.ts', `class A {${'\n'.repeat(61)}}`, false],
    ['src/mcp/a.ts', `function f(a: number): number {${'\n'.repeat(59)}}`, false],
  ],
  'file names say what is inside': [
    ['src/mcp/utils.ts', '', true],
    ['src/mcp/index.ts', '', true],
    ['src/mcp/httpSessions.ts', '', true],
    ['src/mcp/http-sessions.ts', '', false],
  ],
};

describe('architecture', () => {
  it('looks at all of src', () => {
    assert.ok(sources.length > 80, `only ${sources.length} files were found`);
    const imports = sources.flatMap(({ text }) => importsOf(text));
    assert.ok(imports.length > 300, `only ${imports.length} imports were found`);
    for (const { path, text } of sources) {
      const written = text.match(/^(?:import|export)\b[^;]*\bfrom '/gm)?.length ?? 0;
      assert.ok(importsOf(text).length >= written, `${path}: an import was overlooked`);
    }
  });

  for (const name of Object.keys(RULES) as RuleName[]) {
    it(name, () => {
      assert.deepEqual(sources.flatMap(RULES[name]), []);
    });

    it(`notices where it does not hold: ${name}`, () => {
      for (const [path, text, isFault] of EXAMPLES[name]) {
        const faults = RULES[name]({ path, text });
        assert.equal(
          faults.length > 0,
          isFault,
          `${path}: ${text.slice(0, 80)}\n${faults.join('\n')}`,
        );
      }
    });
  }
});

describe('the reader of source text', () => {
  it('blanks comments, strings, templates and regexes, and keeps every place', () => {
    const text = "a('x', `y${b('z')}w`, /[/']'/u) / 2; // c\n/* d */ e\n";
    assert.equal(blank(text), "a(' ', ` ${b(' ')} `, /     /u) / 2;     \n        e\n");
  });

  it('finds functions, and nothing else that has braces', () => {
    const text = [
      'function a(): void {',
      '  if (x) {',
      '  }',
      '}',
      'const b = (x: { y: number }) => {',
      '};',
      'class C extends D {',
      '  get e(): number {',
      '    return 1;',
      '  }',
      '}',
    ].join('\n');
    const expected = [
      { line: 1, lines: 4 },
      { line: 5, lines: 2 },
      { line: 8, lines: 3 },
    ];
    assert.deepEqual(functionsOf(text), expected);
  });
});
