import { dismiss, useToasts } from '../state/toasts.ts';
import { Icon } from './icon.tsx';

export function Toasts() {
  const toasts = useToasts();
  return (
    <div className="toasts" role="status" aria-live="polite">
      {toasts.map((toast) => (
        <div key={toast.id} className={toast.bad ? 'toast bad' : 'toast'}>
          <div className="grow">
            {toast.text}
            {toast.next !== null && <div className="muted small">{toast.next}</div>}
          </div>
          <button type="button" className="button plain icon" aria-label="Dismiss" onClick={() => dismiss(toast.id)}>
            <Icon name="close" />
          </button>
        </div>
      ))}
    </div>
  );
}
