// The thread that waits for the disk. It takes all jobs that have come, commits them together, and answers.
import { DatabaseSync } from 'node:sqlite';
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { createCommitter } from './commit.ts';
import type { Job } from './commit.ts';
import { configure } from './sqlite.ts';

/** More are left for the next commit, so that the first ones need not wait for the last. */
const MAX_JOBS = 1_000;

type Order = Job | 'close';

function serve(port: MessagePort, file: string): void {
  const database = new DatabaseSync(file, { timeout: 5_000 });
  configure(database);
  const commit = createCommitter(database);
  port.on('message', (first: Order) => {
    const jobs: Job[] = [];
    let order: Order | undefined = first;
    while (order !== undefined && order !== 'close') {
      jobs.push(order);
      if (jobs.length === MAX_JOBS) break;
      order = receiveMessageOnPort(port)?.message as Order | undefined;
    }
    if (jobs.length > 0) port.postMessage(commit(jobs));
    if (order !== 'close') return;
    database.close();
    port.close();
  });
}

if (parentPort) serve(parentPort, workerData as string);
