// The part of the configuration file that says who may call what, and what has to be asked for.
import { z } from 'zod';

const MAX_SECONDS = 2_000_000;
/** As a random key has it; a shorter secret could be guessed. */
export const MIN_SECRET_LENGTH = 24;

const text = z.string().min(1);
const selectors = z.array(text);
const mode = z.enum(['auto', 'ask', 'review']);
const isHttpUrl = (url: string): boolean =>
  URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);

export const pinningName = z.enum(['ask', 'hold', 'quarantine', 'off']);

/** What the file's numbers lose on the way must not be sent instead of what somebody meant. */
function isExact(value: unknown): boolean {
  if (typeof value === 'number') return !Number.isInteger(value) || Number.isSafeInteger(value);
  if (typeof value !== 'object' || value === null) return true;
  return Object.values(value).every(isExact);
}

const argumentShape = {
  const: z
    .json()
    .refine(isExact, 'numbers that JavaScript has exactly (write others as text)')
    .optional()
    .describe('Sent instead of what the caller sends.'),
  hidden: z.literal(true).optional().describe('Never sent.'),
};

const overrideShape = {
  name: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{1,64}$/, 'letters, digits, `_`, `.` and `-`, at most 64')
    .optional()
    .describe('Stands for the server’s own name of the tool.'),
  description: z.string().optional().describe('Stands for the server’s description.'),
  annotations: z
    .record(z.string(), z.json())
    .optional()
    .describe('Merged over the server’s; rules and `readOnly` believe them.'),
  hidden: z.boolean().default(false).describe('Neither listed nor callable.'),
  arguments: z
    .record(
      z.string(),
      z
        .strictObject(argumentShape)
        .refine(
          (one) => (one.const === undefined) === (one.hidden === true),
          'either "const" or "hidden"',
        ),
    )
    .default({})
    .describe('Arguments that callers neither see nor choose.'),
};

const serverToolsShape = {
  allow: selectors
    .default(['*'])
    .describe('Tools there are, as globs over the server’s own names.'),
  deny: selectors.default([]).describe('Tools there are not; beats `allow`.'),
  override: z
    .record(z.string(), z.strictObject(overrideShape))
    .default({})
    .describe('Changes to single tools, by the server’s own name.'),
};

/** Keys of a server entry. */
export const serverPolicyShape = {
  tools: z
    .strictObject(serverToolsShape)
    .prefault({})
    .describe('Which tools there are, and how they are shown.'),
  trusted: z
    .boolean()
    .default(false)
    .describe('`true`: what the server says of its tools (`annotations`) may be believed.'),
  modes: z
    .record(z.string(), mode)
    .default({})
    .describe('Execution mode by glob over the server’s own tool names; the first match counts.'),
  pinning: pinningName.optional().describe('As the key of the file, for this server.'),
};

const levelShape = {
  tools: selectors
    .optional()
    .describe(
      'What it may use, as `server/tool` with `*`, or `@group`. Default: it narrows nothing.',
    ),
  deny: selectors.default([]).describe('Beats everything that allows.'),
  prompts: selectors
    .optional()
    .describe('Prompts, as `server/name`. Default: of servers that `tools` holds whole.'),
  resources: selectors
    .optional()
    .describe('Resources, as `server/uri`. Default: of servers that `tools` holds whole.'),
};

const teamShape = {
  customer: text.optional().describe('The customer it belongs to.'),
  ...levelShape,
};

const environmentShape = {
  ...levelShape,
  readOnly: selectors
    .default([])
    .describe('Servers of which only tools annotated `readOnlyHint` pass; they must be `trusted`.'),
};

const isDate = (date: string): boolean =>
  /^\d{4}-\d\d-\d\d(?:T.+(?:Z|[+-]\d\d:\d\d))?$/.test(date) && !Number.isNaN(Date.parse(date));

const keyShape = {
  secret: z
    .string()
    .min(MIN_SECRET_LENGTH)
    .describe('What a client sends; at least 24 characters.'),
  team: text.optional().describe('The team it belongs to.'),
  customer: text.optional().describe('The customer it belongs to. Default: that of its team.'),
  environment: text.optional().describe('The environment it is for.'),
  ...levelShape,
  tools: selectors
    .default([])
    .describe(
      'What it may use, as `server/tool` with `*`, or `@group`. Nothing is allowed by default.',
    ),
  modes: z
    .record(z.string(), mode)
    .default({})
    .describe('Execution mode by selector; the first match counts, before server and file.'),
  execute: z
    .boolean()
    .default(false)
    .describe('`POST /v1/mcp/tool/execute` is a yes to a call that would be asked for.'),
  role: z
    .enum(['caller', 'approver', 'admin'])
    .default('caller')
    .describe('Callers call, approvers decide approvals too, admins do all.'),
  expires: z
    .string()
    .refine(isDate, 'a date such as 2027-01-31 or 2027-01-31T12:00:00Z')
    .optional()
    .describe('From then on it is refused. A date alone means its start, UTC.'),
  enabled: z.boolean().default(true).describe('`false`: it is refused.'),
  notes: z.string().default('').describe('For people.'),
};

const ruleShape = {
  tools: selectors.default(['*']).describe('The tools it is about, as selectors.'),
  when: text.describe(
    'CEL over `args`, `tool`, `server`, `annotations`, `key`, `team`, `customer`, `environment`.',
  ),
  mode: mode.describe('Of the calls that the expression is true of.'),
};

const webhookShape = {
  url: z
    .string()
    .refine(isHttpUrl, 'an http:// or https:// URL')
    .describe('Told of each approval.'),
  secret: z.string().min(MIN_SECRET_LENGTH).describe('Signs what is sent.'),
};

const seconds = z.number().min(0).max(MAX_SECONDS);

const approvalsShape = {
  waitSeconds: seconds
    .default(20)
    .describe(
      'How long a call is held when its client cannot be asked. Hosts give up at about 60.',
    ),
  expirySeconds: seconds
    .min(1)
    .default(3600)
    .describe('A yes must be given and used within this time.'),
  webhook: z.strictObject(webhookShape).optional().describe('Hears of approvals that wait.'),
};

/** Keys of the file. */
export const policyShape = {
  groups: z.record(text, selectors).default({}).describe('Selectors by name, for use as `@name`.'),
  customers: z.record(text, z.strictObject(levelShape)).default({}).describe('Customers, by name.'),
  teams: z.record(text, z.strictObject(teamShape)).default({}).describe('Teams, by name.'),
  environments: z
    .record(text, z.strictObject(environmentShape))
    .default({})
    .describe('Environments, by name.'),
  keys: z.record(text, z.strictObject(keyShape)).default({}).describe('Keys of callers, by name.'),
  rules: z
    .array(z.strictObject(ruleShape))
    .default([])
    .describe(
      'Execution modes by expression; the first that is true counts, after key and server.',
    ),
  modes: z
    .record(text, mode)
    .default({})
    .describe('Execution mode by selector; the first match counts, after everything else.'),
  approvals: z.strictObject(approvalsShape).prefault({}).describe('How people are asked.'),
  pinning: pinningName
    .default('ask')
    .describe(
      'When a server changes a definition: `ask` again, `hold` the old, `quarantine`, `off`.',
    ),
};

const SHAPES: Readonly<Record<string, object>> = {
  customers: levelShape,
  teams: teamShape,
  environments: environmentShape,
  keys: keyShape,
  rules: ruleShape,
};

/** The keys that an object of the policy may have, by its path in the file; undefined: it is none of it. */
export function policyKeysAt(path: readonly (string | number)[]): readonly string[] | undefined {
  const [section = '', , ...rest] = path;
  if (section === 'approvals')
    return Object.keys(path.length === 1 ? approvalsShape : webhookShape);
  const shape = SHAPES[section];
  return shape && path.length === 2 && rest.length === 0 ? Object.keys(shape) : undefined;
}

/** As `policyKeysAt`, by the path in a server's entry. */
export function serverPolicyKeysAt([top, ...path]: readonly (string | number)[]):
  | readonly string[]
  | undefined {
  if (top !== 'tools') return undefined;
  if (path.length === 0) return Object.keys(serverToolsShape);
  return Object.keys(path.length <= 2 ? overrideShape : argumentShape);
}
