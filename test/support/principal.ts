// Principals for tests that are about something else.
import type { Principal } from '../../src/core/principal.ts';

/** May see and call everything. */
export const ALL_SEEING: Principal = Object.freeze({
  id: 'local',
  name: 'local',
  role: 'caller',
  execute: false,
  team: undefined,
  customer: undefined,
  environment: undefined,
  allowance: { tools: ['*'], deny: [], prompts: undefined, resources: undefined },
  modes: [],
});
