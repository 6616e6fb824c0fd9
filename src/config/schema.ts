// The one description of the configuration file. The checks, the JSON Schema for editors and the
// README's table all come from it. It holds only what works today.
import { z } from 'zod';
import { isNetwork } from '../net/addresses.ts';

import { policyShape, serverPolicyShape } from './policy-schema.ts';

/** setTimeout counts milliseconds in 31 bits. */
const MAX_SECONDS = 2_000_000;
const MIB = 1024 * 1024;
const MAX_BYTES = 1024 * MIB;

/** Above this a `timeout` of another host can only mean milliseconds: an hour is the most that Cline
 * and Roo Code take in seconds. */
export const MAX_FOREIGN_TIMEOUT_SECONDS = 3600;

/** Keys of server entries that other hosts know and that have no effect here. */
export const IGNORED_SERVER_KEYS = [
  'alwaysLoad',
  'auth',
  'authProviderType',
  'description',
  'dev',
  'disabledTools',
  'excludeTools',
  'gallery',
  'headersHelper',
  'icon',
  'includeTools',
  'oauth',
  'sandbox',
  'sandboxEnabled',
  'scopes',
  'targetAudience',
  'targetServiceAccount',
  'trust',
  'version',
  'watchPaths',
] as const;

/** Keys beside the servers that other hosts know and that have no effect here. */
export const IGNORED_FILE_KEYS = [
  'coworkUserFilesPath',
  'deploymentMode',
  'globalShortcut',
  'hasTrackedInitialActivation',
  'inputs',
  'isDxtAutoUpdatesEnabled',
  'isUsingBuiltInNodeForMcp',
  'locale',
  'preferences',
  'sandbox',
  'scale',
  'theme',
  'userThemeMode',
] as const;

const ignored = <K extends string>(keys: readonly K[]): Record<K, z.ZodOptional<z.ZodUnknown>> =>
  Object.fromEntries(
    keys.map((key) => [key, z.unknown().optional().describe('Of another host; has no effect.')]),
  ) as Record<K, z.ZodOptional<z.ZodUnknown>>;

const isHttpUrl = (text: string): boolean =>
  URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);

/** A message of a refinement is a noun: it is printed after "expected". */
const httpUrl = z.string().refine(isHttpUrl, 'an http:// or https:// URL');
const serverUrl = httpUrl.refine((text) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url === undefined || (url.username === '' && url.password === '');
}, 'a URL without user and password (send them in "headers")');

const isOrigin = (text: string): boolean => /^[a-z][a-z0-9+.-]*:\/\/[^/?#@\s]+$/i.test(text);

const seconds = z.number().min(0.001).max(MAX_SECONDS);
const bytes = z.int().min(1024).max(MAX_BYTES);
const toolNames = z.array(z.string());
const transportName = z.enum(['stdio', 'http', 'streamable-http', 'streamableHttp', 'sse']);
const headerName = z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'an HTTP header name');
const headerValue = z.string().refine(isHeaderValue, 'a header value without control characters');
const variableName = z.string().regex(/^[^=\0]+$/, 'a variable name');

function isHeaderValue(text: string): boolean {
  // eslint-disable-next-line no-control-regex -- control characters are what this looks for
  return !/[\0-\x08\x0a-\x1f\x7f]/.test(text);
}

export const isPlainName = (name: string): boolean =>
  /^[A-Za-z0-9_.-]+$/.test(name) &&
  !name.includes('__') &&
  !name.startsWith('_') &&
  !name.endsWith('_') &&
  /[^.]/.test(name);

const serverShape = {
  command: z
    .string()
    .min(1)
    .optional()
    .describe('Program to start. With a path separator, relative to the folder of this file.'),
  args: z.array(z.string()).default([]).describe('Arguments of the program.'),
  env: z
    .record(variableName, z.union([z.string(), z.number()]))
    .default({})
    .describe('Environment variables of the program. It sees few of the gateway’s own.'),
  envFile: z
    .string()
    .min(1)
    .optional()
    .describe('File of `NAME=value` lines; `env` goes over it. Read when this file is loaded.'),
  cwd: z
    .string()
    .min(1)
    .optional()
    .describe('Folder the program starts in. Default: the folder of this file.'),
  url: serverUrl.optional().describe('Address of a server that is already running.'),
  type: transportName
    .optional()
    .describe(
      'Transport. Default: `stdio` with `command`; with `url` Streamable HTTP, then HTTP+SSE.',
    ),
  headers: z
    .record(headerName, headerValue)
    .default({})
    .describe('HTTP headers of every request to `url`.'),
  allowAddresses: z
    .array(z.string().refine(isNetwork, 'an IP address or a CIDR such as 169.254.0.0/16'))
    .default([])
    .describe('Link-local and metadata addresses (IP or CIDR) that this server may have.'),
  enabled: z.boolean().optional().describe('`false` keeps the entry and does not start it.'),
  disabled: z.boolean().optional().describe('The opposite of `enabled`, as other hosts write it.'),
  autoExecute: toolNames
    .default([])
    .describe(
      'Tools that run without asking, as globs over the server’s own tool names (`read_*`): mode ' +
        '`auto`, where `modes` says nothing.',
    ),
  ...serverPolicyShape,
  prefix: z
    .string()
    .refine((text) => text === '' || isPlainName(text), 'a name like a server’s, or ""')
    .optional()
    .describe('Stands for the server’s name in tool names; `""` drops it. Default: the name.'),
  timeoutSeconds: seconds.default(300).describe('A call ends in an error after this many seconds.'),
  maxTimeoutSeconds: seconds
    .default(3600)
    .describe('Progress of a call extends its time up to this many seconds.'),
  toolTimeouts: z
    .record(z.string(), seconds)
    .default({})
    .describe('`timeoutSeconds` of single tools: the server’s own tool name → seconds.'),
  refreshSeconds: z
    .number()
    .min(1)
    .max(MAX_SECONDS)
    .default(60)
    .describe('How often a server that cannot tell of changes is listed again.'),
  maxMessageBytes: bytes.default(64 * MIB).describe('Largest message the server may send.'),
  maxConcurrent: z.int().min(1).max(100_000).default(256).describe('Calls at the same time.'),
  era: z
    .enum(['auto', 'legacy', 'modern'])
    .default('auto')
    .describe('Protocol era: `legacy` has sessions (up to 2025-11-25), `modern` has none.'),
  timeout: z
    .number()
    .positive()
    .max(MAX_SECONDS * 1000)
    .optional()
    .describe(
      '`timeoutSeconds` as other hosts write it: up to 3600 seconds (Cline, Roo Code), above ' +
        'milliseconds (Claude Code, Gemini CLI).',
    ),
  alwaysAllow: toolNames.optional().describe('Joined to `autoExecute` (Roo Code).'),
  autoApprove: toolNames.optional().describe('Joined to `autoExecute` (Cline).'),
  serverUrl: serverUrl.optional().describe('`url` as Windsurf writes it.'),
  httpUrl: serverUrl.optional().describe('`url` with type `http`, as Gemini CLI writes it.'),
  transport: transportName.optional().describe('`type` as some hosts write it.'),
  transportType: transportName.optional().describe('`type` as old Cline files have it.'),
};

export const serverSchema = z.strictObject({ ...serverShape, ...ignored(IGNORED_SERVER_KEYS) });

const namingSchema = z.strictObject({
  mode: z
    .enum(['prefix', 'on-collision', 'verbatim'])
    .default('prefix')
    .describe('When `server__` goes before a tool’s name: always, only when two are alike, never.'),
  maxLength: z
    .int()
    .min(16)
    .max(128)
    .default(49)
    .describe('Longer names end in a hash. Hosts add up to 15 to the 64 that models allow.'),
});

const gatewaySchema = z.strictObject({
  host: z.string().min(1).default('127.0.0.1').describe('Address to listen on.'),
  port: z.int().min(0).max(65_535).default(8931).describe('Port to listen on; 0 takes a free one.'),
  publicUrl: httpUrl
    .optional()
    .describe('Address that clients use, when it is not host and port (behind a proxy).'),
  data: z
    .string()
    .min(1)
    .optional()
    .describe('Data directory. Default: `TOOLGATE_DATA`, else the platform’s usual place.'),
  allowOrigins: z
    .array(z.string().refine(isOrigin, 'an origin such as https://app.example.com'))
    .default([])
    .describe('Web origins whose pages may call the gateway.'),
  maxRequestBytes: bytes.default(4 * MIB).describe('Largest request body.'),
  sessionSeconds: seconds.default(1800).describe('An idle session ends after this many seconds.'),
  maxSessions: z
    .int()
    .min(1)
    .max(10_000_000)
    .default(10_000)
    .describe('Sessions at the same time.'),
  startSeconds: z
    .number()
    .min(0)
    .max(3600)
    .default(5)
    .describe('How long the start waits for servers before the gateway counts as ready.'),
  drainSeconds: z
    .number()
    .min(0)
    .max(MAX_SECONDS)
    .default(30)
    .describe('How long calls in flight may go on when the gateway stops.'),
  logLevel: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('Least level of the log.'),
});

/** Everything beside the servers. */
export const settingsSchema = z.strictObject({
  $schema: z.string().optional().describe('For editors.'),
  ...policyShape,
  naming: namingSchema.prefault({}).describe('How tools are called.'),
  gateway: gatewaySchema.prefault({}).describe('The gateway itself.'),
  ...ignored(IGNORED_FILE_KEYS),
});

const serversSchema = z.record(z.string(), serverSchema);

export const fileSchema = settingsSchema.extend({
  mcpServers: serversSchema.optional().describe('The servers, by name.'),
  servers: serversSchema.optional().describe('`mcpServers` as VS Code writes it.'),
});

/** A server entry as it stands in the file, defaults filled in. */
export type ServerEntry = z.infer<typeof serverSchema>;
/** A server entry as a person writes it. */
export type ServerEntryInput = z.input<typeof serverSchema>;
export type Settings = z.infer<typeof settingsSchema>;

export const OWN_SERVER_KEYS: readonly string[] = Object.keys(serverShape);
export const OWN_FILE_KEYS: readonly string[] = [
  'mcpServers',
  'servers',
  ...Object.keys(policyShape),
  'naming',
  'gateway',
];
