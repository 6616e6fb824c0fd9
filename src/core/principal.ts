/** What a credential may do besides calling: callers call, approvers decide approvals, admins do all. */
export type Role = 'caller' | 'approver' | 'admin';

/**
 * What one level (customer, team, environment, key) lets through. Levels only narrow: all must allow.
 * Selectors are `server/glob`, `*` or `@group`.
 */
export interface Allowance {
  /** Empty: nothing. */
  readonly tools: readonly string[];
  /** Beats everything that allows. */
  readonly deny: readonly string[];
  /** Undefined: those of the servers of which `tools` holds all (`server/*`, `*`). */
  readonly prompts: readonly string[] | undefined;
  /** URI globs as `server/uri-glob`; undefined: as for prompts. */
  readonly resources: readonly string[] | undefined;
}

export type Mode = 'auto' | 'ask' | 'review';

/** The mode of the tools that a selector names; the first that matches counts. */
export interface ModeRule {
  readonly tools: string;
  readonly mode: Mode;
}

/**
 * Who calls. It comes only from a verified credential, never from a URL, a header or a session id.
 * The same object as long as nothing about the key changes, so that what is compiled for it can be kept.
 */
export interface Principal {
  /** Stable id of the key, safe to log. */
  readonly id: string;
  /** Name for people. */
  readonly name: string;
  readonly role: Role;
  /** `POST /v1/mcp/tool/execute` is a yes to a call that would be asked for. */
  readonly execute: boolean;
  readonly team: string | undefined;
  readonly customer: string | undefined;
  readonly environment: string | undefined;
  readonly allowance: Allowance;
  readonly modes: readonly ModeRule[];
}
