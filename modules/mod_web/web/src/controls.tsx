import { useParticipants, useTrackToggle } from '@livekit/components-react';
import { Track } from 'livekit-client';
import { useState, type ReactNode } from 'react';
import { CameraIcon, LeaveIcon, LinkIcon, MicIcon, ScreenIcon } from './icons';
import { callLink } from './route';

interface ToggleProps {
  source: Track.Source.Microphone | Track.Source.Camera | Track.Source.ScreenShare;
  on: string; // what pressing does when it is off
  off: string;
  icon: (isOff: boolean) => ReactNode;
}

function Toggle({ source, on, off, icon }: ToggleProps) {
  const { enabled, pending, toggle } = useTrackToggle({ source });
  const label = enabled ? off : on;
  return (
    <button
      className={enabled ? 'round' : 'round is-off'}
      aria-label={label}
      title={label}
      disabled={pending}
      onClick={() => void toggle()}
    >
      {icon(!enabled)}
    </button>
  );
}

function CopyLink({ callId }: { callId: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(callLink(callId)).then(
      () => setCopied(true),
      () => window.prompt('The link of this call', callLink(callId)), // http on another host than localhost
    );
    setTimeout(() => setCopied(false), 2000);
  };
  return (
    <button className="pill" onClick={() => void copy()}>
      <LinkIcon />
      <span aria-live="polite">{copied ? 'Copied' : 'Copy link'}</span>
    </button>
  );
}

export function Controls({ callId, onLeave }: { callId: string; onLeave: () => void }) {
  const count = useParticipants().length;
  return (
    <footer className="controls">
      <div className="side">
        <CopyLink callId={callId} />
        <span className="count">{count === 1 ? '1 person' : `${count} people`}</span>
      </div>
      <div className="middle" role="toolbar" aria-label="Call">
        <Toggle
          source={Track.Source.Microphone}
          on="Unmute microphone"
          off="Mute microphone"
          icon={(isOff) => <MicIcon off={isOff} />}
        />
        <Toggle
          source={Track.Source.Camera}
          on="Turn camera on"
          off="Turn camera off"
          icon={(isOff) => <CameraIcon off={isOff} />}
        />
        <Toggle
          source={Track.Source.ScreenShare}
          on="Share screen"
          off="Stop sharing"
          icon={() => <ScreenIcon />}
        />
        <button className="round leave" aria-label="Leave" title="Leave" onClick={onLeave}>
          <LeaveIcon />
        </button>
      </div>
      <div className="side" />
    </footer>
  );
}
