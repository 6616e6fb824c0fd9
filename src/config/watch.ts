// Tells of every change of the configuration file, however an editor, a deployment or a volume makes it.
import { watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { readFileSync } from 'node:fs';
import { readlink } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';

import { createEmitter } from '../core/emitter.ts';
import { GatewayError, isGatewayError, reasonOf } from '../core/errors.ts';
import type { LoadedConfig } from './config.ts';
import { loadConfigText, readConfigText } from './load.ts';
import type { LoadOptions } from './load.ts';
import { digestOf } from './parse.ts';

export interface WatchOptions extends LoadOptions {
  /** `digest` of what is in force. Default: the content at the moment of the call. */
  readonly since?: string;
  /** Quiet time after an event before the file is read; milliseconds, default 100. */
  readonly debounceMs?: number;
  /**
   * The file is also read this often, for volumes that tell of nothing and folders that are replaced;
   * milliseconds, default 2000.
   */
  readonly pollMs?: number;
}

/** A stream of events may put the reading off by this many quiet times at most. */
const MAX_DELAYS = 5;
/** Links are followed this far. */
const MAX_LINKS = 16;

/** The folders where a change can change what the file holds: its own, and those its links lead to. */
async function foldersOf(file: string): Promise<Set<string>> {
  const folders = new Set([dirname(file)]);
  let path = file;
  for (let step = 0; step < MAX_LINKS; step += 1) {
    let target: string;
    try {
      target = await readlink(path);
    } catch {
      break;
    }
    path = resolve(dirname(path), target);
    folders.add(dirname(path));
  }
  return folders;
}

function digestNow(file: string): string | undefined {
  try {
    return digestOf(new TextDecoder().decode(readFileSync(file)));
  } catch {
    return undefined;
  }
}

class ConfigWatch implements AsyncDisposable {
  readonly #file: string;
  readonly #options: WatchOptions;
  readonly #debounceMs: number;
  readonly #events = createEmitter<LoadedConfig | GatewayError>();
  readonly #watchers = new Map<string, FSWatcher>();
  readonly #poll: NodeJS.Timeout;
  #timer: NodeJS.Timeout | undefined;
  #firstEventAt = 0;
  #running: Promise<void> | undefined;
  #again = false;
  #closed = false;
  /** Of the content last told of; undefined: the file could not be read. */
  #digest: string | undefined;
  /** Of the bad content seen last. */
  #doubted: { readonly digest: string | undefined } | undefined;

  constructor(
    file: string,
    onEvent: (result: LoadedConfig | GatewayError) => void,
    options: WatchOptions,
  ) {
    this.#file = resolve(file);
    this.#options = options;
    this.#debounceMs = options.debounceMs ?? 100;
    this.#digest = options.since ?? digestNow(this.#file);
    this.#events.on(onEvent);
    this.#watchFolder(dirname(this.#file));
    this.#poll = setInterval(() => this.#check(), options.pollMs ?? 2000).unref();
    // The content may have changed since `since`, and the links have not been followed yet.
    this.#check();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    clearInterval(this.#poll);
    clearTimeout(this.#timer);
    for (const folder of this.#watchers.keys()) this.#unwatchFolder(folder);
    await this.#running;
  }

  #watchFolder(folder: string): void {
    if (this.#watchers.has(folder) || this.#closed) return;
    try {
      // The folder and not the file: a file that is replaced takes its watcher with it.
      const watcher = watch(folder, { persistent: false }, (kind, name) => {
        // The folder itself has gone; what takes its place needs a watcher of its own.
        if (kind === 'rename' && name === basename(folder)) this.#unwatchFolder(folder);
        this.#onChange();
      });
      watcher.on('error', () => this.#unwatchFolder(folder));
      this.#watchers.set(folder, watcher);
    } catch {
      // No such folder, or no more watchers to be had: the poll sees to it, and tries this again.
    }
  }

  #unwatchFolder(folder: string): void {
    this.#watchers.get(folder)?.close();
    this.#watchers.delete(folder);
  }

  #onChange(): void {
    if (this.#closed) return;
    const now = performance.now();
    if (this.#timer === undefined) this.#firstEventAt = now;
    clearTimeout(this.#timer);
    const latest = this.#firstEventAt + MAX_DELAYS * this.#debounceMs;
    const delay = Math.max(0, Math.min(this.#debounceMs, latest - now));
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#check();
    }, delay).unref();
  }

  /** One reading at a time; what happens meanwhile is read after it. */
  #check(): void {
    this.#again = true;
    this.#running ??= this.#checkUntilQuiet().finally(() => {
      this.#running = undefined;
    });
  }

  async #checkUntilQuiet(): Promise<void> {
    while (this.#again && !this.#closed) {
      this.#again = false;
      const folders = await foldersOf(this.#file);
      for (const folder of folders) this.#watchFolder(folder);
      for (const folder of this.#watchers.keys()) {
        if (!folders.has(folder)) this.#unwatchFolder(folder);
      }
      const result = await this.#readIfChanged();
      if (result !== undefined && !this.#closed) this.#events.emit(result);
    }
  }

  async #readIfChanged(): Promise<LoadedConfig | GatewayError | undefined> {
    let digest: string | undefined;
    let result: LoadedConfig | GatewayError;
    try {
      const text = await readConfigText(this.#file);
      digest = digestOf(text);
      if (digest === this.#digest) {
        this.#doubted = undefined;
        return undefined;
      }
      result = await loadConfigText(this.#file, text, this.#options);
    } catch (error) {
      if (digest === undefined && this.#digest === undefined) return undefined;
      result = isGatewayError(error)
        ? error
        : new GatewayError('INTERNAL', `${this.#file}: ${reasonOf(error)}`, { cause: error });
    }
    if (isGatewayError(result) && (!this.#doubted || this.#doubted.digest !== digest)) {
      // It may be half written, or about to come back: it is told of when it is still so a little later.
      this.#doubted = { digest };
      this.#onChange();
      return undefined;
    }
    this.#doubted = undefined;
    this.#digest = digest;
    return result;
  }
}

/**
 * Watches a configuration file until disposed. It does not keep the process alive.
 *
 * @param onEvent hears each new content once, in order: the configuration, or the GatewayError that says
 * what is wrong with it (also that the file has gone). Of contents that follow each other quickly it may
 * hear only the last. Changes of an `envFile` are not watched.
 */
export function watchConfig(
  file: string,
  onEvent: (result: LoadedConfig | GatewayError) => void,
  options: WatchOptions = {},
): AsyncDisposable {
  return new ConfigWatch(file, onEvent, options);
}
