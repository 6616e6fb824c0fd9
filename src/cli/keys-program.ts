// The arguments of `toolgate keys …`.
import type { Command } from 'commander';
import { createKey, listKeys, revokeKey, rotateKey, showKey } from './keys.ts';
import type { Terminal } from './terminal.ts';

type Choose = (run: (terminal: Terminal) => Promise<number>) => void;
type Option = readonly [flags: string, description: string];

/** @param common options that every one of them takes */
export function addKeyCommands(program: Command, choose: Choose, common: readonly Option[]): void {
  const keys = program
    .command('keys')
    .description('the keys that let programs in, and what each may do')
    .showHelpAfterError('(toolgate keys --help lists the commands)');
  const command = (name: string, description: string): Command => {
    const one = keys.command(name).description(description);
    for (const option of common) one.option(...option);
    return one.option('--json', 'for scripts');
  };
  command('list', 'list the keys').action((options) =>
    choose((terminal) => listKeys(options, terminal)),
  );
  command('show', 'show all about one key')
    .argument('<key>', 'its id or name')
    .action((key, options) => choose((terminal) => showKey(key, options, terminal)));
  addCreate(command('create', 'make a key; its secret is shown once'), choose);
  command('rotate', 'give a key another secret; the one before counts for a while')
    .argument('<key>', 'its id or name')
    .option(
      '--overlap <time>',
      'how long the secret before counts, such as 30m, or 0s (default: 24h)',
    )
    .action((key, options) => choose((terminal) => rotateKey(key, options, terminal)));
  command('revoke', 'end a key for good')
    .argument('<key>', 'its id or name')
    .action((key, options) => choose((terminal) => revokeKey(key, options, terminal)));
}

function addCreate(command: Command, choose: Choose): void {
  command
    .argument('<name>', 'what people call it')
    .option(
      '--tools <selector...>',
      'what it may call: server/tool with *, * or @group (default: nothing)',
    )
    .option('--deny <selector...>', 'what it may not call all the same')
    .option('--prompts <selector...>', 'default: those of servers it may use whole')
    .option('--resources <selector...>', 'server/uri with *; default: as prompts')
    .option('--mode <selector=mode...>', 'auto, ask or review')
    .option('--team <name>', 'the team of the configuration that it is in')
    .option('--customer <name>', 'the customer it is of, when it is in no team')
    .option('--env <name>', 'the environment it is for')
    .option('--role <role>', 'caller, approver or admin (default: caller)')
    .option('--execute', 'POST /v1/mcp/tool/execute with it is a yes')
    .option('--expires <time>', 'such as 90d, or a date')
    .option('--disabled', 'it does not count until it is enabled')
    .option('--notes <text>', 'for people')
    .action((name, options) => choose((terminal) => createKey(name, options, terminal)));
}
