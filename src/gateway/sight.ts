// What one caller sees, by the policy in force when it is asked.
import type { Source } from '../core/source.ts';
import type { Catalog, ListView } from '../catalog/catalog.ts';
import type { Access, Viewer } from '../policy/access.ts';
import { serverNotFound } from './resolve.ts';
import type { Permits } from './resolve.ts';

export interface Sight {
  permitsOf(who: Viewer): Permits;
  listView(who: Viewer): ListView;
  /**
   * Of a server of which nothing may be seen not even the name is told.
   * @throws GatewayError SERVER_NOT_FOUND
   */
  assertScope(who: Viewer, scope: string | undefined): void;
  /** The servers that the caller may use something of. */
  sourcesOf(who: Viewer, scope: string | undefined): readonly Source[];
}

/** @param accessNow the policy in force */
export function createSight(catalog: Catalog, accessNow: () => Access): Sight {
  const permitsOf = (who: Viewer): Permits => {
    const access = accessNow();
    return (...question) => access.permits(who, ...question);
  };
  const canUse = (who: Viewer, server: string): boolean =>
    accessNow().reaches(who, server) || catalog.sees(server, permitsOf(who));
  return {
    permitsOf,
    listView(who) {
      const access = accessNow();
      const permits = permitsOf(who);
      return { key: access.viewKey(who), narrowed: access.isNarrowed(who), permits };
    },
    assertScope(who, scope) {
      if (scope === undefined) return;
      if (!catalog.source(scope) || !canUse(who, scope)) throw serverNotFound(scope);
    },
    sourcesOf: (who, scope) =>
      catalog.sources.filter(
        ({ name }) => (scope === undefined || name === scope) && canUse(who, name),
      ),
  };
}
