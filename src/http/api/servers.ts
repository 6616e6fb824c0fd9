// The servers behind the gateway. Requests choose among those of the configuration; none can say what is
// started or where to connect.
import type { Principal } from '../../core/principal.ts';
import { isGatewayError } from '../../core/errors.ts';
import { ITEM_KINDS } from '../../core/source.ts';
import type { ItemKind } from '../../core/source.ts';
import { narrowFrom } from '../../policy/narrow.ts';
import { elementsOf, membersOf, valueOf } from '../../wire/json.ts';
import type { AskedBy, KeyRoute } from '../route.ts';
import type { ApiDependencies } from './route-table.ts';

export const SERVER_ACTIONS = ['refresh', 'reconnect', 'enable', 'disable'] as const;
export type ServerAction = (typeof SERVER_ACTIONS)[number];

export interface ServerFacts {
  readonly name: string;
  readonly state: string;
  readonly transport: string;
  readonly era: string | undefined;
  readonly version: string | undefined;
  /** Why it is not ready, or was not last time. */
  readonly reason: string | undefined;
  /** Since when it is in this state, epoch milliseconds. */
  readonly since: number;
  readonly counts: Readonly<Record<ItemKind, number>>;
}

/** Those of the configuration, and what may be done with one. */
export interface ServerDesk {
  readonly statuses: () => readonly ServerFacts[];
  /** An action that is not there has no route. @throws GatewayError SERVER_NOT_FOUND */
  readonly actions: Readonly<Partial<Record<ServerAction, (server: string) => Promise<void>>>>;
}

const PATH = '/v1/mcp/servers';

type Counts = Readonly<Record<ItemKind, number>>;

export function serverRoutes({
  servers,
  gateway,
}: Pick<ApiDependencies, 'servers' | 'gateway'>): readonly KeyRoute[] {
  const list: KeyRoute = {
    method: 'GET',
    path: PATH,
    access: 'caller',
    handle: (asked) => ({ status: 200, body: { servers: shownTo(asked, servers, gateway) } }),
  };
  const actions = SERVER_ACTIONS.flatMap((action): KeyRoute[] => {
    const run = servers.actions[action];
    if (!run) return [];
    return [
      {
        method: 'POST',
        path: `${PATH}/:name/${action}`,
        access: 'admin',
        async handle({ params }) {
          const name = params['name']!;
          await run(name);
          return {
            status: 200,
            body: { server: servers.statuses().find((one) => one.name === name) },
          };
        },
      },
    ];
  });
  return [list, ...actions];
}

function shownTo(
  asked: AskedBy,
  servers: ServerDesk,
  gateway: ApiDependencies['gateway'],
): object[] {
  const { principal } = asked;
  if (principal.role === 'admin') return [...servers.statuses()];
  return servers.statuses().flatMap(({ name, state }) => {
    const counts = countsFor(principal, name, asked, gateway);
    const isVisible = ITEM_KINDS.some((kind) => counts[kind] > 0);
    return isVisible ? [{ name, state, counts }] : [];
  });
}

/** How much of a server a caller sees: by the lists it gets, so that both can never differ. */
function countsFor(
  principal: Principal,
  scope: string,
  { headers }: AskedBy,
  gateway: ApiDependencies['gateway'],
): Counts {
  const view = { principal, era: 'modern', scope, narrow: narrowFrom(headers) } as const;
  const count = (kind: ItemKind): number => {
    try {
      const bytes = gateway.list(kind, view);
      const items = valueOf(membersOf(bytes, { start: 0, end: bytes.length }), kind);
      return items ? elementsOf(bytes, items).length : 0;
    } catch (error) {
      // A server that is turned off is not in the catalog.
      if (isGatewayError(error) && error.code === 'SERVER_NOT_FOUND') return 0;
      throw error;
    }
  };
  return Object.fromEntries(ITEM_KINDS.map((kind) => [kind, count(kind)])) as Counts;
}
