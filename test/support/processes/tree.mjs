// node → sh → node. All of them ignore SIGTERM; the last two ignore the end of stdin as well.
// Prints `<role> <pid>` for each. Arguments: `quits` makes the first one end with its stdin, `dies`
// at once.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const [role, how] = process.argv.slice(2);
const self = fileURLToPath(import.meta.url);
process.on('SIGTERM', () => {});
process.stdout.write(`${role} ${process.pid}\n`);

if (role === 'leader') {
  const script = 'trap "" TERM; echo "shell $$"; "$0" "$1" grandchild; :';
  const shell = spawn('/bin/sh', ['-c', script, process.execPath, self], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  shell.stdout.on('data', (chunk) => {
    process.stdout.write(chunk);
    if (how === 'dies' && String(chunk).includes('grandchild'))
      process.kill(process.pid, 'SIGKILL');
  });
  process.stdin.resume().on('end', () => how === 'quits' && process.exit(0));
} else {
  // The output goes nowhere once the first process is gone, which is no reason to end.
  process.stdout.on('error', () => {});
}
setInterval(() => {}, 60_000);
