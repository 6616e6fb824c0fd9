// What may be said of a key over REST: the members that the configuration knows, times in epoch milliseconds.
// `null` takes back what was said.
import { z } from 'zod';
import type { ModeRule } from '../../core/principal.ts';

const MAX_OVERLAP_SECONDS = 30 * 24 * 3600;

const text = (max: number) =>
  z
    .string()
    .max(max)
    .regex(/^\P{C}*$/u, 'must have no control or invisible characters');

const word = text(100).min(1);
const selector = z
  .string()
  .max(512)
  .regex(
    /^(?:\*|@\S+|[^/\s]+\/\S+)$/,
    'must be `server/tool` with `*` for any part of it, `*`, or `@group`',
  );
const uriSelector = z
  .string()
  .max(2_048)
  .regex(/^(?:\*|[^/\s]+\/\S+)$/, 'must be `server/uri` with `*`, or `*`');
const selectors = z.array(selector).max(1_000);

const nullable = <T extends z.ZodType>(schema: T) =>
  schema.nullable().transform((value) => value ?? undefined);

const toRules = (modes: Readonly<Record<string, ModeRule['mode']>>): ModeRule[] =>
  Object.entries(modes).map(([tools, mode]) => ({ tools, mode }));

const shape = {
  role: z.enum(['caller', 'approver', 'admin']),
  execute: z.boolean(),
  team: nullable(word),
  customer: nullable(word),
  environment: nullable(word),
  tools: selectors,
  deny: selectors,
  prompts: nullable(selectors),
  resources: nullable(z.array(uriSelector).max(1_000)),
  modes: z.record(selector, z.enum(['auto', 'ask', 'review'])).transform(toRules),
  expiresAt: nullable(z.int().positive()),
  enabled: z.boolean(),
  notes: text(2_000),
};

export const patchSchema = z.strictObject({ name: word, ...shape }).partial();
export const newKeySchema = z.strictObject(shape).partial().extend({ name: word });
export const rotateSchema = z.strictObject({
  overlapSeconds: z.number().min(0).max(MAX_OVERLAP_SECONDS).optional(),
});
