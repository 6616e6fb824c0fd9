// What a person is shown who must decide about a call, and how the answer is read.
import type { StoredApproval } from '../core/store.ts';
import {
  checkJson,
  elementsOf,
  isArrayAt,
  isObjectAt,
  isStringAt,
  membersOf,
  stringAt,
} from '../wire/json.ts';
import type { Span } from '../core/call.ts';
import { ANSWERS } from './proposal.ts';
import type { ApprovalAnswer } from './proposal.ts';

/** Names of arguments whose values nobody should see over a shoulder. */
const SECRET =
  /pass(word|phrase)?|secret|token|api[-_]?key|credential|authorization|private[-_]?key/i;
/** Control, zero-width, bidirectional and tag characters: what they hide must be seen. */
const invisible = (): RegExp =>
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\ufe00-\ufe0e\u{e0000}-\u{e007f}\u{e0100}-\u{e01ef}]/gu;
const MAX_ARGUMENT_LENGTH = 2_000;
const MAX_DESCRIPTION_LENGTH = 600;
const MAX_NOTICE_LENGTH = 4_000;

/** Invisible characters as `\u{…}`. */
export const revealed = (text: string): string =>
  text.replaceAll(invisible(), (char) => `\\u{${char.codePointAt(0)!.toString(16)}}`);

const shortened = (text: string, limit: number): string =>
  text.length <= limit ? text : `${text.slice(0, limit)}… (${text.length} characters)`;

export interface ShownArgument {
  readonly name: string;
  readonly value: string;
}

/** The arguments with secrets left out and invisible characters shown. @param json canonical */
export function argumentsShown(json: string): ShownArgument[] {
  const bytes = Buffer.from(json);
  return membersOf(bytes, checkJson(bytes)).map(({ key, value }) => ({
    name: revealed(key),
    value: shown(bytes, value, key),
  }));
}

/** The same as text, one a line. */
export function shownArguments(json: string): string {
  const lines = argumentsShown(json).map(({ name, value }) => `  ${name}: ${value}`);
  return lines.length === 0 ? '  (no arguments)' : lines.join('\n');
}

function shown(bytes: Buffer, span: Span, key: string): string {
  if (SECRET.test(key)) return '[hidden]';
  if (isObjectAt(bytes, span)) {
    const parts = membersOf(bytes, span).map(
      (member) => `${revealed(member.key)}: ${shown(bytes, member.value, member.key)}`,
    );
    return shortened(`{ ${parts.join(', ')} }`, MAX_ARGUMENT_LENGTH);
  }
  if (isArrayAt(bytes, span)) {
    const parts = elementsOf(bytes, span).map((element) => shown(bytes, element, key));
    return shortened(`[${parts.join(', ')}]`, MAX_ARGUMENT_LENGTH);
  }
  const text = isStringAt(bytes, span)
    ? JSON.stringify(stringAt(bytes, span))
    : bytes.toString('latin1', span.start, span.end);
  return shortened(revealed(text), MAX_ARGUMENT_LENGTH);
}

export interface QuestionFacts {
  readonly approval: StoredApproval;
  /** Canonical JSON. */
  readonly arguments: string;
  /** The tool's own description. */
  readonly description: string;
  /** What must be known of a change of the tool; empty: nothing. */
  readonly notice?: string;
  /** The configuration line that would make this tool run unasked, when no rule decided. */
  readonly suggestion: string | undefined;
}

/** The whole question as text, for a client's dialog, a terminal or a page. */
export function questionText({
  approval,
  arguments: json,
  description,
  notice,
  suggestion,
}: QuestionFacts): string {
  const { server, tool, principalName } = approval;
  const lines = [
    `Allow "${revealed(tool)}" of server "${server}" to run for ${revealed(principalName)}?`,
    '',
    ...(notice ? [shortened(revealed(notice), MAX_NOTICE_LENGTH), ''] : []),
    shortened(revealed(description.trim()), MAX_DESCRIPTION_LENGTH),
    '',
    'Arguments:',
    shownArguments(json),
  ];
  if (suggestion) lines.push('', `To run it unasked: ${suggestion}`);
  return lines.join('\n');
}

const TITLES: Readonly<Record<ApprovalAnswer, string>> = {
  once: 'Yes, this once',
  hour: 'Yes, this tool for an hour',
  always: 'Yes, this tool until revoked',
  no: 'No',
};

/** The params of an `elicitation/create` in form mode. */
export const elicitation = (facts: QuestionFacts): object => ({
  mode: 'form',
  message: questionText(facts),
  requestedSchema: {
    type: 'object',
    properties: {
      answer: {
        type: 'string',
        title: 'Your answer',
        enum: ANSWERS,
        enumNames: ANSWERS.map((answer) => TITLES[answer]),
        default: 'no',
      },
    },
    required: ['answer'],
  },
});

/** @returns undefined when the person closed the question without an answer. */
export function answerOf(result: unknown): ApprovalAnswer | undefined {
  const { action, content } = (result ?? {}) as {
    action?: unknown;
    content?: { answer?: unknown };
  };
  if (action === 'decline') return 'no';
  if (action !== 'accept') return undefined;
  // A yes is only what says so: accepting the form without a known answer is none.
  return ANSWERS.find((answer) => answer === content?.answer);
}

/** The facts of an approval as programs get them: no arguments, no digests. */
export const approvalFacts = (approval: StoredApproval, url: string) => ({
  id: approval.id,
  status: approval.status,
  server: approval.server,
  tool: approval.tool,
  mode: approval.mode,
  expiresAt: new Date(approval.expiresAt).toISOString(),
  url: `${url}/approvals/${approval.id}`,
});
