// Why a tool is missing, refused, or asked for: what `toolgate why <key> <tool> ['<json>']` says.
import type { Mode, Principal } from '../core/principal.ts';
import type { ItemKind } from '../core/source.ts';
import type { Access, Refusal, Viewer } from './access.ts';
import type { Modes } from './modes.ts';
import type { PinJudgement } from './pinning-state.ts';

export interface WhyOptions {
  readonly access: Access;
  readonly modes: Modes;
}

export interface WhyQuestion {
  readonly principal: Principal;
  readonly narrow?: Viewer['narrow'];
  readonly kind?: ItemKind;
  readonly server: string;
  /** The server's own name for it. */
  readonly name: string;
  /** As the server sent it; undefined: the server does not list it. */
  readonly definition: Buffer | undefined;
  /** Raw JSON of the arguments; undefined: none were given. */
  readonly argumentsBytes?: Buffer | undefined;
}

export interface Explanation {
  readonly permitted: boolean;
  /** Undefined for what is not permitted, and for what is no tool. */
  readonly mode: Mode | undefined;
  /** For people, in the order in which things are decided. */
  readonly sentences: readonly string[];
}

const MODES: Readonly<Record<Mode, string>> = {
  auto: 'It runs when it is called',
  ask: 'It runs once somebody who may has said yes',
  review: 'It runs once another principal with the role approver has said yes',
};

function textOf({ level, reason }: Refusal): string {
  switch (reason.kind) {
    case 'denied':
      return `${level} denies it by "${reason.selector}".`;
    case 'not-allowed':
      return `${level} has nothing that allows it.`;
    case 'broken':
      return `${level} denies "${reason.selector}", which is not there, so it lets nothing through.`;
    case 'not-plain':
      return `${level} allows some resources by their text, and this URI is not written in the plain way.`;
    case 'hidden':
      return `${level} has an override that hides it.`;
    case 'not-read-only':
      return (
        `${level} lets only read-only tools of this server through, and this one is not known to be: its ` +
        'server must be "trusted" and annotate it with readOnlyHint, or an override must.'
      );
  }
}

const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** What a definition that is not the accepted one makes of it. */
export function withPin(told: Explanation, what: string, pin: PinJudgement): Explanation {
  if (!told.permitted || pin.state === 'accepted') return told;
  const effect = pin.isCallable
    ? pin.mustAsk
      ? 'so it does not run unasked'
      : 'and clients still see the accepted one'
    : 'so it is neither listed nor callable';
  const sentence =
    `Its definition is not the accepted one (pinning: ${pin.state}), ${effect}. ` +
    `"toolgate tools --changed" shows it, "toolgate tools --accept ${what}" accepts it.`;
  const mode = pin.mustAsk && told.mode === 'auto' ? 'ask' : told.mode;
  return {
    ...told,
    mode: pin.isCallable ? mode : undefined,
    sentences: [...told.sentences, sentence],
  };
}

/** Says which level forbids a thing, or what decides its mode. */
export function explain({ access, modes }: WhyOptions, question: WhyQuestion): Explanation {
  const {
    principal,
    narrow = [],
    kind = 'tools',
    server,
    name,
    definition,
    argumentsBytes,
  } = question;
  const what = `${server}/${name}`;
  const refusal = access.refusal({ principal, narrow }, kind, server, name, definition);
  if (refusal) {
    const sentences = [
      `Key "${principal.name}" does not see ${what}.`,
      capitalised(textOf(refusal)),
    ];
    return { permitted: false, mode: undefined, sentences };
  }
  const sentences = [`Key "${principal.name}" may use ${what}.`];
  if (kind === 'tools' && definition === undefined) {
    sentences.push(`Server "${server}" does not list it now, so it cannot be called.`);
  }
  if (kind !== 'tools') return { permitted: true, mode: undefined, sentences };
  const decision = modes.decide({ principal, server, tool: name, definition, argumentsBytes });
  const candidates = modes.candidates(principal, server, name);
  sentences.push(`${MODES[decision.mode]} (${decision.mode}). What decides: ${decision.rule}.`);
  if (candidates.length > 1) sentences.push(`Asked in this order: ${candidates.join('; ')}.`);
  for (const fault of decision.faults) sentences.push(`${capitalised(fault)}.`);
  if (decision.suggestion !== undefined)
    sentences.push(`To run it unasked: ${decision.suggestion}.`);
  return { permitted: true, mode: decision.mode, sentences };
}
