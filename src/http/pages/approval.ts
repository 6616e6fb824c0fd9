// `/approvals/<id>`: one page on which a person reads what a call would do, and says yes or no. A GET decides nothing.
import { GatewayError, isGatewayError } from '../../core/errors.ts';
import type { Principal } from '../../core/principal.ts';
import type { Seal } from '../../core/seal.ts';
import type { StoredApproval } from '../../core/store.ts';
import { mayDecide } from '../../policy/may-decide.ts';
import { argumentsShown, revealed } from '../../policy/question.ts';
import { decideAs, findApproval, isAnswer } from '../api/approvals.ts';
import type { ApprovalDesk } from '../api/approvals.ts';
import type { Answer, Asked, PublicRoute } from '../route.ts';
import type { Authenticate } from '../router.ts';
import { html, page } from './html.ts';
import type { Html } from './html.ts';
import { PageSessions } from './session.ts';
import type { PageSession } from './session.ts';

export interface ApprovalPagesOptions {
  readonly desk: ApprovalDesk;
  readonly seal: Seal;
  readonly authenticate: Authenticate;
}

const PATH = '/approvals/:id';
const MAX_FORM_BYTES = 16 * 1024;

const OUTCOMES: Readonly<Record<StoredApproval['status'], readonly [text: string, tone: string]>> =
  {
    pending: ['This call waits for an answer.', ''],
    approved: [
      'Approved. The call runs now if its caller still waits, or when it is made again unchanged.',
      'good',
    ],
    denied: ['Denied. The call does not run.', 'bad'],
    expired: ['Expired. Nothing ran; the call must be made again.', ''],
    claimed: ['Approved, and running.', 'good'],
    done: ['Approved, and the call has run.', 'good'],
    failed: ['Approved, but the call ended in an error.', 'bad'],
    unknown: ['Approved, but nobody knows whether the call ran. It is not run again.', 'bad'],
  };

const placeOf = (id: string): string => `/approvals/${encodeURIComponent(id)}`;

const seeOther = (id: string, cookie?: string): Answer => ({
  status: 303,
  headers: { location: placeOf(id), ...(cookie === undefined ? {} : { 'set-cookie': cookie }) },
});

export function approvalPages({
  desk,
  seal,
  authenticate,
}: ApprovalPagesOptions): readonly PublicRoute[] {
  const sessions = new PageSessions({ seal, authenticate, url: desk.url });
  const route = (
    method: 'GET' | 'POST',
    path: string,
    handle: (asked: Asked, id: string, form: URLSearchParams) => Promise<Answer>,
  ): PublicRoute => ({
    method,
    path,
    access: 'anyone',
    ...(method === 'POST' ? { maxBodyBytes: MAX_FORM_BYTES, form: true as const } : {}),
    async handle(asked) {
      const id = asked.params['id']!;
      try {
        if (method === 'POST') sessions.assertOwnForm(asked.headers);
        return await handle(asked, id, new URLSearchParams(asked.body.toString()));
      } catch (error) {
        if (isGatewayError(error)) return failurePage(error, id);
        throw error;
      }
    },
  });
  return [
    route('GET', PATH, async ({ headers }, id) => {
      const session = sessions.read(headers);
      return session ? showApproval(desk, session, id) : signInPage(200, id);
    }),
    route('POST', `${PATH}/sign-in`, ({ headers }, id, form) => {
      const key = (form.get('key') ?? '').trim();
      try {
        return Promise.resolve(seeOther(id, sessions.signIn(headers, key)));
      } catch (error) {
        if (isGatewayError(error))
          return Promise.resolve(signInPage(401, id, 'This key does not count here.'));
        throw error;
      }
    }),
    route('POST', `${PATH}/sign-out`, ({ headers }, id) =>
      Promise.resolve(seeOther(id, sessions.signOut(headers))),
    ),
    route('POST', `${PATH}/decide`, async ({ headers }, id, form) => {
      const session = sessions.read(headers);
      if (!session) return signInPage(401, id, 'You were signed out. Nothing was decided.');
      sessions.assertToken(session, form.get('token'));
      const answer = form.get('answer') ?? '';
      if (!isAnswer(answer))
        throw new GatewayError('PARAMS_INVALID', 'The form has no answer that is known.');
      await decideAs(desk, session.principal, id, answer);
      return seeOther(id);
    }),
  ];
}

function signInPage(status: number, id: string, problem?: string): Answer {
  const told =
    problem === undefined ? undefined : html`<p class="told bad" role="alert">${problem}</p>`;
  return page(
    status,
    'Sign in',
    html`<header><span>Toolgate</span></header>
      <article>
        <h1>Sign in to decide about a call</h1>
        ${told}
        <p class="soft">
          Use a key with the role approver or admin. It is kept for 15 minutes, in this browser
          only.
        </p>
        <form method="post" action="${placeOf(id)}/sign-in">
          <label for="key">Key</label>
          <input
            id="key"
            name="key"
            type="password"
            autocomplete="current-password"
            autocapitalize="off"
            spellcheck="false"
            placeholder="tg_…"
            required
          />
          <div class="choices"><button class="yes" type="submit">Sign in</button></div>
        </form>
      </article>`,
  );
}

function failurePage(error: GatewayError, id: string): Answer {
  return page(
    error.status,
    'Not done',
    html`<header><span>Toolgate</span></header>
      <article>
        <h1>Nothing was decided</h1>
        <p class="told bad" role="alert">${revealed(error.message)}</p>
        <p><a href="${placeOf(id)}">Look again</a></p>
      </article>`,
  );
}

async function showApproval(desk: ApprovalDesk, session: PageSession, id: string): Promise<Answer> {
  const { principal } = session;
  const approval = await findApproval(desk, principal, id);
  const { server, tool, status } = approval;
  const json = desk.approvals.argumentsOf(approval);
  const description = revealed(desk.describe(approval, principal).trim());
  const content = html`<header>
      <span>Toolgate</span>
      <form method="post" action="${placeOf(id)}/sign-out">
        <button class="link" type="submit">Sign out ${revealed(principal.name)}</button>
      </form>
    </header>
    <article>
      <h1>${status === 'pending' ? 'Allow this call?' : 'A call'}: ${revealed(tool)}</h1>
      ${outcome(approval)} ${facts(approval)}
      ${
        description === ''
          ? undefined
          : html`<h2>What ${revealed(server)} says it does</h2>
              <pre>${description}</pre>`
      }
      <h2>Arguments</h2>
      ${json === undefined ? html`<p class="told bad">They cannot be read.</p>` : argumentTable(json)}
      ${choices(approval, principal, session.token)}
    </article>`;
  return page(200, `${revealed(tool)} of ${revealed(server)}`, content);
}

function outcome({ status, decidedBy }: StoredApproval): Html | undefined {
  if (status === 'pending') return undefined;
  const [text, tone] = OUTCOMES[status];
  const by = decidedBy === undefined ? '' : ` Decided by ${revealed(decidedBy)}.`;
  return html`<p class="told ${tone}" role="status">${text}${by}</p>`;
}

function facts({
  server,
  tool,
  principalName,
  team,
  customer,
  mode,
  expiresAt,
  createdAt,
}: StoredApproval): Html {
  const minutes = Math.max(0, Math.ceil((expiresAt - Date.now()) / 60_000));
  const rows: [string, string | undefined][] = [
    ['Server', server],
    ['Tool', tool],
    ['For', [principalName, team, customer].filter((one) => one !== undefined).join(', ')],
    ['Asked', new Date(createdAt).toUTCString()],
    ['Expires', `${new Date(expiresAt).toUTCString()}${minutes > 0 ? ` (in ${minutes} min)` : ''}`],
    ['Kind', mode === 'review' ? 'Review: another person must say yes, to each call' : undefined],
  ];
  const shown = rows.filter((row): row is [string, string] => row[1] !== undefined);
  return html`<table class="facts">
    ${shown.map(
      ([name, value]) =>
        html`<tr>
          <th scope="row">${name}</th>
          <td>${revealed(value)}</td>
        </tr>`,
    )}
  </table>`;
}

function argumentTable(json: string): Html {
  const all = argumentsShown(json);
  if (all.length === 0) return html`<p>None.</p>`;
  return html`<table>
    ${all.map(
      ({ name, value }) =>
        html`<tr>
          <th scope="row">${name}</th>
          <td>${value}</td>
        </tr>`,
    )}
  </table>`;
}

function choices(approval: StoredApproval, principal: Principal, token: string): Html | undefined {
  if (approval.status !== 'pending') return undefined;
  if (!mayDecide(principal, approval)) {
    return html`<p class="told">
      ${
        principal.id === approval.principal
          ? 'This is a call of your own key. Somebody else must decide.'
          : 'Your key may look at this, not decide it. That takes the role approver.'
      }
    </p>`;
  }
  const button = (answer: string, text: string, kind: string) =>
    html`<form method="post" action="${placeOf(approval.id)}/decide">
      <input type="hidden" name="token" value="${token}" /><input
        type="hidden"
        name="answer"
        value="${answer}"
      /><button class="${kind}" type="submit">${text}</button>
    </form>`;
  const standing =
    approval.mode === 'ask'
      ? [
          button('hour', 'Approve this tool for an hour', ''),
          button('always', 'Approve this tool until revoked', ''),
        ]
      : [];
  return html`<div class="choices">
      ${[button('once', 'Approve once', 'yes'), ...standing, button('no', 'Deny', 'no')]}
    </div>
    <p class="soft">
      A yes counts for exactly these arguments, for this key, once. The longer ones count for any
      arguments of this tool, as long as its definition stays the same.
    </p>`;
}
