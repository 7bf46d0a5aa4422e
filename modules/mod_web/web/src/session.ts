// Who this tab is, for as long as it lives: another tab is another guest.
import { signIn } from './api';

export interface Session {
  token: string;
  userId: string;
  name: string;
  expiresAt: string;
}

const SESSION = 'stoa.session';
const IN_CALL = 'stoa.call';

export function currentSession(): Session | null {
  try {
    const s: Session = JSON.parse(sessionStorage.getItem(SESSION) ?? 'null');
    return s && Date.parse(s.expiresAt) > Date.now() + 60_000 ? s : null;
  } catch {
    return null;
  }
}

/** The session under this name: the one there is, or a new guest. */
export async function enter(name: string): Promise<Session> {
  const old = currentSession();
  if (old && old.name === name) return old;
  const guest = await signIn(name);
  const session = { ...guest, name };
  sessionStorage.setItem(SESSION, JSON.stringify(session));
  return session;
}

export const forgetSession = () => sessionStorage.removeItem(SESSION);

// Which call this tab is in: a reload goes straight back into it.
export const callOfTab = () => sessionStorage.getItem(IN_CALL);
export const setCallOfTab = (id: string | null) =>
  id ? sessionStorage.setItem(IN_CALL, id) : sessionStorage.removeItem(IN_CALL);
