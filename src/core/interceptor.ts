import type { Call, Message } from './call.ts';
import type { Target } from './source.ts';

/** Runs around every call, outermost first: it may refuse, watch, answer itself, or change what goes on. */
export type Interceptor = (
  call: Call,
  target: Target,
  next: (call: Call) => Promise<Message>,
) => Promise<Message>;
