// `subscriptions/listen`: the modern way to hear of changes (2026-07-28, basic/patterns/subscriptions).
import { textAt } from '../../json-text.ts';
import { type Outlet, type RawCall, isObject, metaKey } from './call.ts';

export type ListKind = 'tools' | 'prompts' | 'resources';

interface Subscription {
  /** Raw JSON of the request's id, which is the subscription's id. */
  readonly id: string;
  readonly filter: Record<string, unknown>;
  readonly outlet: Outlet;
}

const tag = (id: string): string => `"_meta":{${JSON.stringify(metaKey('subscriptionId'))}:${id}}`;

export class Subscriptions {
  readonly #open = new Map<Subscription, () => void>();

  get size(): number {
    return this.#open.size;
  }

  /** Acknowledges, and stays open until the client cancels or `endAll`. */
  async serve(call: RawCall): Promise<string | undefined> {
    const parsed = call.parsed['notifications'];
    const filter = isObject(parsed) ? parsed : {};
    const subscription: Subscription = { id: call.id, filter, outlet: call.outlet };
    const honoured = textAt(call.params, 'notifications') ?? '{}';
    call.notify(
      'notifications/subscriptions/acknowledged',
      `{${tag(call.id)},"notifications":${honoured}}`,
    );
    const ended = await new Promise<boolean>((resolve) => {
      this.#open.set(subscription, () => resolve(true));
      call.signal.addEventListener('abort', () => resolve(false), { once: true });
    });
    this.#open.delete(subscription);
    return ended ? `{"resultType":"complete",${tag(call.id)}}` : undefined;
  }

  changed(kind: ListKind): void {
    this.#send(
      `notifications/${kind}/list_changed`,
      (filter) => filter[`${kind}ListChanged`] === true,
    );
  }

  updated(uri: string): void {
    const wants = (filter: Record<string, unknown>): boolean => {
      const uris = filter['resourceSubscriptions'];
      return Array.isArray(uris) && uris.includes(uri);
    };
    this.#send('notifications/resources/updated', wants, `,"uri":${JSON.stringify(uri)}`);
  }

  #send(method: string, wants: (filter: Record<string, unknown>) => boolean, rest = ''): void {
    for (const { id, filter, outlet } of this.#open.keys()) {
      if (!wants(filter)) continue;
      outlet.send(`{"jsonrpc":"2.0","method":"${method}","params":{${tag(id)}${rest}}}`);
    }
  }

  /** Ends every subscription as a server does that shuts down. */
  endAll(): void {
    for (const end of this.#open.values()) end();
  }
}
