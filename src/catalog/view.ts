// A list as one era's clients get it, with the merged caching hints.
import type { Era } from '../core/call.ts';
import type { ItemKind, Source } from '../core/source.ts';
import { toolToLegacy, toolToModern } from '../wire/era.ts';

const COMMA = Buffer.from(',');

/** A definition, and the era of the server that wrote it. */
export interface Written {
  readonly raw: Buffer;
  readonly era: Era;
}

/** Raw JSON of `{"tools":[…]}` and its like. @param hints as `cacheHints` has them */
export function listResult(
  kind: ItemKind,
  era: Era,
  definitions: readonly Written[],
  hints: string,
): Buffer {
  const convert = era === 'legacy' ? toolToLegacy : toolToModern;
  const parts: Buffer[] = [Buffer.from(`{"${kind}":[`)];
  for (const [i, { raw, era: from }] of definitions.entries()) {
    if (i > 0) parts.push(COMMA);
    // Within one era a definition passes as it is, and so do the results that belong to it.
    parts.push(kind === 'tools' && from !== era ? convert(raw) : raw);
  }
  parts.push(Buffer.from(`]${hints}}`));
  return Buffer.concat(parts);
}

/**
 * ttlMs and cacheScope over all servers (2026-07-28, server/utilities/caching): the least and the most
 * private one hold for all. Legacy lists have none.
 */
export function cacheHints(era: Era, sources: readonly Source[], narrowed: boolean): string {
  if (era === 'legacy') return '';
  const snapshots = sources.map(({ snapshot }) => snapshot);
  const stale = snapshots.length === 0 || snapshots.some((snapshot) => snapshot.stale);
  const ttlMs = stale ? 0 : Math.min(...snapshots.map((snapshot) => snapshot.ttlMs));
  const isPublic =
    !narrowed &&
    snapshots.length > 0 &&
    snapshots.every(({ cacheScope }) => cacheScope === 'public');
  const scope = isPublic ? 'public' : 'private';
  return `,"resultType":"complete","ttlMs":${ttlMs},"cacheScope":"${scope}"`;
}
