// What the gateway takes from environment variables. Pure: load.ts hands them in.
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';

import { configError } from './document.ts';

export type Variables = Readonly<Record<string, string | undefined>>;

export interface Environment {
  /** TOOLGATE_KEY: the credential that commands and the stdio bridge send. */
  readonly key: string | undefined;
  /** TOOLGATE_CONFIG: the configuration file, as it was given. */
  readonly configFile: string | undefined;
  /** TOOLGATE_ALLOW_ANY_HOST: the container image's own bind, beyond loopback. */
  readonly allowAnyHost: boolean;
  /** The variables that a host's bare environment would lack move the data directory. */
  readonly movesData: boolean;
  /** NO_COLOR is set and not empty. */
  readonly noColor: boolean;
  /** The variables that every child process may see, before those of its server entry. */
  childEnvironment(): Record<string, string>;
}

const POSIX_CHILD = ['HOME', 'LOGNAME', 'PATH', 'SHELL', 'TERM', 'USER', 'LANG', 'TMPDIR', 'TZ'];
const WINDOWS_CHILD = (
  'APPDATA HOMEDRIVE HOMEPATH LOCALAPPDATA PATH PATHEXT PROCESSOR_ARCHITECTURE PROGRAMFILES ' +
  'SYSTEMDRIVE SYSTEMROOT TEMP TMP USERNAME USERPROFILE'
).split(' ');

/** Allow-listed: the gateway's own environment may hold its keys. */
export function childVariables(
  variables: Variables,
  platform: NodeJS.Platform = process.platform,
): Record<string, string> {
  const isWindows = platform === 'win32';
  const allowed = new Set(isWindows ? WINDOWS_CHILD : POSIX_CHILD);
  const picked: Record<string, string> = {};
  for (const [name, value] of Object.entries(variables)) {
    // A value that starts so is a function that bash exported.
    if (value === undefined || value.startsWith('()')) continue;
    const key = isWindows ? name.toUpperCase() : name;
    if (allowed.has(key) || (!isWindows && /^LC_[A-Z]+$/.test(key))) picked[name] = value;
  }
  return picked;
}

function readSwitch(variables: Variables, name: string): boolean {
  const value = variables[name];
  if (value === undefined || value === 'false' || value === '0') return false;
  if (value === 'true' || value === '1') return true;
  throw configError(`${name} must be true, false, 1 or 0, got "${value.slice(0, 40)}".`);
}

/** @throws GatewayError CONFIG_INVALID for a switch that is neither on nor off. */
export function readEnvironment(variables: Variables): Environment {
  return {
    key: variables['TOOLGATE_KEY'] || undefined,
    configFile: variables['TOOLGATE_CONFIG'] || undefined,
    allowAnyHost: readSwitch(variables, 'TOOLGATE_ALLOW_ANY_HOST'),
    movesData: Boolean(variables['TOOLGATE_DATA'] || variables['XDG_STATE_HOME']),
    noColor: Boolean(variables['NO_COLOR']),
    childEnvironment: () => childVariables(variables),
  };
}

/** The absolute data directory where no configuration names one. */
export function dataDirectoryOf(
  variables: Variables,
  platform: NodeJS.Platform = process.platform,
  home: string = homedir(),
): string {
  const own = variables['TOOLGATE_DATA'];
  if (own) return resolve(own);
  if (platform === 'darwin') return join(home, 'Library', 'Application Support', 'Toolgate');
  if (platform === 'win32') {
    return join(variables['LOCALAPPDATA'] || join(home, 'AppData', 'Local'), 'Toolgate');
  }
  const state = variables['XDG_STATE_HOME'];
  // The XDG specification: a relative path is invalid and to be ignored.
  return join(state && isAbsolute(state) ? state : join(home, '.local', 'state'), 'toolgate');
}
