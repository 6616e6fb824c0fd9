// A list as one era's clients get it, with the merged caching hints.
import type { Era } from '../core/call.ts';
import type { ItemKind, Source } from '../core/source.ts';
import { toolToLegacy, toolToModern } from '../wire/era.ts';

const COMMA = Buffer.from(',');

/** Raw JSON of `{"tools":[…]}` and its like. */
export function listResult(
  kind: ItemKind,
  era: Era,
  definitions: readonly Buffer[],
  sources: readonly Source[],
): Buffer {
  const convert = kind !== 'tools' ? undefined : era === 'legacy' ? toolToLegacy : toolToModern;
  const parts: Buffer[] = [Buffer.from(`{"${kind}":[`)];
  for (const [i, raw] of definitions.entries()) {
    if (i > 0) parts.push(COMMA);
    parts.push(convert ? convert(raw) : raw);
  }
  parts.push(Buffer.from(era === 'modern' ? `],${modernMembers(sources)}}` : ']}'));
  return Buffer.concat(parts);
}

/**
 * ttlMs and cacheScope over all servers (2026-07-28, server/utilities/caching): the least and the most
 * private one hold for all.
 */
function modernMembers(sources: readonly Source[]): string {
  const snapshots = sources.map(({ snapshot }) => snapshot);
  const stale = snapshots.length === 0 || snapshots.some((snapshot) => snapshot.stale);
  const ttlMs = stale ? 0 : Math.min(...snapshots.map((snapshot) => snapshot.ttlMs));
  const isPublic = snapshots.length > 0 && snapshots.every(({ cacheScope }) => cacheScope === 'public');
  const scope = isPublic ? 'public' : 'private';
  return `"resultType":"complete","ttlMs":${ttlMs},"cacheScope":"${scope}"`;
}
