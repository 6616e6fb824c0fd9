// What a child writes to stderr: lines for the log, and the last words for an error.
import { createByteList } from '../wire/frames.ts';

const LF = 0x0a;
const TAIL_BYTES = 2048;
/** Escape sequences go from the tail, so more than it is kept. */
const RAW_TAIL_BYTES = 2 * TAIL_BYTES;
const WINDOW_MS = 1000;

/** Without escape sequences and control characters other than tab and newline. */
const toPlain = (text: string): string =>
  text
    // oxlint-disable-next-line no-control-regex -- these are the sequences to take out
    .replace(/\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[ -/]*[0-~])/g, '')
    .replace(/[[\p{Cc}\p{Bidi_Control}\u2028\u2029]--[\t\n]]/gv, '');

export interface StderrOptions {
  /** Must not throw. */
  readonly onLine: (line: string) => void;
  /** Longer lines are cut. Default 8192. */
  readonly maxLineBytes?: number;
  /** More lines than this in one second are counted and told in one line. Default 100. */
  readonly maxLines?: number;
}

export interface StderrReader {
  push(chunk: Buffer): void;
  end(): void;
  /** The last words, at most 2 KiB, without escape sequences and control characters. */
  tail(): string;
}

/** Reads stderr at any speed: beyond the limits a byte costs no more than a look at it. */
export const createStderrReader = (options: StderrOptions): StderrReader => new Lines(options);

class Lines implements StderrReader {
  readonly #onLine: StderrOptions['onLine'];
  readonly #maxLineBytes: number;
  readonly #maxLines: number;
  readonly #line = createByteList();
  #lineBytes = 0;
  #isSkipping = false;
  #passed = 0;
  #left = 0;
  #windowStart = -Infinity;
  #timer: NodeJS.Timeout | undefined;
  #tail: Buffer = Buffer.alloc(0);

  constructor({ onLine, maxLineBytes = 8192, maxLines = 100 }: StderrOptions) {
    this.#onLine = onLine;
    this.#maxLineBytes = maxLineBytes;
    this.#maxLines = maxLines;
  }

  push(chunk: Buffer): void {
    this.#keepTail(chunk);
    if (performance.now() - this.#windowStart >= WINDOW_MS) this.#openWindow();
    let start = 0;
    while (start < chunk.length) {
      if (this.#passed >= this.#maxLines) return this.#skim(chunk, start);
      const end = chunk.indexOf(LF, start);
      this.#hold(chunk.subarray(start, end < 0 ? chunk.length : end));
      if (end < 0) return;
      this.#endLine();
      start = end + 1;
    }
  }

  end(): void {
    this.#endLine();
    this.#openWindow();
  }

  tail(): string {
    const text = Buffer.from(toPlain(this.#tail.toString('utf8')).trim());
    // A cut may have gone through a character.
    return text
      .subarray(-TAIL_BYTES)
      .toString('utf8')
      .replace(/^\ufffd+/, '');
  }

  #openWindow(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#windowStart = performance.now();
    this.#passed = 0;
    const left = this.#left;
    this.#left = 0;
    if (left > 0) this.#onLine(`(${left} more lines were written within a second and left out)`);
  }

  #hold(piece: Buffer): void {
    this.#lineBytes += piece.length;
    if (this.#isSkipping) return;
    this.#line.add(piece.subarray(0, Math.max(this.#maxLineBytes - this.#line.length, 0)));
  }

  #endLine(): void {
    const isCut = this.#lineBytes > this.#maxLineBytes;
    const bytes = this.#line.take();
    const wasSkipping = this.#isSkipping;
    this.#lineBytes = 0;
    this.#isSkipping = false;
    if (wasSkipping) {
      this.#left++;
      return;
    }
    const text = toPlain(bytes.toString('utf8', 0, isCut ? this.#maxLineBytes - 3 : bytes.length));
    if (text.trim() === '') return;
    this.#passed++;
    this.#onLine(isCut ? `${text}…` : text);
  }

  /** Counts lines without making strings of them. */
  #skim(chunk: Buffer, start: number): void {
    for (let at = start; at < chunk.length; at++) if (chunk[at] === LF) this.#left++;
    this.#line.take();
    this.#lineBytes = 0;
    this.#isSkipping = chunk[chunk.length - 1] !== LF;
    const untilMs = this.#windowStart + WINDOW_MS - performance.now();
    this.#timer ??= setTimeout(() => this.#openWindow(), Math.max(untilMs, 0)).unref();
  }

  #keepTail(chunk: Buffer): void {
    const bytes = chunk.length < RAW_TAIL_BYTES ? Buffer.concat([this.#tail, chunk]) : chunk;
    this.#tail = Buffer.from(bytes.subarray(-RAW_TAIL_BYTES));
  }
}
