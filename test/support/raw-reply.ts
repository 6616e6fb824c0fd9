// The answers that raw clients give, and the waiting for them on a channel that many requests share.
import { textAt } from './json-text.ts';

export interface RawReply {
  /** The whole message that answered, as it was written. */
  readonly message: string;
  /** Raw JSON; one of the two is there. */
  readonly result: string | undefined;
  readonly error: string | undefined;
  /** What came on the request's stream before it; where streams are shared, everything since it was sent. */
  readonly notifications: readonly string[];
}

export const replyOf = (message: string, notifications: readonly string[]): RawReply => ({
  message,
  result: textAt(message, 'result'),
  error: textAt(message, 'error'),
  notifications,
});

/** A line that is no JSON answers nothing. */
function idOf(text: string): string | undefined {
  try {
    return textAt(text, 'id');
  } catch {
    return undefined;
  }
}

interface Waiting {
  readonly from: number;
  readonly resolve: (reply: RawReply) => void;
  readonly reject: (error: Error) => void;
}

/** Waits on a channel that all requests share. */
export class Shared {
  readonly seen: string[] = [];
  readonly #waiting = new Map<string, Waiting>();

  take(text: string): void {
    this.seen.push(text);
    const id = idOf(text);
    const waiting = id === undefined ? undefined : this.#waiting.get(id);
    if (waiting === undefined || textAt(text, 'method') !== undefined) return;
    this.#waiting.delete(id!);
    waiting.resolve(replyOf(text, this.seen.slice(waiting.from, -1)));
  }

  wait(id: string): Promise<RawReply> {
    const { promise, resolve, reject } = Promise.withResolvers<RawReply>();
    // Some tests leave a request behind on purpose: nobody waits for it when the channel ends.
    promise.catch(() => {});
    this.#waiting.set(id, { from: this.seen.length, resolve, reject });
    return promise;
  }

  /** Nothing more will come. */
  end(why: string): void {
    for (const { reject } of this.#waiting.values()) reject(new Error(why));
    this.#waiting.clear();
  }
}
