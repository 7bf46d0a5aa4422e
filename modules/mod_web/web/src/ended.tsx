import { useState } from 'react';
import type { Ending } from './call';
import { Brand } from './icons';
import { goTo } from './route';

const STATUS: Record<string, string> = {
  ended: 'The call has ended.',
  missed: 'Nobody joined in time.',
  declined: 'The call was declined.',
  cancelled: 'The call was cancelled.',
  failed: 'The call failed.',
};

export function Ended({ ending, onReturn }: { ending: Ending; onReturn: () => Promise<void> }) {
  const [problem, setProblem] = useState('');
  const over = ending.call && STATUS[ending.call.status];
  return (
    <main className="doorway">
      <div className="card">
        <Brand />
        <h1>{over || ending.text}</h1>
        {!over && ending.canReturn && (
          <button className="primary" onClick={() => onReturn().catch((e: Error) => setProblem(e.message))}>
            Join again
          </button>
        )}
        <button className={over || !ending.canReturn ? 'primary' : 'quiet'} onClick={() => goTo('/')}>
          Back to the start
        </button>
        <p className="problem" role="alert">
          {problem}
        </p>
      </div>
    </main>
  );
}
