// From the command of a configuration to the program that the system can start, without a shell.
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, dirname, extname, isAbsolute, join, resolve } from 'node:path';
import { GatewayError } from '../core/errors.ts';

export interface CommandRequest {
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment of the child. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

/** What to hand to `spawn`. */
export interface Launch {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** The arguments are quoted already. Windows only. */
  readonly verbatim: boolean;
}

const isWindows = process.platform === 'win32';
const WINDOWS_EXTENSIONS = ['.com', '.exe', '.bat', '.cmd'];

export function startError(
  request: CommandRequest,
  why: string,
  advice: string,
  cause?: unknown,
): GatewayError {
  const { command, cwd } = request;
  const text = `The command "${command}" cannot be started in ${cwd}: ${why}. ${advice}`;
  return new GatewayError('UPSTREAM_DOWN', text, { cause, data: { command, cwd } });
}

/** Says why a program that was found did not start. */
export function toStartError(request: CommandRequest, error: unknown): GatewayError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  switch (code) {
    case 'ENOENT': {
      const why = 'it exists, but the program that its first line (#!) names does not';
      return startError(request, why, 'Install that program, or name it as the command.', error);
    }
    case 'EACCES':
    case 'EPERM':
      return deniedError(request, error);
    case 'EAGAIN':
    case 'EMFILE':
    case 'ENFILE':
    case 'ENOMEM': {
      const why = `the system has no processes, files or memory left (${code})`;
      return startError(request, why, 'Stop some programs or raise the limits.', error);
    }
    default:
      return startError(request, code, 'Check command, args and env.', error);
  }
}

const deniedError = (request: CommandRequest, cause?: unknown): GatewayError =>
  startError(
    request,
    'permission denied',
    'Make the file executable (chmod +x), or name the program that runs it as the command.',
    cause,
  );

/** Environment names are case-insensitive on Windows, where PATH is mostly spelt Path. */
function nameInEnv(env: CommandRequest['env'], name: string): string {
  if (!isWindows) return name;
  return Object.keys(env).find((key) => key.toUpperCase() === name.toUpperCase()) ?? name;
}

/** Where programs are that the bare environment of a desktop host does not look. */
function usualFolders(env: CommandRequest['env']): string[] {
  const own = dirname(process.execPath);
  if (isWindows) return [own];
  const home = env.HOME || homedir();
  return ['/usr/local/bin', '/opt/homebrew/bin', join(home, '.local', 'bin'), own];
}

async function look(file: string): Promise<'runnable' | 'denied' | 'missing'> {
  try {
    if (!(await stat(file)).isFile()) return 'missing';
    await access(file, constants.X_OK);
    return 'runnable';
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    return code === 'EACCES' || code === 'EPERM' ? 'denied' : 'missing';
  }
}

/**
 * The files that a name may stand for; on Windows a bare `npx` is a shell script, the program
 * `npx.cmd`.
 */
const candidates = (path: string): string[] =>
  !isWindows || WINDOWS_EXTENSIONS.includes(extname(path).toLowerCase())
    ? [path]
    : WINDOWS_EXTENSIONS.map((extension) => path + extension);

async function findIn(paths: readonly string[], request: CommandRequest) {
  let denied = false;
  for (const path of paths.flatMap(candidates)) {
    const found = await look(path);
    if (found === 'runnable') return path;
    denied ||= found === 'denied';
  }
  if (denied) throw deniedError(request);
  return undefined;
}

/**
 * Looks a bare name up. Relative folders on PATH are passed over, since they follow the working
 * folder.
 */
async function findOnPath(request: CommandRequest): Promise<Pick<Launch, 'file' | 'env'>> {
  const { command, env } = request;
  const pathName = nameInEnv(env, 'PATH');
  const path = env[pathName] ?? (isWindows ? '' : '/usr/bin:/bin');
  const folders = path.split(delimiter).filter((folder) => isAbsolute(folder));
  const more = usualFolders(env).filter((folder) => !folders.includes(folder));
  const all = [...folders, ...more].map((folder) => join(folder, command));
  const file = await findIn(all, request);
  if (file) {
    if (folders.includes(dirname(file))) return { file, env };
    // A program such as npx finds its own interpreter (`env node`) on PATH, so that has to lead
    // there too.
    return { file, env: { ...env, [pathName]: [...folders, ...more].join(delimiter) } };
  }
  const where = [...folders, ...more].join(', ');
  const advice = `Install it, or write its full path. Looked in ${where}.`;
  throw startError(request, 'not found on PATH', advice);
}

async function find(request: CommandRequest): Promise<Pick<Launch, 'file' | 'env'>> {
  const { command, cwd, env } = request;
  // The Node that runs the gateway is there and new enough; the one on PATH may be neither.
  if (command === 'node') return { file: process.execPath, env };
  if (!/[/\\]/.test(command) || (!isWindows && !command.includes('/'))) return findOnPath(request);
  const file = await findIn([resolve(cwd, command)], request);
  if (file) return { file, env };
  throw startError(request, 'there is no such file', 'Correct the path or install the program.');
}

/**
 * The one argument line for cmd.exe that runs a batch file. Inside double quotes cmd.exe expands
 * only percent signs, and only a double quote or a line break ends them; none of these can be
 * escaped in a way that every batch file keeps, so they are refused (CVE-2024-27980).
 */
export function toCmdLine(file: string, args: readonly string[]): string | undefined {
  const words = [file, ...args];
  if (words.some((word) => /["%\r\n\0]/.test(word))) return undefined;
  // Backslashes before a quote would escape it for the program that the batch file runs.
  return `"${words.map((word) => `"${word.replace(/\\+$/, '$&$&')}"`).join(' ')}"`;
}

function toLaunch(request: CommandRequest, file: string, env: Launch['env']): Launch {
  // Windows drops dots and spaces at the end of a name, so `x.cmd. ` is a batch file as well.
  if (!isWindows || !/\.(?:cmd|bat)[. ]*$/i.test(file)) {
    return { file, args: request.args, env, verbatim: false };
  }
  const line = toCmdLine(file, request.args);
  if (line === undefined) {
    const why =
      'it is a batch file, and an argument has a character (", %, line break) unsafe there';
    throw startError(request, why, 'Run the script that it starts with "node", or drop these.');
  }
  const root = env[nameInEnv(env, 'SystemRoot')] ?? 'C:\\Windows';
  const args = ['/d', '/e:on', '/v:off', '/s', '/c', line];
  return { file: join(root, 'System32', 'cmd.exe'), args, env, verbatim: true };
}

/**
 * @throws GatewayError UPSTREAM_DOWN that says what is missing: the working folder, or the program
 */
export async function findCommand(request: CommandRequest): Promise<Launch> {
  const folder = await stat(request.cwd).catch(() => undefined);
  if (!folder?.isDirectory()) {
    const why = 'the working folder does not exist';
    throw startError(request, why, 'Create the folder or correct "cwd".');
  }
  const isOpen = await access(request.cwd, constants.X_OK).then(
    () => true,
    () => false,
  );
  if (!isOpen) {
    const why = 'the working folder may not be entered';
    throw startError(request, why, 'Change its permissions or correct "cwd".');
  }
  const { file, env } = await find(request);
  return toLaunch(request, file, env);
}
