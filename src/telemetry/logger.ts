// Logs: JSON lines, or readable ones on a terminal. Always to stderr, since stdout may be the protocol.
import { pino } from 'pino';
import type { DestinationStream, Logger, LoggerOptions } from 'pino';
import pretty from 'pino-pretty';

export interface LoggerSettings {
  readonly level: string;
  /** For a person at a terminal. */
  readonly readable: boolean;
  readonly color: boolean;
  /** Default: stderr. */
  readonly destination?: DestinationStream;
}

/** Fields that never reach a log, whatever hands them in. */
const REDACTED = ['authorization', 'headers', 'env', 'key', 'secret', 'arguments'];

export function createLogger(settings: LoggerSettings): Logger {
  const options: LoggerOptions = {
    level: settings.level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: REDACTED.flatMap((field) => [field, `*.${field}`]), censor: '[redacted]' },
    formatters: { level: (label) => ({ level: label }) },
  };
  const target = settings.destination ?? pino.destination({ dest: 2, sync: true });
  if (!settings.readable) return pino(options, target);
  const stream = pretty({
    colorize: settings.color,
    translateTime: 'SYS:HH:MM:ss',
    ignore: 'pid,hostname',
    destination: target,
    sync: true,
  });
  return pino(options, stream);
}
