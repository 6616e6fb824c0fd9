// subscriptions/listen: the long-lived streams of change notifications of modern clients.
// 2026-07-28 basic/patterns/subscriptions.
import type { Message, Span } from '../core/call.ts';
import { GatewayError, isGatewayError } from '../core/errors.ts';
import type { ItemKind } from '../core/source.ts';
import type { ListChange, View } from '../gateway/gateway.ts';
import { META } from '../wire/era.ts';
import { editObject, isObjectAt, membersOf, parseAt, splice, valueOf } from '../wire/json.ts';
import { resultMessage } from '../wire/message.ts';
import type { Params } from '../wire/message.ts';
import type { Context } from './context.ts';
import type { Exchange } from './exchange.ts';
import type { EventStream } from './stream.ts';

export const MAX_STREAMS_PER_PRINCIPAL = 1000;
const MAX_STREAMS = 10_000;
const MAX_URIS_PER_STREAM = 1000;

export type ListChanged = 'tools' | 'prompts' | 'resources';

/** The kinds of list that a change concerns: clients know one for resources and templates. */
export const changedLists = (kinds: readonly ItemKind[]): ReadonlySet<ListChanged> =>
  new Set(kinds.map((kind) => (kind === 'resourceTemplates' ? 'resources' : kind)));

export const concerns = (change: ListChange, scope: string | undefined): boolean =>
  scope === undefined || change.servers.includes(scope);

interface Filter {
  toolsListChanged?: true;
  promptsListChanged?: true;
  resourcesListChanged?: true;
  resourceSubscriptions?: string[];
}

interface Listening {
  readonly id: string;
  readonly view: View;
  readonly filter: Filter;
  readonly stream: EventStream;
}

export class Listeners implements Disposable {
  readonly #context: Context;
  readonly #open = new Set<Listening>();
  readonly #perPrincipal = new Map<string, number>();
  readonly #onChange: Disposable;

  constructor(context: Context) {
    this.#context = context;
    this.#onChange = context.gateway.listChanged.on((change) => this.#tell(change));
  }

  get size(): number {
    return this.#open.size;
  }

  /** @throws GatewayError PARAMS_INVALID, TOO_MANY_STREAMS, SHUTTING_DOWN */
  open(exchange: Exchange, view: View, message: Message, params: Params): void {
    this.#context.calls.assertOpen();
    const asked = readFilter(message, params);
    // The scope of the endpoint is checked as for any request.
    this.#context.gateway.describe(view);
    const owner = view.principal.id;
    const count = this.#perPrincipal.get(owner) ?? 0;
    if (count >= MAX_STREAMS_PER_PRINCIPAL || this.#open.size >= MAX_STREAMS) {
      throw new GatewayError(
        'TOO_MANY_STREAMS',
        `This key has ${count} listen streams open. Close some, or listen for more on one.`,
      );
    }
    const { id } = exchange.asked;
    const held: Message[] = [];
    let hear: (update: Message) => void = (update) => held.push(update);
    const { granted, subscriptions } = this.#subscribe(view, asked, (update) => hear(update));
    const stream = exchange.stream();
    if (!stream) return this.#release(subscriptions);
    const listening: Listening = { id, view, filter: granted, stream };
    this.#open.add(listening);
    this.#perPrincipal.set(owner, count + 1);
    stream.send(tagged('notifications/subscriptions/acknowledged', id, { notifications: granted }));
    hear = (update) => stream.send(withTag(update, id), { key: uriKey(update) });
    for (const update of held) hear(update);
    exchange.res.on('close', () => {
      this.#open.delete(listening);
      const left = (this.#perPrincipal.get(owner) ?? 1) - 1;
      if (left > 0) this.#perPrincipal.set(owner, left);
      else this.#perPrincipal.delete(owner);
      this.#release(subscriptions);
    });
  }

  #subscribe(view: View, asked: Filter, onUpdate: (update: Message) => void) {
    const { resourceSubscriptions: uris, ...granted }: Filter = asked;
    const subscriptions: AsyncDisposable[] = [];
    if (!uris) return { granted: granted as Filter, subscriptions };
    const found: string[] = [];
    try {
      for (const uri of uris) {
        try {
          subscriptions.push(this.#context.gateway.subscribe(view, uri, onUpdate));
          found.push(uri);
        } catch (error) {
          // What cannot be heard of is left out of the acknowledgement.
          if (!isGatewayError(error) || error.code !== 'RESOURCE_NOT_FOUND') throw error;
        }
      }
    } catch (error) {
      this.#release(subscriptions);
      throw error;
    }
    return { granted: { ...granted, resourceSubscriptions: found } as Filter, subscriptions };
  }

  #release(subscriptions: readonly AsyncDisposable[]): void {
    for (const subscription of subscriptions) {
      subscription[Symbol.asyncDispose]().then(undefined, (error: unknown) =>
        this.#context.log.warn({ err: error }, 'a resource subscription did not end cleanly'),
      );
    }
  }

  #tell(change: ListChange): void {
    const lists = changedLists(change.kinds);
    for (const { id, view, filter, stream } of this.#open) {
      if (!concerns(change, view.scope)) continue;
      for (const list of lists) {
        if (!filter[`${list}ListChanged`]) continue;
        const method = `notifications/${list}/list_changed`;
        stream.send(tagged(method, id, {}), { key: method });
      }
    }
  }

  /**
   * Ends every stream as the specification has it: patterns/cancellation demands notifications/cancelled,
   * patterns/subscriptions the empty result; clients take both.
   * @param principal only those of this one
   */
  endAll(reason: string, principal?: string): void {
    for (const { id, view, stream } of this.#open) {
      if (principal !== undefined && view.principal.id !== principal) continue;
      const requestId = JSON.parse(id) as unknown;
      stream.send(tagged('notifications/cancelled', id, { requestId, reason }));
      const meta = `{"${META.subscriptionId}":${id},"${META.serverInfo}":${this.#context.serverInfo}}`;
      stream.end(resultMessage(id, `{"resultType":"complete","_meta":${meta}}`));
    }
  }

  [Symbol.dispose](): void {
    this.#onChange[Symbol.dispose]();
    this.endAll('The gateway is stopping.');
  }
}

const uriKey = ({ bytes, params }: Message): string => {
  const uri = params && valueOf(membersOf(bytes, params), 'uri');
  return uri ? bytes.toString('utf8', uri.start, uri.end) : '';
};

/** @param id source text of the listen request's id */
function tagged(method: string, id: string, params: object): Buffer {
  const rest = JSON.stringify(params).slice(1);
  const meta = `"_meta":{"${META.subscriptionId}":${id}}`;
  const text = `{"jsonrpc":"2.0","method":"${method}","params":{${meta}${rest === '}' ? '' : ','}${rest}}`;
  return Buffer.from(text);
}

/** The notification with the subscription's id in its `_meta`; all else as it came. */
export function withTag({ bytes, params }: Message, id: string): Buffer {
  if (!params) return bytes;
  const members = membersOf(bytes, params);
  const meta = valueOf(members, '_meta');
  const inner = meta ? membersOf(bytes, meta) : [];
  const tag = editObject(bytes, inner, new Map([[META.subscriptionId, id]]));
  return splice(bytes, [
    { ...params, text: editObject(bytes, members, new Map([['_meta', tag]])) },
  ]);
}

const invalid = (what: string): GatewayError =>
  new GatewayError('PARAMS_INVALID', `subscriptions/listen: params.notifications${what}.`);

/** @throws GatewayError PARAMS_INVALID */
function readFilter({ bytes }: Message, params: Params): Filter {
  const span = valueOf(params.members, 'notifications');
  if (!span || !isObjectAt(bytes, span)) throw invalid(' must be an object');
  const members = membersOf(bytes, span);
  const filter: Filter = {};
  for (const key of ['toolsListChanged', 'promptsListChanged', 'resourcesListChanged'] as const) {
    const value = flag(bytes, valueOf(members, key), key);
    if (value) filter[key] = true;
  }
  const uris = valueOf(members, 'resourceSubscriptions');
  if (uris) filter.resourceSubscriptions = readUris(parseAt(bytes, uris));
  return filter;
}

function flag(bytes: Buffer, span: Span | undefined, key: string): boolean {
  const value = span ? parseAt(bytes, span) : false;
  if (typeof value !== 'boolean') throw invalid(`.${key} must be true or false`);
  return value;
}

function readUris(value: unknown): string[] {
  if (!Array.isArray(value) || !value.every((uri) => typeof uri === 'string')) {
    throw invalid('.resourceSubscriptions must be a list of strings');
  }
  const uris = [...new Set(value)];
  if (uris.length > MAX_URIS_PER_STREAM) {
    throw invalid(`.resourceSubscriptions may hold at most ${MAX_URIS_PER_STREAM} URIs`);
  }
  return uris;
}
