// Where our door judges otherwise than the official SDK's entry, on purpose.
import type { Mutant, Probe } from './mutations.ts';

/** `legacy`, `modern`, or the refusal: HTTP status and JSON-RPC code. */
export type Verdict = string;

export interface Difference {
  readonly probe: Probe | Mutant;
  readonly ours: Verdict;
  readonly theirs: Verdict;
  /** The request was served as a modern one before it was changed. */
  readonly wasModern: boolean;
}

interface Rule {
  readonly why: string;
  allows(difference: Difference): boolean;
}

type Json = Readonly<Record<string, unknown>>;

const objectOf = (value: unknown): Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};

const versionHeader = ({ headers }: Probe): string =>
  (headers['mcp-protocol-version'] ?? '').trim();
const metaOf = ({ body }: Probe): unknown => objectOf(objectOf(body)['params'])['_meta'];
const methodOf = ({ body }: Probe): unknown => objectOf(body)['method'];
const claimOf = (probe: Probe): unknown =>
  objectOf(metaOf(probe))['io.modelcontextprotocol/protocolVersion'];

const changesOf = (probe: Probe | Mutant): number => ('changes' in probe ? probe.changes : 0);

const isRefusal = (verdict: Verdict): boolean => /^4\d\d -/.test(verdict);

/** The members that a request, or a response, has besides its version and id. */
const KNOWN: readonly (readonly string[])[] = [['method', 'params'], ['result'], ['error']];

function isOdd(probe: Probe): boolean {
  const rest = Object.keys(objectOf(probe.body)).filter((key) => key !== 'jsonrpc' && key !== 'id');
  const isKnown = KNOWN.some((members) => rest.every((key) => members.includes(key)));
  const meta = metaOf(probe);
  return !isKnown || (meta !== undefined && objectOf(meta) !== meta);
}

const INVALID_REQUEST = '400 -32600';

const RULES: readonly Rule[] = [
  {
    why: 'messages are opaque: unknown members and a `_meta` that is no object are passed over',
    allows: ({ probe, theirs }) => theirs === INVALID_REQUEST && isOdd(probe),
  },
  {
    why: 'the elements of a batch are judged once its session is found',
    allows: ({ probe, ours, theirs }) =>
      Array.isArray(probe.body) && ours === 'legacy' && theirs === INVALID_REQUEST,
  },
  {
    why: 'a response is for the session that asked, which judges its id',
    allows: ({ probe, ours, theirs }) =>
      ours === 'legacy' && theirs === INVALID_REQUEST && methodOf(probe) === undefined,
  },
  {
    why: 'what a clientInfo holds is not judged: it decides nothing',
    allows: ({ probe, ours, theirs }) =>
      (theirs === '400 -32602' || theirs === '400 -32020') &&
      (ours === 'modern' || ours === '404 -32601') &&
      'io.modelcontextprotocol/clientInfo' in objectOf(metaOf(probe)),
  },
  {
    why: 'a modern version header forbids batches and responses, which that revision does not have',
    allows: ({ probe, ours, theirs }) =>
      theirs === 'legacy' &&
      ours === INVALID_REQUEST &&
      versionHeader(probe) >= '2026' &&
      methodOf(probe) === undefined,
  },
  {
    why: 'a version that is no date is no modern one',
    allows: ({ probe, ours }) => ours === 'legacy' && versionHeader(probe) === 'x',
  },
  {
    why: 'an initialize that names the modern revision in `_meta` is modern, however broken the rest',
    allows: ({ probe, theirs }) =>
      methodOf(probe) === 'initialize' &&
      String(claimOf(probe)) >= '2026' &&
      (theirs === 'legacy' || theirs === '400 -32020'),
  },
  {
    why: 'which of several faults is told is not prescribed',
    allows: ({ probe, ours, theirs, wasModern }) =>
      isRefusal(ours) && isRefusal(theirs) && (!wasModern || changesOf(probe) > 1),
  },
];

export const REASONS: readonly string[] = RULES.map(({ why }) => why);

/** The reason of a difference; undefined when there is none. */
export const reasonFor = (difference: Difference): string | undefined =>
  RULES.find((rule) => rule.allows(difference))?.why;
