// Writes 100 MB of lines to stderr as fast as it can, then says on stdout how many they were.
import { writeSync } from 'node:fs';

const line = `${'x'.repeat(Number(process.argv[2]) - 1)}\n`;
const lines = Math.ceil(65_536 / line.length);
const chunk = Buffer.from(line.repeat(lines));
const chunks = Math.ceil(100_000_000 / chunk.length);
for (let i = 0; i < chunks; i++) {
  for (let at = 0; at < chunk.length;) at += writeSync(2, chunk, at);
}
process.stdout.write(`wrote ${chunks * lines}\n`);
process.stdin.resume();
