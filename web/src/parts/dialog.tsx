/** A dialog: the browser's own, so that focus stays in it, Escape closes it, and what is behind is out of reach. */
import type { ReactNode } from 'react';
import { useEffect, useId, useRef, useState } from 'react';

type Props = { title: string; onClose: () => void; children: ReactNode; buttons?: ReactNode };

export function Dialog({ title, onClose, children, buttons }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    return () => (before instanceof HTMLElement ? before.focus() : undefined);
  }, []);
  return (
    <dialog ref={dialog} aria-labelledby={id} onClose={onClose} onCancel={onClose}>
      <div className="body">
        <h2 id={id}>{title}</h2>
        {children}
        {buttons !== undefined && <div className="buttons">{buttons}</div>}
      </div>
    </dialog>
  );
}

type ConfirmProps = {
  title: string;
  /** What will happen, and whether it can be undone. */
  children: ReactNode;
  action: string;
  danger?: boolean;
  /** Ask for words, as a reason. */
  ask?: { label: string; required?: boolean };
  onConfirm: (text: string) => Promise<boolean>;
  onClose: () => void;
};

/** Asks before something that cannot be undone; stays open when it failed. */
export function Confirm({ title, children, action, danger = false, ask, onConfirm, onClose }: ConfirmProps) {
  const [text, setText] = useState('');
  const [busy, setBusy] = useState(false);
  const id = useId();
  const confirm = async (): Promise<void> => {
    setBusy(true);
    if (await onConfirm(text.trim())) onClose();
    else setBusy(false);
  };
  return (
    <Dialog
      title={title}
      onClose={onClose}
      buttons={
        <>
          <button type="button" className="button" onClick={onClose}>
            Keep as it is
          </button>
          <button
            type="button"
            className={danger ? 'button main danger' : 'button main'}
            disabled={busy || (ask?.required === true && text.trim() === '')}
            onClick={() => void confirm()}
          >
            {action}
          </button>
        </>
      }
    >
      <div>{children}</div>
      {ask !== undefined && (
        <div className="field">
          <label htmlFor={id}>{ask.label}</label>
          <textarea id={id} className="area" rows={3} value={text} onChange={(event) => setText(event.target.value)} />
        </div>
      )}
    </Dialog>
  );
}
