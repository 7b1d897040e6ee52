/** A secret that is shown once: copied from here, and gone when the dialog is closed. */
import { useState } from 'react';
import { Dialog } from './dialog.tsx';

export function Secret({ title, secret, message, onClose }: { title: string; secret: string; message: string; onClose: () => void }) {
  const [copied, setCopied] = useState<'no' | 'yes' | 'failed'>('no');
  const copy = (): void => {
    navigator.clipboard.writeText(secret).then(
      () => setCopied('yes'),
      () => setCopied('failed'), // the browser keeps its clipboard from plain http: it can be marked and copied by hand
    );
  };
  return (
    <Dialog
      title={title}
      onClose={onClose}
      buttons={
        <>
          <button type="button" className="button main" onClick={copy}>
            {copied === 'yes' ? 'Copied' : 'Copy it'}
          </button>
          <button type="button" className="button" onClick={onClose}>
            I have it
          </button>
        </>
      }
    >
      <p>{message}</p>
      <pre className="code" tabIndex={0} aria-label="The secret">
        {secret}
      </pre>
      <p className="muted small" role="status">
        {copied === 'failed'
          ? 'The browser does not let it be copied: mark it and copy it by hand.'
          : 'It is shown this once; only its digest is kept.'}
      </p>
    </Dialog>
  );
}
