// What the rest of the program gets from the configuration file: checked, complete, in milliseconds.

export type NamingMode = 'prefix' | 'on-collision' | 'verbatim';

export type LogThreshold = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';

export interface ServerCommon {
  /** Letters, digits, `_`, `.` and `-`; no `__` inside, no `_` at either end. */
  readonly name: string;
  readonly enabled: boolean;
  /** Globs over the server's own tool names. */
  readonly autoExecute: readonly string[];
  /** Stands for the name in exposed names; an empty string drops the prefix. */
  readonly prefix: string | undefined;
  readonly timeoutMs: number;
  /** Never less than `timeoutMs`. */
  readonly maxTimeoutMs: number;
  /** By the server's own tool name. Has no prototype: any name may be looked up in it. */
  readonly toolTimeoutsMs: Readonly<Record<string, number>>;
  readonly refreshMs: number;
  readonly maxMessageBytes: number;
  readonly maxConcurrent: number;
  readonly era: 'auto' | 'legacy' | 'modern';
  /** SHA-256, hex, of the parts that need a new connection when they change. */
  readonly fingerprint: string;
}

export interface StdioServer extends ServerCommon {
  readonly transport: 'stdio';
  /**
   * An absolute path, or a bare name to be found in PATH. A bare `node` means the Node that runs the
   * gateway: upstream/process puts process.execPath in its place.
   */
  readonly command: string;
  readonly args: readonly string[];
  /** All that the child gets: the allow-listed part of ours, `envFile` over it, `env` over both. */
  readonly env: Readonly<Record<string, string>>;
  /** Absolute. */
  readonly cwd: string;
}

export interface HttpServer extends ServerCommon {
  /** auto-http: no type was given; try Streamable HTTP, then HTTP+SSE. */
  readonly transport: 'http' | 'sse' | 'auto-http';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly allowAddresses: readonly string[];
}

export type ServerConfig = StdioServer | HttpServer;

export interface NamingConfig {
  readonly mode: NamingMode;
  readonly maxLength: number;
}

export interface GatewayConfig {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Without a slash at the end. */
  readonly publicUrl: string | undefined;
  /** Absolute. It may not exist yet. */
  readonly dataDirectory: string;
  readonly allowOrigins: readonly string[];
  readonly maxRequestBytes: number;
  readonly sessionMs: number;
  readonly maxSessions: number;
  readonly startMs: number;
  readonly drainMs: number;
  readonly logLevel: LogThreshold;
}

export interface Config {
  /** In the order of the file. */
  readonly servers: readonly ServerConfig[];
  readonly naming: NamingConfig;
  readonly gateway: GatewayConfig;
}

export interface LoadedConfig {
  /** Absolute path. */
  readonly file: string;
  readonly config: Config;
  /** Sentences for a person. */
  readonly warnings: readonly string[];
  /** SHA-256, hex, of the text that was read. */
  readonly digest: string;
}
