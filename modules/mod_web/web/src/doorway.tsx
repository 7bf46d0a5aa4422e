// The way in: a name and one button. Also where a reloaded page goes back into its call.
import { useEffect, useRef, useState, type FormEvent } from 'react';
import { Brand } from './icons';
import { currentSession } from './session';

interface Props {
  title: string;
  action: string;
  isReload?: boolean;
  onInstead?: () => void; // on the way into somebody's call: start another one
  onEnter: (name: string) => Promise<void>;
}

export function Doorway({ title, action, isReload, onInstead, onEnter }: Props) {
  const [name, setName] = useState(() => currentSession()?.name ?? '');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState('');
  const tried = useRef(false);

  const go = async (who: string) => {
    setBusy(true);
    setProblem('');
    try {
      await onEnter(who);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
      setBusy(false);
    }
  };
  useEffect(() => {
    if (!isReload || tried.current || !name) return;
    tried.current = true;
    void go(name);
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void go(name.trim());
  };

  return (
    <main className="doorway">
      <form className="card" onSubmit={submit}>
        <Brand />
        <h1>{title}</h1>
        <label htmlFor="name">Your name</label>
        <input
          id="name"
          value={name}
          onChange={(event) => setName(event.target.value)}
          maxLength={64}
          autoComplete="nickname"
          autoFocus
          required
        />
        <button className="primary" type="submit" disabled={busy || !name.trim()}>
          {busy ? 'One moment…' : action}
        </button>
        <p className="problem" role="alert">
          {problem}
        </p>
      </form>
      {onInstead ? (
        <button className="link" onClick={onInstead}>
          Start a call of your own
        </button>
      ) : (
        <p className="hint">Your browser will ask for the camera and the microphone.</p>
      )}
    </main>
  );
}
