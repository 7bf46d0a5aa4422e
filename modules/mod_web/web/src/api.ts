// The routes of the public API that this page uses.

export interface Guest {
  token: string;
  userId: string;
  expiresAt: string;
}

export interface Participant {
  userId: string;
  name: string;
  status: string;
}

export interface Call {
  callId: string;
  status: string;
  endReason: string | null;
  participants: Participant[];
}

export interface Grant {
  callId: string;
  token: string;
  url: string;
  iceServers: RTCIceServer[];
}

/** A refusal in the server's words (application/problem+json), or that there was no answer. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

async function readProblem(answer: Response): Promise<ApiError> {
  const problem = await answer.json().catch(() => ({}));
  const fields: { field: string; reason: string }[] = problem.errors ?? [];
  const faults = fields.map((f) => `${f.field} ${f.reason}`).join(', ');
  const text = faults || problem.detail || problem.title || `The server answered ${answer.status}.`;
  return new ApiError(answer.status, problem.error ?? '', text);
}

async function send<T>(method: string, path: string, token?: string, body?: unknown): Promise<T> {
  const headers: Record<string, string> = {};
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  const init = { method, headers, body: body === undefined ? undefined : JSON.stringify(body) };
  const answer = await fetch(path, init).catch(() => {
    throw new ApiError(0, 'offline', 'The server cannot be reached.');
  });
  if (!answer.ok) throw await readProblem(answer);
  return answer.json();
}

const callPath = (id: string) => `/api/calls/${encodeURIComponent(id)}`;

export const signIn = (name: string) => send<Guest>('POST', '/api/auth/guest', undefined, { name });
export const startCall = (token: string) =>
  send<Grant>('POST', '/api/calls/initiate', token, { channelId: 'demo', type: 'video' });
export const joinCall = (token: string, id: string) => send<Grant>('POST', `${callPath(id)}/join`, token, {});
export const leaveCall = (token: string, id: string) => send<Call>('POST', `${callPath(id)}/leave`, token, {});
export const getCall = (token: string, id: string) => send<Call>('GET', callPath(id), token);
