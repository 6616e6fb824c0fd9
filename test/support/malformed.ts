// Makes malformed JSON-RPC messages, the same ones for the same seed.

/** Numbers from 0 up to, not including, 1; the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

type Random = () => number;

const cut: Mutation = (bytes, random) => bytes.subarray(0, Math.floor(random() * bytes.length));

const junk: Mutation = (bytes, random) => {
  const at = Math.floor(random() * bytes.length);
  const noise = Buffer.from(Array.from({ length: 8 }, () => Math.floor(random() * 256)));
  return Buffer.concat([bytes.subarray(0, at), noise, bytes.subarray(at)]);
};

const flip: Mutation = (bytes, random) => {
  const changed = Buffer.from(bytes);
  const at = Math.floor(random() * bytes.length);
  changed[at] = (changed[at] ?? 0) ^ (1 << Math.floor(random() * 8));
  return changed;
};

const swap =
  (from: string, to: string): Mutation =>
  (bytes) =>
    Buffer.from(bytes.toString('utf8').replace(from, to));

type Mutation = (bytes: Buffer, random: Random) => Buffer;

const MUTATIONS: readonly Mutation[] = [
  cut,
  junk,
  flip,
  swap('"jsonrpc":"2.0"', '"jsonrpc":"1.0"'),
  swap('"jsonrpc":"2.0",', ''),
  swap('"id":', '"id":null,"id2":'),
  swap('"id":', '"id":{"a":1},"id2":'),
  swap('"id":', '"id":1.5,"id2":'),
  swap('"id":', '"id":true,"id2":'),
  swap('"method":"', '"method":7,"m":"'),
  swap('"method":"', '"method":"no/such/'),
  swap('"params":', '"params":[],"p":'),
  swap('"params":', '"params":"text","p":'),
  swap('"params":', '"params":null,"p":'),
  swap('"params":{', '"params":{"name":7,"arguments":"x",'),
  swap('{', '[{'),
  swap('{', '{"__proto__":{"id":9},'),
  (bytes) => Buffer.concat([bytes, Buffer.from('}')]),
  (bytes) => Buffer.concat([Buffer.from([0xff, 0xfe]), bytes]),
  (bytes) => Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), bytes]),
  (bytes) => Buffer.concat([bytes, Buffer.from([0xc0, 0x80])]),
  () => Buffer.from('null'),
  () => Buffer.from('[]'),
  () => Buffer.from('""'),
  () => Buffer.from('{}'),
  () => Buffer.from(''.padEnd(5000, '[')),
  () => Buffer.from(''.padEnd(5000, '{"a":')),
  () => Buffer.from('\0\0\0'),
];

/** Changes a well-formed message so that it is, mostly, none. It holds no line breaks. */
export function* malformedMessages(
  seed: number,
  count: number,
  message: (n: number) => string,
): Generator<Buffer> {
  const random = seededRandom(seed);
  for (let n = 0; n < count; n++) {
    const mutate = MUTATIONS[Math.floor(random() * MUTATIONS.length)]!;
    const bytes = mutate(Buffer.from(message(n)), random);
    yield Buffer.from(bytes.map((byte) => (byte === 10 || byte === 13 ? 32 : byte)));
  }
}
