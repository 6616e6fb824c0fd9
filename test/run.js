// `npm test`, and with --full `npm run test:full`: the same tests with the counts that a release needs.
// Plain old JavaScript, so that a Node that is too old can say so.
import { spawn } from 'node:child_process';

const NEEDED_MAJOR = 24;
const MINUTE_MS = 60_000;

if (Number.parseInt(process.versions.node, 10) < NEEDED_MAJOR) {
  process.stderr.write(
    `The tests need Node.js ${NEEDED_MAJOR}, but ${process.versions.node} runs them. ` +
      '"npm ci" installs the right one, unless npm was told to ignore scripts.\n',
  );
  process.exit(1);
}

const isFull = process.argv.includes('--full');
const given = process.argv.slice(2).filter((argument) => argument !== '--full');
const files = [
  'test/*.test.ts',
  'test/{unit,support,scenarios,security,faults,conformance}/**/*.test.ts',
];
// A file may take as long as one test; the whole run has a deadline of its own.
const fileMs = (isFull ? 40 : 4) * MINUTE_MS;
const wholeMs = (isFull ? 120 : 15) * MINUTE_MS;

const tests = spawn(
  process.execPath,
  [
    '--test',
    // What a test leaves behind is its fault, but must not keep the run from ending.
    '--test-force-exit',
    '--test-concurrency=2',
    `--test-timeout=${fileMs}`,
    ...(given.length > 0 ? given : files),
  ],
  {
    stdio: 'inherit',
    env: { ...process.env, ...(isFull ? { TOOLGATE_TEST_FULL: '1' } : {}) },
  },
);
const timer = setTimeout(() => {
  process.stderr.write(`The tests did not end within ${wholeMs / MINUTE_MS} minutes.\n`);
  tests.kill('SIGKILL');
}, wholeMs);
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => tests.kill(signal));
tests.on('exit', (code) => {
  clearTimeout(timer);
  process.exit(code ?? 1);
});
