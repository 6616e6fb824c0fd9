// Newline-delimited frames: over stdio, one JSON-RPC message is one line.
// https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#stdio

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const SMALL_BYTES = 4096;
const BLOCK_BYTES = 65_536;

/** So much of both ends of an oversized message is kept, since its id stands at one of them. */
export const HEAD_BYTES = 4096;
const TAIL_BYTES = 256;

/** A message that was larger than the cap and was skipped. */
export interface Oversize {
  /** The first bytes, at most 4096. A copy. */
  readonly head: Buffer;
  /**
   * The last bytes, at most 256. A copy; it overlaps `head` in a message that is shorter than both.
   */
  readonly tail: Buffer;
  /** The size of the whole, in bytes, without its newline. */
  readonly bytes: number;
}

/** Bytes that come in pieces and are joined once. A single piece is never copied. */
export interface ByteList {
  readonly length: number;
  add(piece: Buffer): void;
  /** Hands the pieces over in order; the list is empty afterwards. */
  drain(visit: (piece: Buffer) => void): void;
  /** The bytes so far; the list is empty afterwards. */
  take(): Buffer;
}

export function createByteList(): ByteList {
  const pieces: Buffer[] = [];
  let length = 0;
  // Small pieces are copied together: a line that comes byte by byte would cost an object per byte.
  let block: Buffer | undefined;
  let from = 0;
  let to = 0;

  const closeBlock = () => {
    if (block && to > from) pieces.push(block.subarray(from, to));
    from = to;
  };

  const copyToBlock = (piece: Buffer) => {
    if (!block || to + piece.length > block.length) {
      closeBlock();
      block = Buffer.allocUnsafe(Math.min(Math.max(length, SMALL_BYTES), BLOCK_BYTES));
      from = to = 0;
    }
    to += piece.copy(block, to);
  };

  const clear = () => {
    pieces.length = 0;
    block = undefined;
    length = from = to = 0;
  };

  return {
    get length() {
      return length;
    },
    add(piece) {
      if (piece.length === 0) return;
      const isFirst = length === 0;
      length += piece.length;
      if (!isFirst && piece.length < SMALL_BYTES) return copyToBlock(piece);
      closeBlock();
      pieces.push(piece);
    },
    drain(visit) {
      closeBlock();
      pieces.forEach((piece) => visit(piece));
      clear();
    },
    take() {
      closeBlock();
      const [first] = pieces;
      const bytes = first && pieces.length === 1 ? first : Buffer.concat(pieces, length);
      clear();
      return bytes;
    },
  };
}

/** The two ends of bytes that are too many to hold. */
export interface Ends {
  readonly head: Buffer;
  /** The last bytes before the very last ones, `dropBytes` of them, 0 or 1. */
  tail(dropBytes?: number): Buffer;
  readonly add: (piece: Buffer) => void;
}

export function createEnds(headBytes: number = HEAD_BYTES): Ends {
  let head = Buffer.alloc(0);
  let tail = Buffer.alloc(0);
  return {
    get head() {
      return head;
    },
    tail(dropBytes = 0) {
      return tail.subarray(0, tail.length - dropBytes).subarray(-TAIL_BYTES);
    },
    add(piece) {
      if (head.length < headBytes) {
        head = Buffer.concat([head, piece.subarray(0, headBytes - head.length)]);
      }
      // One byte more, since the last one may be the CR of a CRLF.
      const end = Buffer.concat([tail, piece.subarray(-TAIL_BYTES - 1)]);
      tail = end.subarray(-TAIL_BYTES - 1);
    },
  };
}

export interface FrameReaderOptions {
  /** Largest frame, in bytes, without its newline. */
  readonly maxBytes: number;
  /**
   * Hears every line that is not empty, without its LF or CRLF. A frame that lies in one chunk is a
   * part of that chunk, so chunks must not be written to after `push`. Must not throw.
   */
  readonly onFrame: (bytes: Buffer) => void;
  /** Hears of a skipped line once, when its end has come. Must not throw. */
  readonly onOversize: (info: Oversize) => void;
}

/** Takes the bytes of one stream, in order, however they are cut. */
export interface FrameReader {
  readonly push: (chunk: Buffer) => void;
  /** The stream is over: a last line without a newline is a frame. */
  readonly end: () => void;
}

/**
 * Splits a byte stream into frames, in linear time. At most `maxBytes` and one chunk are held; the
 * rest of a longer line is skipped, and the next line is read as usual.
 */
export function createFrameReader(options: FrameReaderOptions): FrameReader {
  const { maxBytes, onFrame, onOversize } = options;
  const held = createByteList();
  let ends: Ends | undefined;
  let lineBytes = 0;
  let endsInCr = false;

  const skip = (piece?: Buffer) => {
    ends ??= createEnds();
    held.drain(ends.add);
    if (piece) ends.add(piece);
    return ends;
  };

  const hold = (piece: Buffer) => {
    if (piece.length === 0) return;
    lineBytes += piece.length;
    endsInCr = piece[piece.length - 1] === CR;
    // One byte more than the cap may be held, since it may be the CR of a CRLF.
    if (lineBytes <= maxBytes + 1) held.add(piece);
    else skip(piece);
  };

  const endLine = () => {
    const cr = endsInCr ? 1 : 0;
    const bytes = lineBytes - cr;
    lineBytes = 0;
    endsInCr = false;
    if (bytes > maxBytes) {
      const skipped = skip();
      ends = undefined;
      onOversize({ head: skipped.head.subarray(0, bytes), tail: skipped.tail(cr), bytes });
    } else {
      const line = held.take();
      if (bytes > 0) onFrame(line.subarray(0, bytes));
    }
  };

  return {
    push(chunk) {
      let start = 0;
      for (;;) {
        const end = chunk.indexOf(LF, start);
        if (end < 0) break;
        hold(chunk.subarray(start, end));
        endLine();
        start = end + 1;
      }
      hold(chunk.subarray(start));
    },
    end: endLine,
  };
}

function blank(bytes: Buffer, newline: number): void {
  for (let at = bytes.indexOf(newline); at >= 0; at = bytes.indexOf(newline, at + 1)) {
    bytes[at] = SPACE;
  }
}

/**
 * The line to send for one JSON text. Raw CR and LF, which in JSON can only be white space, become
 * spaces. The argument is not changed; it is returned as it is when it is such a line already.
 */
export function frame(bytes: Buffer): Buffer {
  const last = bytes.length - 1;
  if (bytes.indexOf(LF) === last && last >= 0 && !bytes.includes(CR)) return bytes;
  const line = Buffer.allocUnsafe(bytes.length + 1);
  bytes.copy(line);
  line[bytes.length] = SPACE;
  blank(line, LF);
  blank(line, CR);
  line[bytes.length] = LF;
  return line;
}
