import { useEffect, useState } from 'react';
import { ApiError, getCall, joinCall, leaveCall, startCall, type Grant } from './api';
import { CallRoom, type Ending } from './call';
import { Doorway } from './doorway';
import { Ended } from './ended';
import { callPath, goTo, useCallId } from './route';
import { callOfTab, currentSession, enter, forgetSession, setCallOfTab, type Session } from './session';

interface Seat {
  grant: Grant;
  session: Session;
}

/** Enters under `name` and takes a seat; once more as a new guest when the session was ended. */
async function takeSeat(name: string, get: (token: string) => Promise<Grant>): Promise<Seat> {
  const session = await enter(name);
  try {
    return { session, grant: await get(session.token) };
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 401) throw error;
  }
  forgetSession();
  const again = await enter(name);
  return { session: again, grant: await get(again.token) };
}

export function App() {
  const id = useCallId();
  const [seat, setSeat] = useState<Seat | null>(null);
  const [ending, setEnding] = useState<Ending | null>(null);

  useEffect(() => {
    document.title = seat ? 'In a call · Stoa' : 'Stoa';
  }, [seat]);
  useEffect(() => {
    if (seat && seat.grant.callId !== id) setSeat(null); // the back button leaves
    setEnding((e) => (e && e.callId !== id ? null : e));
  }, [id, seat]);

  const sit = (next: Seat) => {
    setCallOfTab(next.grant.callId);
    setEnding(null);
    setSeat(next);
    if (next.grant.callId !== id) goTo(callPath(next.grant.callId));
  };

  const start = async (name: string) => sit(await takeSeat(name, startCall));
  const join = async (name: string) => sit(await takeSeat(name, (token) => joinCall(token, id!)));

  const leave = async () => {
    if (!seat) return;
    setCallOfTab(null);
    setSeat(null);
    goTo('/');
    await leaveCall(seat.session.token, seat.grant.callId).catch(() => undefined);
  };
  const end = async (how: Ending) => {
    if (!seat) return;
    const call = await getCall(seat.session.token, how.callId).catch(() => null);
    if (!how.canReturn || call?.endReason) setCallOfTab(null);
    setEnding({ ...how, call });
    setSeat(null);
  };

  if (seat && seat.grant.callId === id) return <CallRoom grant={seat.grant} onLeave={leave} onEnd={end} />;
  if (ending && ending.callId === id)
    return <Ended ending={ending} onReturn={() => join(currentSession()?.name ?? 'Guest')} />;
  if (id)
    return (
      <Doorway
        key={id}
        title="Join the call"
        action="Join the call"
        onEnter={join}
        onInstead={() => goTo('/')}
        isReload={callOfTab() === id}
      />
    );
  return <Doorway key="start" title="Talk, face to face" action="Start a call" onEnter={start} />;
}
