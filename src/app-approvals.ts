// The part of the composition root that puts together what asks people: queue, interceptor, REST, page, webhook.
import type { Logger } from 'pino';
import type { Catalog } from './catalog/catalog.ts';
import type { Config } from './config/config.ts';
import { GatewayError } from './core/errors.ts';
import type { Interceptor } from './core/interceptor.ts';
import type { Principal } from './core/principal.ts';
import type { StoredApproval } from './core/store.ts';
import type { Gateway } from './gateway/gateway.ts';
import { ApprovalFeed } from './http/api/approval-feed.ts';
import { approvalRoutes } from './http/api/approvals.ts';
import type { ApprovalDesk } from './http/api/approvals.ts';
import { executeRoutes } from './http/api/execute.ts';
import { grantRoutes } from './http/api/grants.ts';
import { whyRoutes } from './http/api/why.ts';
import type { WhyDesk } from './http/api/why.ts';
import { approvalPages } from './http/pages/approval.ts';
import type { Route } from './http/route.ts';
import { startWebhook } from './http/webhook.ts';
import type { Authenticate } from './identity/authenticate.ts';
import type { Keyring } from './identity/virtual-keys.ts';
import { createHttpClient } from './net/http-client.ts';
import type { Access } from './policy/access.ts';
import { createApproval } from './policy/approval.ts';
import type { ApprovalOptions } from './policy/approval.ts';
import { Approvals } from './policy/approvals.ts';
import { mayDecide } from './policy/may-decide.ts';
import { judgeCall, judgePinned } from './policy/judge.ts';
import type { Modes } from './policy/modes.ts';
import type { Pinning } from './policy/pinning.ts';
import { explain, withPin } from './policy/why.ts';
import type { Storage } from './storage/storage.ts';
import { checkJson, isObjectAt, membersOf, stringAt, valueOf } from './wire/json.ts';

export interface Rules {
  readonly access: Access;
  readonly modes: Modes;
}

export interface ApprovalRoomOptions {
  readonly stores: Storage;
  readonly catalog: Catalog;
  readonly keyring: Keyring;
  readonly authenticate: Authenticate;
  readonly pinning: Pinning;
  readonly config: () => Config;
  /** Those in force now. */
  readonly rules: () => Rules;
  /** Of the listener, without a path. */
  readonly url: () => string;
  readonly log: Logger;
}

export interface ApprovalRoom {
  readonly interceptor: Interceptor;
  readonly approvals: Approvals;
  routes(gateway: Gateway): readonly Route[];
  /** Ends the streams of those who watch the queue. */
  endStreams(): void;
}

/** @param stack gets what has to be closed */
export async function openApprovalRoom(
  options: ApprovalRoomOptions,
  stack: AsyncDisposableStack,
): Promise<ApprovalRoom> {
  const { stores, pinning, keyring, config, log } = options;
  const { seal } = stores;
  const url = () => config().gateway.publicUrl?.replace(/\/+$/, '') ?? options.url();
  const approvals = new Approvals({
    store: stores.approvals,
    grants: stores.grants,
    seal,
    expiryMs: () => config().approvals.expiryMs,
  });
  await approvals.load();
  const waitMs = () => config().approvals.waitMs;
  const notice = (server: string, tool: string) => pinning.notice(server, tool, true);
  const interceptor = createApproval({
    approvals,
    judge: judgeWith(options),
    seal,
    waitMs,
    url,
    notice,
    log,
  });
  const http = stack.use(createHttpClient());
  stack.use(startWebhook({ approvals, target: () => config().approvals.webhook, url, http, log }));
  const desk: ApprovalDesk = {
    approvals,
    url,
    describe: (approval, who) => describe(options, approval, who),
  };
  const feed = stack.use(new ApprovalFeed(desk, keyring));
  const { maxRequestBytes } = config().gateway;
  return {
    interceptor,
    approvals,
    routes: (gateway) => [
      ...executeRoutes({ gateway, approvals, maxRequestBytes }),
      // Before the routes of one approval, whose id could be "events".
      ...feed.routes,
      ...approvalRoutes(desk),
      ...grantRoutes(desk),
      ...whyRoutes({ why: whyWith(options) }),
      ...approvalPages({ desk, seal, authenticate: options.authenticate }),
    ],
    endStreams: () => feed[Symbol.dispose](),
  };
}

/** What a tool's server says that it does, and before it what it said otherwise when it was accepted. */
function describe(
  { catalog, pinning }: ApprovalRoomOptions,
  approval: StoredApproval,
  who: Principal,
): string {
  const { server, tool } = approval;
  const notice = pinning.notice(server, tool, !mayDecide(who, approval));
  return [notice, descriptionOf(catalog, server, tool)].filter((text) => text !== '').join('\n\n');
}

function descriptionOf(catalog: Catalog, server: string, tool: string): string {
  const raw = catalog.locate(`${server}/${tool}`)?.definition;
  const span = raw && valueOf(membersOf(raw, { start: 0, end: raw.length }), 'description');
  return span && raw[span.start] === 0x22 ? stringAt(raw, span) : '';
}

/**
 * By the rules in force when it is asked, and for the key as it is then: while somebody thinks about a call, the key
 * may lose it.
 */
const judgeWith =
  ({ keyring, rules, pinning }: ApprovalRoomOptions): ApprovalOptions['judge'] =>
  (call, target) => {
    const { access, modes } = rules();
    const principal = keyring.principal(call.principal.id);
    const definition = target.item?.raw;
    const viewer = principal && { principal, narrow: call.narrow };
    if (viewer && access.permits(viewer, 'tools', target.source.name, target.name, definition)) {
      const decision = judgeCall(modes, { ...call, principal: viewer.principal }, target);
      return judgePinned(decision, target, pinning.judge(target.source.name, target.name));
    }
    const { name } = call;
    throw new GatewayError('TOOL_NOT_FOUND', `Unknown tool: ${JSON.stringify(name)}`, {
      data: { name },
    });
  };

const whyWith =
  ({ keyring, rules, catalog, pinning }: ApprovalRoomOptions): WhyDesk['why'] =>
  (key, tool, json) => {
    const principal = principalNamed(keyring, key);
    const found = catalog.locate(tool);
    if (!found)
      throw new GatewayError('TOOL_NOT_FOUND', `No server has a tool ${JSON.stringify(tool)}.`);
    const { server, name } = found;
    const told = explain(rules(), { principal, ...found, argumentsBytes: argumentsIn(json) });
    return withPin(told, `${server}/${name}`, pinning.judge(server, name));
  };

/** @throws GatewayError JSON_INVALID, PARAMS_INVALID */
function argumentsIn(json: string | undefined): Buffer | undefined {
  if (json === undefined) return undefined;
  const bytes = Buffer.from(json);
  if (isObjectAt(bytes, checkJson(bytes))) return bytes;
  throw new GatewayError('PARAMS_INVALID', 'The arguments must be a JSON object.');
}

/** The key of an id or name. @throws GatewayError KEY_NOT_FOUND */
function principalNamed(keyring: Keyring, name: string) {
  const id = keyring.list().find((key) => key.id === name || key.name === name)?.id;
  const principal = id === undefined ? undefined : keyring.principal(id);
  if (principal) return principal;
  throw new GatewayError(
    'KEY_NOT_FOUND',
    `There is no key ${JSON.stringify(name)} that counts now.`,
  );
}
