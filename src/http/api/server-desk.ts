// Turns servers on and off while the gateway runs. It knows names only: what is started is what the
// configuration says.
import type { Config } from '../../config/config.ts';
import { GatewayError } from '../../core/errors.ts';
import type { ServerDesk, ServerFacts } from './servers.ts';

export interface SwitchDesk extends ServerDesk {
  /** The configuration as it counts now. */
  applyTo(config: Config): Config;
  /** What the file says anew goes before what was said here. */
  reload(before: Config, after: Config): void;
}

export interface SwitchDeskOptions {
  readonly statuses: () => readonly ServerFacts[];
  /** A switch was turned: the configuration is to be applied again. */
  readonly turned: () => void;
  /** What else can be done with a server. */
  readonly actions?: ServerDesk['actions'];
}

export function createServerDesk({ statuses, turned, actions }: SwitchDeskOptions): SwitchDesk {
  const switched = new Map<string, boolean>();
  const turn = (enabled: boolean) => async (name: string) => {
    if (!statuses().some((status) => status.name === name)) {
      throw new GatewayError('SERVER_NOT_FOUND', `No server is named ${JSON.stringify(name)}.`);
    }
    switched.set(name, enabled);
    turned();
    return Promise.resolve();
  };
  return {
    statuses,
    actions: { ...actions, enable: turn(true), disable: turn(false) },
    applyTo: (config) => ({
      ...config,
      servers: config.servers.map((server) => ({
        ...server,
        enabled: switched.get(server.name) ?? server.enabled,
      })),
    }),
    reload(before, after) {
      for (const name of switched.keys()) {
        const [old, fresh] = [before, after].map(({ servers }) =>
          servers.find((one) => one.name === name),
        );
        if (!fresh || old?.enabled !== fresh.enabled) switched.delete(name);
      }
    },
  };
}
