import { createRoot } from 'react-dom/client';
import '@livekit/components-styles';
import { App } from './app';
import './style.css';

createRoot(document.getElementById('app')!).render(<App />);
