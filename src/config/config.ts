// What the rest of the program gets from the configuration file: checked, complete, in milliseconds.
import type { Allowance, Mode, ModeRule, Role } from '../core/principal.ts';

export type NamingMode = 'prefix' | 'on-collision' | 'verbatim';

export type LogThreshold = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** What becomes of a definition that its server changes. */
export type Pinning = 'ask' | 'hold' | 'quarantine' | 'off';

/** `const`: the JSON text that is sent instead of what the caller sent; without it, nothing is sent. */
export interface ArgumentOverride {
  readonly const: string | undefined;
}

/** What the operator changes of one tool. */
export interface ToolOverride {
  /** Stands for the server's own name. */
  readonly name: string | undefined;
  readonly description: string | undefined;
  /** Merged over those of the server. */
  readonly annotations: Readonly<Record<string, unknown>> | undefined;
  /** Neither listed nor callable. */
  readonly hidden: boolean;
  /** Callers neither see nor choose these. */
  readonly arguments: ReadonlyMap<string, ArgumentOverride>;
}

/** Filters over one server's own tool names. */
export interface ServerTools {
  readonly allow: readonly string[];
  /** Beats `allow`. */
  readonly deny: readonly string[];
  readonly overrides: ReadonlyMap<string, ToolOverride>;
}

export interface ServerCommon {
  /** Letters, digits, `_`, `.` and `-`; no `__` inside, no `_` at either end. */
  readonly name: string;
  readonly enabled: boolean;
  /** Globs over the server's own tool names: mode auto, where `modes` says nothing. */
  readonly autoExecute: readonly string[];
  /** Globs over the server's own tool names, in order. */
  readonly modes: readonly ModeRule[];
  readonly tools: ServerTools;
  /** What the server says of its tools (`annotations`) may be believed. */
  readonly trusted: boolean;
  /** Undefined: as for all. */
  readonly pinning: Pinning | undefined;
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

export interface TeamConfig extends Allowance {
  /** Of those in the configuration. */
  readonly customer: string | undefined;
}

export interface EnvironmentConfig extends Allowance {
  /** Servers of which only tools that are said to change nothing pass. */
  readonly readOnly: readonly string[];
}

/** A rule for the calls that its expression is true of. */
export interface RuleConfig {
  /** Selectors. */
  readonly tools: readonly string[];
  /** CEL, checked. */
  readonly when: string;
  readonly mode: Mode;
}

export interface ApprovalsConfig {
  /** A call is held for so long when its client cannot be asked. */
  readonly waitMs: number;
  /** A yes must be given and used within this time. */
  readonly expiryMs: number;
  readonly webhook: { readonly url: string; readonly secret: string } | undefined;
}

/** Who may call what, and what has to be asked for. */
export interface PolicyConfig {
  /** Selectors by the group's name; they hold no groups. */
  readonly groups: ReadonlyMap<string, readonly string[]>;
  readonly customers: ReadonlyMap<string, Allowance>;
  readonly teams: ReadonlyMap<string, TeamConfig>;
  readonly environments: ReadonlyMap<string, EnvironmentConfig>;
  readonly rules: readonly RuleConfig[];
  /** Selectors, in order; asked after the rules. */
  readonly modes: readonly ModeRule[];
  readonly approvals: ApprovalsConfig;
  readonly pinning: Pinning;
}

/** A key that the configuration holds. */
export interface ConfigKey {
  readonly name: string;
  readonly secret: string;
  readonly role: Role;
  readonly execute: boolean;
  readonly team: string | undefined;
  /** That of its team, where it has one. */
  readonly customer: string | undefined;
  readonly environment: string | undefined;
  readonly allowance: Allowance;
  readonly modes: readonly ModeRule[];
  /** Epoch milliseconds. */
  readonly expiresAt: number | undefined;
  readonly enabled: boolean;
  readonly notes: string;
}

export interface Config extends PolicyConfig {
  /** In the order of the file. */
  readonly servers: readonly ServerConfig[];
  readonly keys: readonly ConfigKey[];
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
