// Records of every kind, with each member set.
import type {
  StoredApproval,
  StoredCall,
  StoredGrant,
  StoredKey,
  StoredPin,
} from '../../../src/core/store.ts';

export const storedKey = (id: string, more: Partial<StoredKey> = {}): StoredKey => ({
  id,
  name: `key ${id}`,
  secrets: [{ mac: 'ab'.repeat(32), validUntil: undefined }],
  role: 'caller',
  execute: false,
  team: undefined,
  customer: 'acme',
  environment: undefined,
  tools: ['files/*'],
  deny: [],
  prompts: undefined,
  resources: ['files/*'],
  modes: [{ tools: 'files/write', mode: 'review' }],
  enabled: true,
  notes: '',
  createdAt: 1,
  expiresAt: undefined,
  lastUsedAt: undefined,
  ...more,
});

export const storedApproval = (id: string, more: Partial<StoredApproval> = {}): StoredApproval => ({
  id,
  status: 'pending',
  principal: 'abcdefgh',
  principalName: 'ci',
  team: undefined,
  customer: undefined,
  server: 'files',
  tool: 'write',
  exposed: 'files__write',
  mode: 'ask',
  definitionHash: 'd',
  argumentsDigest: 'a',
  rulesHash: 'r',
  arguments: 'v1.sealed',
  createdAt: 10,
  expiresAt: 20,
  decidedBy: undefined,
  decidedAt: undefined,
  claimedAt: undefined,
  finishedAt: undefined,
  result: undefined,
  ...more,
});

export const storedGrant = (id: string): StoredGrant => ({
  id,
  principal: 'abcdefgh',
  server: 'files',
  tool: 'write',
  definitionHash: 'd',
  grantedBy: 'admin',
  createdAt: 1,
  expiresAt: undefined,
});

export const storedCall = (id: string): StoredCall => ({
  id,
  at: 1,
  principal: 'abcdefgh',
  door: 'http',
  era: 'modern',
  method: 'tools/call',
  server: 'files',
  name: 'write',
  decision: 'auto',
  rule: 'modes[0]',
  approval: undefined,
  outcome: 'result',
  ms: 1.5,
});

export const storedPin = (server: string, tool: string): StoredPin => ({
  server,
  tool,
  definitionHash: 'd',
  definition: '{"name":"write"}',
  acceptedAt: 1,
  acceptedBy: 'admin',
});
