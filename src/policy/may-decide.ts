// Who may say yes or no to a call of another.
import type { Principal } from '../core/principal.ts';
import type { StoredApproval } from '../core/store.ts';

/** Never one's own call; an approver of a team or customer decides only theirs. */
export function mayDecide(who: Principal, approval: StoredApproval): boolean {
  if (who.role === 'caller' || who.id === approval.principal) return false;
  if (who.role === 'admin') return true;
  const isTheirs = who.team === undefined || who.team === approval.team;
  return isTheirs && (who.customer === undefined || who.customer === approval.customer);
}
