// `toolgate init|add|remove|enable|disable`: edit the configuration file, its comments kept.
import { GatewayError } from '../core/errors.ts';
import { addServer, initConfig, removeServer, setEnabled } from '../config/edit.ts';
import { configFile } from './config-file.ts';
import type { ConfigOption } from './config-file.ts';
import type { Terminal } from './terminal.ts';

export interface AddOptions extends ConfigOption {
  readonly env?: readonly string[];
  readonly header?: readonly string[];
  readonly sse?: boolean;
}

export async function init(options: ConfigOption, terminal: Terminal): Promise<number> {
  const file = configFile(options);
  await initConfig(file);
  terminal.out(`Wrote ${file}. Add a server with "toolgate add", then run "toolgate serve".`);
  return 0;
}

/** `NAME=value` or `Name: value` as an object. */
function pairs(
  texts: readonly string[],
  separator: string,
  option: string,
): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf(separator);
      if (at > 0) return [text.slice(0, at).trim(), text.slice(at + 1).trim()];
      throw new GatewayError('CONFIG_INVALID', `${option} must look like "Name${separator}value".`);
    }),
  );
}

const isUrl = (text: string): boolean => /^https?:\/\//i.test(text);

function assertNone(given: readonly string[] | undefined, what: string): void {
  if (given && given.length > 0)
    throw new GatewayError('CONFIG_INVALID', `Nothing was added: ${what}.`);
}

export async function add(
  name: string,
  target: readonly string[],
  options: AddOptions,
  terminal: Terminal,
): Promise<number> {
  const file = configFile(options);
  const [first, ...args] = target;
  const env = pairs(options.env ?? [], '=', '--env');
  const headers = pairs(options.header ?? [], ':', '--header');
  if (isUrl(first!)) {
    assertNone(options.env, '--env is for a command; send a URL its credentials with --header');
    assertNone(args, `a URL takes no arguments, got "${args.join(' ')}"`);
    const type = options.sse ? { type: 'sse' as const } : {};
    await addServer(file, name, { ...type, url: first!, ...(options.header ? { headers } : {}) });
  } else {
    assertNone(options.header, '--header is for a URL; give a command its settings with --env');
    assertNone(options.sse ? ['--sse'] : [], '--sse is for a URL');
    await addServer(file, name, { command: first!, args, ...(options.env ? { env } : {}) });
  }
  terminal.out(
    `Added "${name}" to ${file}. A running gateway takes it up now; "toolgate check" tries it.`,
  );
  return 0;
}

export async function remove(
  name: string,
  options: ConfigOption,
  terminal: Terminal,
): Promise<number> {
  const file = configFile(options);
  await removeServer(file, name);
  terminal.out(`Removed "${name}" from ${file}.`);
  return 0;
}

async function toggle(
  name: string,
  enabled: boolean,
  options: ConfigOption,
  terminal: Terminal,
): Promise<number> {
  const file = configFile(options);
  await setEnabled(file, name, enabled);
  terminal.out(`${enabled ? 'Enabled' : 'Disabled'} "${name}" in ${file}.`);
  return 0;
}

export const enable = (name: string, options: ConfigOption, terminal: Terminal): Promise<number> =>
  toggle(name, true, options, terminal);

export const disable = (name: string, options: ConfigOption, terminal: Terminal): Promise<number> =>
  toggle(name, false, options, terminal);
