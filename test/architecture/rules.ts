// What must hold of every file under src (DESIGN of the rooms: src/README.md).
import { posix } from 'node:path';
import { blank, functionsOf, importsOf, topLevelOf } from './source-text.ts';
import type { Import } from './source-text.ts';

export interface SourceFile {
  /** From the repository's root: `src/wire/json.ts`. */
  readonly path: string;
  readonly text: string;
}

/** A sentence about one fault. */
export type Rule = (file: SourceFile) => string[];

/** Highest first. Rooms of one floor are strangers to one another. */
const FLOORS: readonly (readonly string[])[] = [
  ['main'],
  ['cli'],
  ['app'],
  ['app-approvals', 'app-checks', 'app-pinning', 'app-stores'],
  ['mcp', 'http', 'bridge'],
  ['gateway', 'codemode'],
  ['identity', 'oauth', 'policy', 'upstream', 'catalog'],
  ['config', 'storage', 'telemetry'],
  ['net'],
  ['wire'],
  ['core', 'version'],
];

const MAX_FILE_LINES = 300;
const MAX_FUNCTION_LINES = 60;
const FORBIDDEN_NAMES = /^(?:utils?|helpers?|common|types|manager|service|index)$/;

/** Who may import a package or a module of Node, and who only its types. */
const OWNERS: readonly {
  readonly of: RegExp;
  readonly rooms: string[];
  readonly types: string[];
}[] = [
  { of: /^undici$/, rooms: ['net'], types: [] },
  { of: /^node:(?:https|http2|dns|tls)$/, rooms: ['net'], types: [] },
  { of: /^express$/, rooms: ['http'], types: [] },
  // A door answers on the requests that `http` has accepted.
  { of: /^node:http$/, rooms: ['http'], types: ['mcp'] },
  { of: /^node:sqlite$/, rooms: ['storage'], types: [] },
  // `app` and `cli` hand the logger on; only `telemetry` makes one.
  {
    of: /^pino(?:-pretty)?$/,
    rooms: ['telemetry'],
    types: ['app', 'app-approvals', 'app-checks', 'app-pinning', 'app-stores', 'cli'],
  },
  { of: /^node:child_process$/, rooms: ['upstream'], types: [] },
  { of: /^commander$/, rooms: ['cli'], types: [] },
  { of: /^jsonc-parser$/, rooms: ['config'], types: [] },
  // What comes in is checked where it comes in: the file, a request's body, the answer to a command.
  { of: /^zod$/, rooms: ['config', 'http', 'cli'], types: [] },
  { of: /^@marcbachmann\/cel-js$/, rooms: ['config'], types: [] },
  // Patterns that other people write run in linear time.
  { of: /^re2js$/, rooms: ['config', 'policy'], types: [] },
  // Their values are for tests: the data path is our own.
  { of: /^@modelcontextprotocol\//, rooms: ['oauth'], types: FLOORS.flat() },
  { of: /^node:/, rooms: FLOORS.flat(), types: [] },
];

/** `src/wire/json.ts` → `wire`, `src/app.ts` → `app`. */
const roomOf = (path: string): string => path.split('/')[1]!.replace(/\.ts$/, '');

const floorOf = (room: string): number => FLOORS.findIndex((rooms) => rooms.includes(room));

function floorFault({ path }: SourceFile, { specifier }: Import): string[] {
  const target = posix.join(posix.dirname(path), specifier);
  const from = roomOf(path);
  const to = roomOf(target);
  if (!specifier.endsWith('.ts')) return [`${path} imports ${specifier} without .ts`];
  if (!target.startsWith('src/')) return [`${path} imports ${specifier} from outside src`];
  if (floorOf(from) < 0) return [`${path} is in the room "${from}", which has no floor`];
  if (floorOf(to) < 0) return [`${path} imports ${specifier} of a room that has no floor`];
  if (from === to || floorOf(to) > floorOf(from)) return [];
  const how = floorOf(to) === floorOf(from) ? 'sideways' : 'up';
  return [`${path} imports ${how}: ${specifier} (${from} → ${to})`];
}

const floors: Rule = (file) =>
  importsOf(file.text)
    .filter(({ specifier }) => specifier.startsWith('.'))
    .flatMap((one) => floorFault(file, one));

const packages: Rule = ({ path, text }) =>
  importsOf(text)
    .filter(({ specifier }) => !specifier.startsWith('.'))
    .flatMap(({ specifier, isType }) => {
      const owner = OWNERS.find(({ of }) => of.test(specifier));
      if (!owner) return [`${path} imports ${specifier}, which no room owns`];
      const room = roomOf(path);
      if (owner.rooms.includes(room) || (isType && owner.types.includes(room))) return [];
      return [`${path} imports ${specifier}, which belongs to ${owner.rooms.join(' and ')}`];
    });

/** A rule about words that must not stand in the code, strings and comments apart. */
const without =
  (pattern: RegExp, what: string, isExempt: (path: string) => boolean = () => false): Rule =>
  ({ path, text }) =>
    !isExempt(path) && pattern.test(blank(text)) ? [`${path}: ${what}`] : [];

const inRoom = (room: string) => (path: string) => roomOf(path) === room;

const moduleState: Rule = ({ path, text }) => {
  const faults: string[] = [];
  const code = topLevelOf(text);
  const whole = blank(text);
  if (/(?:^|\n)\s*(?:export\s+)?(?:let|var)\s/.test(code)) faults.push('let or var');
  const made = /(?:^|\n)\s*(?:export\s+)?const\s+\w+\s*(?<type>:[^=]*)?=\s*/g;
  for (const { index, 0: head, groups } of code.matchAll(made)) {
    const { type = '' } = groups!;
    const value = whole.slice(index + head.length).split(/[;\n]/)[0]!;
    const isReadonly = /^:\s*(?:Readonly|readonly\b)/.test(type);
    if (/^new\s+(?:Map|Set|WeakMap|WeakSet|Array)\b/.test(value) && !isReadonly) {
      faults.push('a collection that is not typed as readonly');
    }
    if (/^(?:\[\s*\]|\{\s*\})\s*$/.test(value) && !isReadonly) faults.push('an empty collection');
    // Their lastIndex is state.
    if (/^\/\s*\/[a-z]*[gy]/.test(value)) faults.push('a regex with the flag g or y');
  }
  return faults.map((fault) => `${path} has module-level mutable state: ${fault}`);
};

const sizes: Rule = ({ path, text }) => {
  const lines = text.split('\n').length - 1;
  const long = functionsOf(text).filter((one) => one.lines > MAX_FUNCTION_LINES);
  return [
    ...(lines > MAX_FILE_LINES ? [`${path} has ${lines} lines`] : []),
    ...long.map((one) => `${path}:${one.line} has a function of ${one.lines} lines`),
  ];
};

const fileNames: Rule = ({ path }) => {
  const name = posix.basename(path, '.ts');
  if (FORBIDDEN_NAMES.test(name)) return [`${path}: the name says nothing`];
  return /^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(name) ? [] : [`${path} is no kebab-case name`];
};

export const RULES = {
  'imports go to lower floors only': floors,
  'every package has its room': packages,
  'the environment is read in one file': without(
    /\bprocess\s*\.\s*env\b|\benv\b[^;]*\}\s*=\s*process\b/,
    'process.env is read in config/load.ts only',
    (path) => path === 'src/config/load.ts',
  ),
  'only commands print': without(/\bconsole\b/, 'console is for cli only', inRoom('cli')),
  'all outbound HTTP goes through net': without(
    /(?<![.#\w])fetch\s*\(|\bnew\s+(?:WebSocket|EventSource)\b/,
    'an own way out to the network',
    inRoom('net'),
  ),
  'modules hold no mutable state': moduleState,
  'exports have names': without(/\bexport\s+default\b|\bas\s+default\b/, 'a default export'),
  'TypeScript is erasable': without(
    /(?:^|\n)\s*(?:export\s+)?(?:declare\s+)?(?:const\s+)?(?:enum|namespace)\s+\w/,
    'an enum or a namespace',
  ),
  'errors have codes': without(
    /\b(?:throw\s+|reject\(\s*)(?:new\s+)?(?:Error|TypeError|RangeError)\b/,
    'a bare error; GatewayError has a code, a sentence and a next step',
  ),
  'files and functions are short': sizes,
  'file names say what is inside': fileNames,
} as const satisfies Record<string, Rule>;
