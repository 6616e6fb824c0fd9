// The arguments of `toolgate approvals …`, `toolgate grants …` and `toolgate why`.
import type { Command } from 'commander';
import {
  approve,
  deny,
  listApprovals,
  listGrants,
  revokeGrant,
  showApproval,
} from './approvals.ts';
import type { Terminal } from './terminal.ts';
import { why } from './why.ts';

type Choose = (run: (terminal: Terminal) => Promise<number>) => void;
type Option = readonly [flags: string, description: string];

/** @param common options that every one of them takes */
export function addApprovalCommands(
  program: Command,
  choose: Choose,
  common: readonly Option[],
): void {
  const add = (
    parent: Command,
    name: string,
    description: string,
    options?: { isDefault: boolean },
  ): Command => {
    const one = parent.command(name, options).description(description);
    for (const option of common) one.option(...option);
    return one.option('--json', 'for scripts');
  };
  const approvals = program
    .command('approvals')
    .description('the calls that wait for a yes')
    .showHelpAfterError('(toolgate approvals --help lists the commands)');
  add(approvals, 'list', 'list those that wait', { isDefault: true })
    .option('--all', 'also those that were decided')
    .option('--watch', 'show each as it comes, until stopped')
    .action((options) => choose((terminal) => listApprovals(options, terminal)));
  add(approvals, 'show', 'show what one would do')
    .argument('<id>')
    .action((id, options) => choose((terminal) => showApproval(id, options, terminal)));
  add(approvals, 'approve', 'let one run')
    .argument('<id>')
    .option('--hour', 'and every call of this tool by this key, for an hour')
    .option('--always', 'and every call of this tool by this key, until revoked')
    .action((id, options) => choose((terminal) => approve(id, options, terminal)));
  add(approvals, 'deny', 'say no to one')
    .argument('<id>')
    .action((id, options) => choose((terminal) => deny(id, options, terminal)));
  const grants = program
    .command('grants')
    .description('the tools that have a standing yes')
    .showHelpAfterError('(toolgate grants --help lists the commands)');
  add(grants, 'list', 'list them', { isDefault: true }).action((options) =>
    choose((terminal) => listGrants(options, terminal)),
  );
  add(grants, 'revoke', 'take one back')
    .argument('<id>')
    .action((id, options) => choose((terminal) => revokeGrant(id, options, terminal)));
  add(
    program,
    'why',
    'say which rule decides about a tool for a key, and why it is missing or refused',
  )
    .argument('<key>', 'its id or name')
    .argument('<tool>', 'as clients see it, or server/tool')
    .argument('[json]', 'the arguments of a call')
    .action((key, tool, json, options) =>
      choose((terminal) => why(key, tool, json, options, terminal)),
    );
}
