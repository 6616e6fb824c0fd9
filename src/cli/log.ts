import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import { createLogger } from '../telemetry/logger.ts';
import type { Terminal } from './terminal.ts';

/** @param level takes the place of `gateway.logLevel` */
export const logFor = ({ gateway }: Config, terminal: Terminal, level?: string): Logger =>
  createLogger({
    level: level ?? gateway.logLevel,
    readable: terminal.isInteractive,
    color: terminal.color,
  });
