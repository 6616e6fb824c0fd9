// What a child writes to stderr: lines for the log, and the last words for an error.
import { createByteList } from '../wire/frames.ts';

const LF = 0x0a;
const TAIL_BYTES = 2048;
/** Escape sequences go from the tail, so more than it is kept. */
const RAW_TAIL_BYTES = 2 * TAIL_BYTES;
const WINDOW_MS = 1000;

// oxlint-disable-next-line no-control-regex -- these are the sequences to take out
const ANSI = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[ -/]*[0-~])/g;
const CONTROL = /[[\p{Cc}\p{Bidi_Control}\u2028\u2029]--[\t\n]]/gv;

/** Without escape sequences and control characters other than tab and newline. */
const toPlain = (text: string): string => text.replace(ANSI, '').replace(CONTROL, '');

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
export function createStderrReader(options: StderrOptions): StderrReader {
  const { onLine, maxLineBytes = 8192, maxLines = 100 } = options;
  const line = createByteList();
  let lineBytes = 0;
  let isSkipping = false;
  let passed = 0;
  let left = 0;
  let windowStart = -Infinity;
  let timer: NodeJS.Timeout | undefined;
  let tail: Buffer = Buffer.alloc(0);

  const openWindow = () => {
    clearTimeout(timer);
    timer = undefined;
    windowStart = performance.now();
    passed = 0;
    if (left > 0) onLine(`(${left} more lines were written within a second and left out)`);
    left = 0;
  };

  const hold = (piece: Buffer) => {
    lineBytes += piece.length;
    if (!isSkipping) line.add(piece.subarray(0, Math.max(maxLineBytes - line.length, 0)));
  };

  const endLine = () => {
    const isCut = lineBytes > maxLineBytes;
    const bytes = line.take();
    const wasSkipping = isSkipping;
    lineBytes = 0;
    isSkipping = false;
    if (wasSkipping) return void left++;
    const text = toPlain(bytes.toString('utf8', 0, isCut ? maxLineBytes - 3 : bytes.length));
    if (text.trim() === '') return;
    passed++;
    onLine(isCut ? `${text}…` : text);
  };

  /** Counts lines without making strings of them. */
  const skim = (chunk: Buffer, start: number) => {
    for (let at = start; at < chunk.length; at++) if (chunk[at] === LF) left++;
    line.take();
    lineBytes = 0;
    isSkipping = chunk[chunk.length - 1] !== LF;
    const untilMs = windowStart + WINDOW_MS - performance.now();
    timer ??= setTimeout(openWindow, Math.max(untilMs, 0)).unref();
  };

  const keepTail = (chunk: Buffer) => {
    const bytes = chunk.length < RAW_TAIL_BYTES ? Buffer.concat([tail, chunk]) : chunk;
    tail = Buffer.from(bytes.subarray(-RAW_TAIL_BYTES));
  };

  return {
    push(chunk) {
      keepTail(chunk);
      if (performance.now() - windowStart >= WINDOW_MS) openWindow();
      let start = 0;
      while (start < chunk.length) {
        if (passed >= maxLines) return skim(chunk, start);
        const end = chunk.indexOf(LF, start);
        hold(chunk.subarray(start, end < 0 ? chunk.length : end));
        if (end < 0) return;
        endLine();
        start = end + 1;
      }
    },
    end() {
      endLine();
      openWindow();
    },
    tail() {
      const text = Buffer.from(toPlain(tail.toString('utf8')).trim());
      // A cut may have gone through a character.
      return text
        .subarray(-TAIL_BYTES)
        .toString('utf8')
        .replace(/^\ufffd+/, '');
    },
  };
}
