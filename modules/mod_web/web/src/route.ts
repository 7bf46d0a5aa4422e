// Two addresses: "/" and "/call/{id}".
import { useSyncExternalStore } from 'react';

function subscribe(listener: () => void) {
  window.addEventListener('popstate', listener);
  return () => window.removeEventListener('popstate', listener);
}

export function goTo(path: string) {
  window.history.pushState(null, '', path);
  window.dispatchEvent(new PopStateEvent('popstate'));
}

export const callPath = (id: string) => `/call/${encodeURIComponent(id)}`;
export const callLink = (id: string) => new URL(callPath(id), window.location.href).href;

/** The id in the address; null on the start page. */
export function useCallId(): string | null {
  const path = useSyncExternalStore(subscribe, () => window.location.pathname);
  const id = /^\/call\/([^/]+)\/?$/.exec(path)?.[1];
  return id ? decodeURIComponent(id) : null;
}
