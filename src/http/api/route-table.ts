// All of the REST API. A route that does not stand here is not there.
import type { Gateway } from '../../gateway/gateway.ts';
import type { Keyring } from '../../identity/virtual-keys.ts';
import type { KeyRoute } from '../route.ts';
import { keyRoutes } from './keys.ts';
import { pinRoutes } from './pins.ts';
import type { PinDesk } from './pins.ts';
import { serverRoutes } from './servers.ts';
import type { ServerDesk } from './servers.ts';
import { toolRoutes } from './tools.ts';

export interface ApiDependencies {
  readonly gateway: Pick<Gateway, 'list'>;
  readonly keys: Pick<Keyring, 'list' | 'show' | 'create' | 'update' | 'rotate' | 'revoke'>;
  readonly servers: ServerDesk;
  readonly pins: PinDesk;
}

export const apiRoutes = (dependencies: ApiDependencies): readonly KeyRoute[] => [
  ...toolRoutes(dependencies),
  ...serverRoutes(dependencies),
  ...keyRoutes(dependencies),
  ...pinRoutes(dependencies.pins),
];
