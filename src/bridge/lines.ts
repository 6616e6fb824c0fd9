// Writes messages to a host as whole lines, in order, no faster than it reads.
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { GatewayError } from '../core/errors.ts';
import { frame } from '../wire/frames.ts';

export interface LineWriter {
  /** Settles when the host has room for more. @throws GatewayError when it reads no more */
  write(message: Buffer): Promise<void>;
  /** Settles when everything has been taken, or the host reads no more. */
  flush(): Promise<void>;
}

/** @param signal ends all waiting for the host */
export function createLineWriter(output: Writable, signal: AbortSignal): LineWriter {
  let tail: Promise<void> = Promise.resolve();

  const writeOne = async (message: Buffer): Promise<void> => {
    if (signal.aborted || output.destroyed || output.writableEnded) throw closed();
    if (output.write(frame(message))) return;
    try {
      await once(output, 'drain', { signal });
    } catch (error) {
      throw closed(error);
    }
  };
  return {
    write(message) {
      const written = tail.then(() => writeOne(message));
      // One line that fails does not keep the others from being tried.
      tail = written.catch(() => {});
      return written;
    },
    flush: () => tail,
  };
}

const closed = (cause?: unknown): GatewayError =>
  new GatewayError('CALL_CANCELLED', 'The host reads no more messages.', { cause });
