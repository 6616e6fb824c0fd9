/** Who calls. It comes only from a verified credential, never from a URL, a header or a session id. */
export interface Principal {
  /** Stable id of the key, safe to log. */
  readonly id: string;
  /** Name for people. */
  readonly name: string;
}
