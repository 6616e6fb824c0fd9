// Starts a child that reports to a port, and ends without ending the child: `exit`, or by a crash.
import { startProcess } from '../../../src/upstream/process.ts';

const [port, how] = process.argv.slice(2);
const report = `
  const socket = require('node:net').connect(${port}, '127.0.0.1', () => socket.write('up\\n'));
  process.on('SIGTERM', () => {});
  process.stdin.resume();
  if (${JSON.stringify(how)} === 'crash') process.stdin.on('end', () => process.exit());
  setInterval(() => {}, 60_000);
`;
await startProcess({
  command: 'node',
  args: ['-e', report],
  env: {},
  cwd: import.meta.dirname,
  onStdout: () => {},
  onStderrLine: () => {},
  onExit: () => {},
});
process.stdin.once('data', () => {
  if (how === 'exit') process.exit(0);
  process.kill(process.pid, 'SIGKILL');
});
