// The approval interceptor over a real database, with hand-made calls and a hand-made rest of the road.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Call, Era, Message } from '../../../src/core/call.ts';
import { createEmitter } from '../../../src/core/emitter.ts';
import type { Principal } from '../../../src/core/principal.ts';
import type { Source, Target } from '../../../src/core/source.ts';
import { createApproval } from '../../../src/policy/approval.ts';
import type { ApprovalOptions, Judgement } from '../../../src/policy/approval.ts';
import { Approvals } from '../../../src/policy/approvals.ts';
import { openStorage } from '../../../src/storage/storage.ts';
import { loadSealKey } from '../../../src/storage/seal.ts';
import { parseAt } from '../../../src/wire/json.ts';
import { readMessage, resultAnswer } from '../../../src/wire/message.ts';
import { temporaryDirectory } from '../../support/gateway.ts';
import { createTestLog } from '../mcp/log.ts';

export const principal = (id: string, rights: Partial<Principal> = {}): Principal => ({
  id,
  name: id,
  role: 'caller',
  execute: false,
  team: undefined,
  customer: undefined,
  environment: undefined,
  allowance: { tools: ['*'], deny: [], prompts: undefined, resources: undefined },
  modes: [],
  ...rights,
});

export interface CallOptions {
  readonly principal?: Principal;
  readonly name?: string;
  /** Raw JSON. */
  readonly arguments?: string;
  /** More members of params, raw: `"requestState":"…"`. */
  readonly more?: string;
  readonly era?: Era;
  /** Declares elicitation. */
  readonly elicits?: boolean;
  readonly door?: Call['door'];
  readonly signal?: AbortSignal;
  readonly isGone?: () => boolean;
  readonly ask?: Call['ask'];
  readonly onNotification?: Call['onNotification'];
}

export function makeCall(options: CallOptions = {}): Call {
  const { era = 'modern', name = 'files__write', arguments: json = '{"path":"a.txt"}' } = options;
  const more = options.more === undefined ? '' : `,${options.more}`;
  const text = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":${JSON.stringify(name)},"arguments":${json}${more}}}`;
  return {
    id: 'call',
    principal: options.principal ?? principal('alice'),
    door: options.door ?? 'http',
    client: {
      era,
      protocolVersion: era === 'modern' ? '2026-07-28' : '2025-11-25',
      info: undefined,
      capabilities: Buffer.from(options.elicits ? '{"elicitation":{}}' : '{}'),
    },
    scope: undefined,
    narrow: [],
    method: 'tools/call',
    name,
    message: readMessage(Buffer.from(text)),
    logLevel: undefined,
    signal: options.signal ?? new AbortController().signal,
    onNotification: options.onNotification ?? (() => undefined),
    isGone: options.isGone ?? (() => false),
    ask: options.ask,
  };
}

export function makeTarget(server = 'files', tool = 'write'): Target {
  const source = { name: server, changed: createEmitter() } as unknown as Source;
  const raw = Buffer.from(JSON.stringify({ name: tool, description: 'Writes a file.' }));
  return {
    source,
    name: tool,
    item: { name: tool, raw },
    exposed: `${server}__${tool}`,
    definitionHash: 'd1',
  };
}

export const JUDGED: Judgement = {
  mode: 'ask',
  rule: '',
  hash: 'r1',
  suggestion: '"autoExecute": ["write"]',
  definitionHash: 'd1',
};

export const done = (text = 'written'): Message =>
  resultAnswer(JSON.stringify({ resultType: 'complete', content: [{ type: 'text', text }] }));

/** The result or error of a message, as JavaScript has it. */
export const resultOf = (message: Message): any =>
  parseAt(message.bytes, (message.result ?? message.error)!);

export interface RigOptions extends Partial<ApprovalOptions> {
  readonly directory?: string;
  readonly now?: () => number;
  readonly expiryMs?: number;
}

export async function openRig(options: RigOptions = {}) {
  const directory = options.directory ?? (await temporaryDirectory());
  const log = createTestLog();
  const sealKey = await loadSealKey(directory);
  const storage = openStorage({ file: join(directory, 'toolgate.db'), sealKey, log });
  const { seal } = storage;
  const create = () =>
    new Approvals({
      store: storage.approvals,
      grants: storage.grants,
      seal,
      expiryMs: () => options.expiryMs ?? 60_000,
      ...(options.now ? { now: options.now } : {}),
    });
  const approvals = create();
  await approvals.load();
  /** What reached the upstream. */
  const ran: Call[] = [];
  const rig = {
    directory,
    storage,
    approvals,
    ran,
    judged: JUDGED,
    /** Stands for the rest of the road. */
    next: (_call: Call): Promise<Message> => Promise.resolve(done()),
    waitMs: 0,
    interceptor: undefined as unknown as ReturnType<typeof createApproval>,
    /** Another process over the same rows. */
    restarted: create,
    async call(call: Call, target = makeTarget()): Promise<Message> {
      return rig.interceptor(call, target, (one) => {
        ran.push(one);
        return rig.next(one);
      });
    },
    async pending() {
      return approvals.list({ status: 'pending' });
    },
    /** Resolves at the next event of a kind. */
    event(kind: 'created' | 'decided' | 'finished') {
      return new Promise<string>((resolve) => {
        const heard = approvals.events.on((event) => {
          if (event.kind !== kind) return;
          heard[Symbol.dispose]();
          resolve(event.approval.id);
        });
      });
    },
    async [Symbol.asyncDispose]() {
      await storage[Symbol.asyncDispose]();
      if (options.directory === undefined) await rm(directory, { recursive: true, force: true });
    },
  };
  rig.interceptor = createApproval({
    approvals,
    judge: () => rig.judged,
    seal,
    waitMs: () => rig.waitMs,
    url: () => 'http://127.0.0.1:8931',
    log,
    ...options,
  });
  return rig;
}

export type Rig = Awaited<ReturnType<typeof openRig>>;
