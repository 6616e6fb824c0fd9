// A policy from a configuration text, and principals to ask it about.
import type { Config } from '../../../src/config/config.ts';
import type { Allowance, Principal } from '../../../src/core/principal.ts';
import { load } from '../config/folder.ts';

/** Servers that never start: they are only named. */
export const SERVERS = { files: { command: 'x' }, github: { command: 'x' }, db: { command: 'x' } };

export async function configOf(content: object): Promise<Config> {
  return (await load({ mcpServers: SERVERS, ...content })).config;
}

export type PrincipalFacts = Partial<Omit<Principal, 'allowance'>> & Partial<Allowance>;

export function principal(facts: PrincipalFacts = {}): Principal {
  const { tools = [], deny = [], prompts, resources, ...rest } = facts;
  return {
    id: 'k1',
    name: 'cursor',
    role: 'caller',
    execute: false,
    team: undefined,
    customer: undefined,
    environment: undefined,
    modes: [],
    ...rest,
    allowance: { tools, deny, prompts, resources },
  };
}

/** A definition as a server sends it. */
export const tool = (name: string, more: object = {}): Buffer =>
  Buffer.from(JSON.stringify({ name, inputSchema: { type: 'object' }, ...more }));
