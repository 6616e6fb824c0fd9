// Starts the program: everything else is in cli/.
import { runCli } from './cli/program.ts';

process.exitCode = await runCli(process.argv.slice(2));
