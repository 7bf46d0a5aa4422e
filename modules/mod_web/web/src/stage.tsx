// Who is there: one tile each in a grid that finds its own rows and columns; beside a shared screen,
// in a strip.
import {
  GridLayout,
  ParticipantName,
  ParticipantTile,
  TrackLoop,
  TrackRefContext,
  VideoTrack,
  isTrackReference,
  useIsMuted,
  useTrackRefContext,
  useTracks,
} from '@livekit/components-react';
import { Track } from 'livekit-client';
import { MicIcon } from './icons';

const SOURCES = [
  { source: Track.Source.Camera, withPlaceholder: true },
  { source: Track.Source.ScreenShare, withPlaceholder: false },
];

// The same person has the same colour on every side.
function hueOf(identity: string): number {
  let h = 0;
  for (const c of identity) h = (h * 31 + c.codePointAt(0)!) % 360;
  return h;
}

function Initial({ name, identity }: { name: string; identity: string }) {
  const letter = [...name.trim()][0] ?? '?';
  return (
    <span className="initial" style={{ backgroundColor: `hsl(${hueOf(identity)} 42% 44%)` }}>
      {letter.toUpperCase()}
    </span>
  );
}

function TileContent() {
  const track = useTrackRefContext();
  const { participant, source } = track;
  const micMuted = useIsMuted({ participant, source: Track.Source.Microphone });
  const cameraMuted = useIsMuted(track);
  const name = participant.name || participant.identity;
  const isScreen = source === Track.Source.ScreenShare;

  return (
    <>
      {isTrackReference(track) && <VideoTrack trackRef={track} aria-label={`${isScreen ? 'Screen' : 'Video'} of ${name}`} />}
      {(!isTrackReference(track) || cameraMuted) && (
        <div className="placeholder" role="img" aria-label={`${name}'s camera is off`}>
          <Initial name={name} identity={participant.identity} />
        </div>
      )}
      <div className="nameplate">
        {micMuted && !isScreen && (
          <span className="muted" role="img" aria-label={`${name} is muted`}>
            <MicIcon off />
          </span>
        )}
        <ParticipantName />
        {participant.isLocal && <span className="you">you</span>}
        {isScreen && <span className="you">screen</span>}
      </div>
    </>
  );
}

const Tile = () => (
  <ParticipantTile>
    <TileContent />
  </ParticipantTile>
);

export function Stage() {
  const tracks = useTracks(SOURCES, { onlySubscribed: false });
  const screen = tracks.find((t) => t.source === Track.Source.ScreenShare && !t.participant.isLocal);

  return (
    <section className={screen ? 'stage has-screen' : 'stage'} aria-label="Participants">
      {screen ? (
        <>
          <TrackRefContext.Provider value={screen}>
            <Tile />
          </TrackRefContext.Provider>
          <div className="strip">
            <TrackLoop tracks={tracks.filter((t) => t !== screen)}>
              <Tile />
            </TrackLoop>
          </div>
        </>
      ) : (
        <GridLayout tracks={tracks}>
          <Tile />
        </GridLayout>
      )}
    </section>
  );
}
