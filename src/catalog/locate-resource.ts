// Which servers may have a resource.
import type { Source, Target } from '../core/source.ts';
import type { Merged } from './merge.ts';
import { parseQualified, templateFit } from './uris.ts';

/** Whether a server may be asked for a resource of its own. */
export type PermitsResource = (server: string, uri: string) => boolean;

/** As `Catalog.findResource` says. */
export function locateResource(
  { byName, byServer }: Pick<Merged, 'byName' | 'byServer'>,
  all: readonly Source[],
  uri: string,
  scope: string | undefined,
  permits: PermitsResource,
): readonly Target[] {
  const inScope = all.filter(({ name }) => scope === undefined || name === scope);
  const listed = scope === undefined ? byName.resources.get(uri) : undefined;
  if (listed && permits(listed.source.name, listed.name)) return [listed];
  const parsed = scope === undefined ? parseQualified(uri) : undefined;
  const owner = parsed && inScope.find(({ name }) => name === parsed.server);
  const target = (source: Source, name: string): Target =>
    byServer.get(source.name)?.resources.get(name) ?? unlisted(source, name);
  if (owner && permits(owner.name, parsed.uri)) return [target(owner, parsed.uri)];
  const sources = inScope.filter(({ name }) => permits(name, uri));
  const targets = (list: readonly Source[]) => list.map((source) => target(source, uri));
  const own = sources.filter(({ name }) => byServer.get(name)?.resources.has(uri));
  if (own.length === 1) return targets(own);
  const fits = sources.map((source) => ({ source, fit: bestFit(source, uri) }));
  const best = Math.max(-1, ...fits.map(({ fit }) => fit));
  if (best >= 0) return targets(fits.filter(({ fit }) => fit === best).map(({ source }) => source));
  return targets(sources.filter(hasResources));
}

const hasResources = ({ snapshot }: Source): boolean =>
  snapshot.items.resources.length > 0 || snapshot.items.resourceTemplates.length > 0;

const bestFit = ({ snapshot }: Source, uri: string): number =>
  Math.max(-1, ...snapshot.items.resourceTemplates.map(({ name }) => templateFit(name, uri)));

/** A resource that may be readable although no list has it. */
const unlisted = (source: Source, uri: string): Target => ({
  source,
  name: uri,
  item: undefined,
  exposed: uri,
  definitionHash: '',
});
