// Splits a byte stream into lines in linear time, however long they are.

export async function* linesOf(input: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let pieces: Buffer[] = [];
  for await (const chunk of input) {
    let from = 0;
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
      pieces.push(chunk.subarray(from, at));
      yield pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
      pieces = [];
      from = at + 1;
    }
    if (from < chunk.length) pieces.push(chunk.subarray(from));
  }
}

export interface SseEvent {
  readonly event: string;
  readonly data: string;
  readonly id: string | undefined;
  /** Epoch-free time of its arrival, from performance.now(). */
  readonly at: number;
}

/** Reads server-sent events, comments left out. */
export async function* eventsOf(input: AsyncIterable<Buffer>): AsyncGenerator<SseEvent> {
  let event = 'message';
  let data: string[] = [];
  let id: string | undefined;
  for await (const bytes of linesOf(input)) {
    const line = bytes.toString('utf8').replace(/\r$/, '');
    if (line === '') {
      if (data.length > 0) yield { event, data: data.join('\n'), id, at: performance.now() };
      event = 'message';
      data = [];
      continue;
    }
    const colon = line.indexOf(':');
    if (colon === 0) continue;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') data.push(value);
    else if (field === 'event') event = value;
    else if (field === 'id') id = value;
  }
}
