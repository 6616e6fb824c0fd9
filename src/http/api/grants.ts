// Standing yeses over REST. Anybody may take back what was given for their own calls; it only makes asking more.
import { GatewayError } from '../../core/errors.ts';
import type { Principal } from '../../core/principal.ts';
import type { StoredGrant } from '../../core/store.ts';
import type { KeyRoute } from '../route.ts';
import type { ApprovalDesk } from './approvals.ts';

const PATH = '/v1/mcp/grants';

function maySee(
  { id, role, team, customer }: Principal,
  { principal, grantedBy }: StoredGrant,
): boolean {
  if (role === 'admin' || principal === id || grantedBy === id) return true;
  // Whose the key of a grant is, is not known here: who approves for some sees what they gave.
  return role === 'approver' && team === undefined && customer === undefined;
}

const shown = ({
  id,
  principal,
  server,
  tool,
  grantedBy,
  createdAt,
  expiresAt,
}: StoredGrant): object => ({
  id,
  key: principal,
  server,
  tool,
  grantedBy,
  createdAt: new Date(createdAt).toISOString(),
  expiresAt: expiresAt === undefined ? undefined : new Date(expiresAt).toISOString(),
});

export const grantRoutes = ({
  approvals,
}: Pick<ApprovalDesk, 'approvals'>): readonly KeyRoute[] => [
  {
    method: 'GET',
    path: PATH,
    access: 'caller',
    handle: ({ principal }) => ({
      status: 200,
      body: { grants: approvals.grants.filter((grant) => maySee(principal, grant)).map(shown) },
    }),
  },
  {
    method: 'DELETE',
    path: `${PATH}/:id`,
    access: 'caller',
    async handle({ principal, params }) {
      const id = params['id']!;
      const grant = approvals.grants.find((one) => one.id === id && maySee(principal, one));
      if (!grant || !(await approvals.revoke(id))) {
        throw new GatewayError(
          'APPROVAL_NOT_FOUND',
          `There is no standing yes ${JSON.stringify(id)} for this key.`,
        );
      }
      return { status: 204 };
    },
  },
];
