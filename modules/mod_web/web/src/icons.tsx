// Drawn on a grid of 24; lines take the colour of the text.
import type { ReactNode } from 'react';

function Icon({ children, off }: { children: ReactNode; off?: boolean }) {
  return (
    <svg viewBox="0 0 24 24" width="22" height="22" fill="none" stroke="currentColor" strokeWidth="1.8"
      strokeLinecap="round" strokeLinejoin="round" aria-hidden="true">
      {children}
      {off && <path d="M4 4 20 20" />}
    </svg>
  );
}

export const MicIcon = ({ off }: { off?: boolean }) => (
  <Icon off={off}>
    <rect x="9" y="3" width="6" height="11" rx="3" />
    <path d="M5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v3" />
  </Icon>
);
export const CameraIcon = ({ off }: { off?: boolean }) => (
  <Icon off={off}>
    <rect x="3" y="6.5" width="12" height="11" rx="2.5" />
    <path d="m15 10.5 6-3.5v10l-6-3.5" />
  </Icon>
);
export const ScreenIcon = () => (
  <Icon>
    <rect x="3" y="4.5" width="18" height="12" rx="2" />
    <path d="M8.5 20h7M12 13.5v-5m-2.200 2L12 8.300l2.200 2.200" />
  </Icon>
);
export const LeaveIcon = () => (
  <Icon>
    <path
      fill="currentColor"
      d="M2.8 12.6c5.1-4.9 13.3-4.9 18.4 0 .6.6.6 1.4.1 2l-1.4 1.6c-.5.5-1.2.6-1.8.3l-2.7-1.3c-.6-.3-.9-.8-.9-1.4v-1.5a11 11 0 0 0-5 0v1.5c0 .6-.3 1.1-.9 1.4L5.9 16.5c-.6.3-1.3.2-1.8-.3l-1.4-1.600c-.5-.6-.5-1.4.1-2z"
    />
  </Icon>
);
export const LinkIcon = () => (
  <Icon>
    <path d="M10 14a4 4 0 0 0 5.700 0l3-3A4 4 0 0 0 13 5.300l-1 1M14 10a4 4 0 0 0-5.700 0l-3 3a4 4 0 0 0 5.700 5.700l1-1" />
  </Icon>
);

export const Brand = () => (
  <div className="brand">
    <img src="/stoa.svg" alt="" width="36" height="36" />
    <span>stoa</span>
  </div>
);
