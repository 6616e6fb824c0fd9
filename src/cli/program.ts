// The commands of a person at a terminal: names, arguments, help. Each command is a file of its own.
import { Command, CommanderError } from 'commander';
import { didYouMean } from '../config/nearest.ts';
import { isGatewayError } from '../core/errors.ts';
import { VERSION } from '../version.ts';
import { addApprovalCommands } from './approvals-program.ts';
import { call } from './call.ts';
import { check } from './check.ts';
import { add, disable, enable, init, remove } from './edit.ts';
import { addKeyCommands } from './keys-program.ts';
import { acceptTool, changedTools } from './pins.ts';
import { serve } from './serve.ts';
import { SNIPPET_HOSTS } from './snippet.ts';
import { printSnippet } from './print-snippet.ts';
import { stdio } from './stdio.ts';
import { createTerminal } from './terminal.ts';
import type { Terminal } from './terminal.ts';
import { tools } from './tools.ts';

const CONFIG = [
  '-c, --config <file>',
  'configuration file (default: TOOLGATE_CONFIG, else ./servers.json)',
] as const;
const URL_OPTION = [
  '--url <url>',
  'a gateway elsewhere, instead of the one that runs here',
] as const;
const KEY_OPTION = ['--key <key>', 'its key (default: TOOLGATE_KEY, else the local key)'] as const;

const ADMIN_KEY_OPTION = [
  '--key <key>',
  'its key (default: TOOLGATE_KEY with --url, else the admin key)',
] as const;

export type Run = (terminal: Terminal) => Promise<number>;

/** @returns the exit code: 0 done, 1 failed, 2 the command line is wrong */
export async function runCli(args: readonly string[]): Promise<number> {
  const terminal = createTerminal();
  let run: Run | undefined;
  const program = createProgram((chosen) => {
    run = chosen;
  });
  program.configureOutput({
    writeOut: (text) => terminal.out(text.trimEnd()),
    writeErr: (text) => terminal.err(text.trimEnd()),
  });
  try {
    assertCommand(program, args[0]);
    await program.parseAsync([...args], { from: 'user' });
    return run ? await run(terminal) : 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    return fail(terminal, error);
  }
}

/** Without a command the gateway is served, which must not make a mistyped one an argument of that. */
function assertCommand(program: Command, word: string | undefined): void {
  if (word === undefined || word.startsWith('-')) return;
  const known = ['help', ...program.commands.map((command) => command.name())];
  if (known.includes(word)) return;
  program.error(`error: unknown command '${word}'${didYouMean(word, known)}`);
}

function fail(terminal: Terminal, error: unknown): number {
  if (isGatewayError(error))
    terminal.err(`${terminal.red('error')} ${error.code}: ${error.message}`);
  else {
    terminal.err(`${terminal.red('error')} ${(error as Error).stack ?? String(error)}`);
    terminal.err('This is a fault of Toolgate. Please report it with the lines above.');
  }
  return 1;
}

function createProgram(choose: (run: Run) => void): Command {
  const program = new Command('toolgate')
    .description('An MCP proxy server: one endpoint over many tool servers.')
    .version(VERSION)
    .exitOverride()
    .showHelpAfterError('(toolgate --help lists the commands)');
  running(program, choose);
  asking(program, choose);
  addApprovalCommands(program, choose, [CONFIG, URL_OPTION, ADMIN_KEY_OPTION]);
  addKeyCommands(program, choose, [CONFIG, URL_OPTION, ADMIN_KEY_OPTION]);
  editing(program, choose);
  return program;
}

function running(program: Command, choose: (run: Run) => void): void {
  program
    .command('serve', { isDefault: true })
    .description('run the gateway until it is stopped')
    .option(...CONFIG)
    .option('--port <port>', 'port to listen on, 0 for any free one')
    .action((options) => choose((terminal) => serve(options, terminal)));
  program
    .command('stdio')
    .description(
      'bridge a host that speaks only stdio to the gateway, which is started if none runs',
    )
    .option(...CONFIG)
    .option(...URL_OPTION)
    .option(...KEY_OPTION)
    .action((options) => choose((terminal) => stdio(options, terminal)));
}

function asking(program: Command, choose: (run: Run) => void): void {
  program
    .command('snippet')
    .description('print what to paste into a host, and where')
    .argument('<host>', SNIPPET_HOSTS.join(', '))
    .option(...CONFIG)
    .action((host, options) => choose((terminal) => printSnippet(host, options, terminal)));
  program
    .command('check')
    .description('validate the configuration and connect to every server')
    .option(...CONFIG)
    .option('--json', 'for scripts')
    .action((options) => choose((terminal) => check(options, terminal)));
  program
    .command('tools')
    .description('list the tools, with their arguments')
    .argument('[filter]', 'part of a name or description')
    .option(...CONFIG)
    .option(...URL_OPTION)
    .option(...KEY_OPTION)
    .option(
      '--changed',
      'those whose definition is not the accepted one, with what differs (admin)',
    )
    .option('--accept <server/tool>', 'accept the definition that it has now (admin)')
    .option('--json', 'the raw definitions')
    .action((filter, options) =>
      choose((terminal) => {
        if (options.accept !== undefined) return acceptTool(options.accept, options, terminal);
        return options.changed
          ? changedTools(filter, options, terminal)
          : tools(filter, options, terminal);
      }),
    );
  program
    .command('call')
    .description('call a tool')
    .argument('<tool>', 'its exposed name, such as files__read_file')
    .argument('[json]', 'its arguments', '{}')
    .option(...CONFIG)
    .option(...URL_OPTION)
    .option(...KEY_OPTION)
    .option('--json', 'the raw result')
    .action((tool, json, options) => choose((terminal) => call(tool, json, options, terminal)));
}

/** An option that may stand several times, without taking the words after it. */
const collect = (value: string, before: readonly string[] = []): string[] => [...before, value];

function editing(program: Command, choose: (run: Run) => void): void {
  program
    .command('init')
    .description('write a configuration file to start from')
    .option(...CONFIG)
    .action((options) => choose((terminal) => init(options, terminal)));
  program
    .command('add')
    .description('add a server: toolgate add <name> -- command args…, or toolgate add <name> <url>')
    .argument('<name>')
    .argument('<command-or-url...>')
    .option(...CONFIG)
    .option(
      '-e, --env <NAME=value>',
      'an environment variable of the command; may stand again',
      collect,
    )
    .option('-H, --header <Name: value>', 'a header for the url; may stand again', collect)
    .option('--sse', 'the url speaks HTTP+SSE (2024-11-05)')
    .action((name, target, options) => choose((terminal) => add(name, target, options, terminal)));
  const named = (verb: string, text: string, command: typeof remove) =>
    program
      .command(verb)
      .description(text)
      .argument('<name>')
      .option(...CONFIG)
      .action((name, options) => choose((terminal) => command(name, options, terminal)));
  named('remove', 'remove a server', remove);
  named('enable', 'turn a server on', enable);
  named('disable', 'turn a server off, keeping its entry', disable);
}
