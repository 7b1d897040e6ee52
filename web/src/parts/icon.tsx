/** The console's own icons: strokes on a grid of 16, in the colour of their text. */
const PATHS = {
  home: 'M2.5 7.5 8 2.8l5.5 4.7M4 6.6v6.6h8V6.6M6.6 13.2V9.6h2.8v3.6',
  runs: 'M3 3.5v9M3 8h4.5M7.5 4.6 12.6 8l-5.1 3.4z',
  agents: 'M4 6.2h8v6H4zM8 6.2V3.6M8 3.6h.01M6.4 9.1h.01M9.6 9.1h.01M2.4 8.4v2M13.6 8.4v2',
  context: 'M3 3.2h6.4L13 6.6v6.2H3zM9.2 3.2v3.6H13M5.4 9h5M5.4 11h3.4',
  reviews: 'M3 12.8V3.2h7.4v2.6M5.2 6h3M5.2 8.4h1.4M10.2 12.2a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zM12 11.5l1.6 1.7',
  spend: 'M2.8 13.2V9.4M6.3 13.2V5.6M9.8 13.2V8M13.2 13.2V3',
  trust: 'M8 2.4 13 4.2v3.6c0 3-2 4.9-5 5.8-3-.9-5-2.8-5-5.8V4.2zM5.8 8l1.6 1.6 2.9-3.2',
  settings: 'M2.6 4.6h6.6M12 4.6h1.4M2.6 11.4h1.6M7 11.4h6.4M10.6 3.2v2.8M5.6 10v2.8',
  search: 'M7 11.4a4.4 4.4 0 1 0 0-8.8 4.4 4.4 0 0 0 0 8.8zM10.4 10.4l3.2 3.2',
  sun: 'M8 10.8a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6zM8 1.8v1.4M8 12.8v1.4M1.8 8h1.4M12.8 8h1.4M3.6 3.6l1 1M11.4 11.4l1 1M12.4 3.6l-1 1M4.6 11.4l-1 1',
  moon: 'M13 9.6A5.4 5.4 0 0 1 6.4 3 5.4 5.4 0 1 0 13 9.6z',
  system: 'M2.4 3.4h11.2v7.4H2.4zM6 13.2h4M8 10.8v2.4',
  out: 'M9.4 8H3M5.2 5.6 2.8 8l2.4 2.4M7 3.4h6v9.2H7',
  close: 'M4 4l8 8M12 4l-8 8',
  more: 'M3.6 8h.01M8 8h.01M12.4 8h.01',
  play: 'M5 3.4 12.4 8 5 12.6z',
  pause: 'M5.4 3.6v8.8M10.6 3.6v8.8',
  stop: 'M4.2 4.2h7.6v7.6H4.2z',
  retry: 'M12.8 8a4.8 4.8 0 1 1-1.5-3.5M12.9 2.6v2.6h-2.6',
  fork: 'M4.4 3.2v9.6M4.4 9.6c4.4 0 6.4-1.6 6.4-4.4M8.8 6.4l2-2.2 2 2.2',
  check: 'M3.2 8.4 6.6 12l6.2-7.6',
  warn: 'M8 2.6 14 13H2zM8 6.6v3M8 11.4h.01',
  clock: 'M8 13.6A5.6 5.6 0 1 0 8 2.4a5.6 5.6 0 0 0 0 11.2zM8 5v3.2l2.2 1.4',
  plus: 'M8 3.2v9.6M3.2 8h9.6',
  edit: 'M3 13l.6-2.8 7-7 2.2 2.2-7 7zM9.4 4.4l2.2 2.2',
} as const;
export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 16, spin = false }: { name: IconName; size?: number; spin?: boolean }) {
  return (
    <svg
      className={spin ? 'spin' : undefined}
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.4"
      aria-hidden="true"
    >
      <path d={PATHS[name]} strokeLinecap="round" strokeLinejoin="round" />
    </svg>
  );
}
