import { LiveKitRoom, RoomAudioRenderer, useConnectionState, useRemoteParticipants } from '@livekit/components-react';
import { ConnectionState, DisconnectReason, MediaDeviceFailure, type RoomOptions } from 'livekit-client';
import { useMemo, useRef, useState } from 'react';
import type { Call, Grant } from './api';
import { Controls } from './controls';
import { Stage } from './stage';

export interface Ending {
  callId: string;
  text: string;
  canReturn: boolean;
  call?: Call | null;
}

interface Props {
  grant: Grant;
  onLeave: () => void;
  onEnd: (how: Ending) => void;
}

const OPTIONS: RoomOptions = { adaptiveStream: true, dynacast: true };

const ENDINGS: Partial<Record<DisconnectReason, string>> = {
  [DisconnectReason.ROOM_DELETED]: 'The call has ended.',
  [DisconnectReason.ROOM_CLOSED]: 'The call has ended.',
  [DisconnectReason.DUPLICATE_IDENTITY]: 'You joined this call from somewhere else.',
  [DisconnectReason.PARTICIPANT_REMOVED]: 'You were removed from the call.',
};

function describe(callId: string, reason?: DisconnectReason): Ending {
  const text = reason === undefined ? undefined : ENDINGS[reason];
  if (text) return { callId, text, canReturn: reason === DisconnectReason.DUPLICATE_IDENTITY };
  if (reason === DisconnectReason.SERVER_SHUTDOWN)
    return { callId, text: 'The server is restarting.', canReturn: true };
  return { callId, text: 'The connection was lost.', canReturn: true };
}

const FAILURES: Partial<Record<MediaDeviceFailure, string>> = {
  [MediaDeviceFailure.PermissionDenied]: 'this page may not use the camera and the microphone',
  [MediaDeviceFailure.NotFound]: 'no camera or microphone was found',
  [MediaDeviceFailure.DeviceInUse]: 'another program uses the camera or the microphone',
};

const STATES: Partial<Record<ConnectionState, string>> = {
  [ConnectionState.Connecting]: 'Connecting…',
  [ConnectionState.Reconnecting]: 'Reconnecting…',
  [ConnectionState.SignalReconnecting]: 'Reconnecting…',
};

function Banner({ problem }: { problem: string }) {
  const state = useConnectionState();
  const isAlone = useRemoteParticipants().length === 0;
  const text =
    state !== ConnectionState.Connected
      ? STATES[state]
      : problem || (isAlone && 'Nobody else is here yet. Send them the link.');
  return (
    <div className="banner" role="status">
      {text && <span>{text}</span>}
    </div>
  );
}

export function CallRoom({ grant, onLeave, onEnd }: Props) {
  const [problem, setProblem] = useState('');
  const leaving = useRef(false);
  const connectOptions = useMemo(
    () => (grant.iceServers.length ? { rtcConfig: { iceServers: grant.iceServers } } : undefined),
    [grant],
  );
  const leave = () => {
    leaving.current = true;
    onLeave();
  };

  return (
    <LiveKitRoom
      className="room"
      token={grant.token}
      serverUrl={grant.url}
      options={OPTIONS}
      connectOptions={connectOptions}
      audio
      video
      onMediaDeviceFailure={(failure) =>
        setProblem(`Others cannot see or hear you: ${(failure && FAILURES[failure]) || 'camera or microphone failed'}.`)
      }
      onDisconnected={(reason) => {
        if (!leaving.current) onEnd(describe(grant.callId, reason));
      }}
    >
      <Banner problem={problem} />
      <Stage />
      <Controls callId={grant.callId} onLeave={leave} />
      <RoomAudioRenderer />
    </LiveKitRoom>
  );
}
