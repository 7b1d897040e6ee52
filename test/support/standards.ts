/** Texts of standards for tests. */

/** A whole body: title and five sections, `pattern` standing in the second. */
export function standardBody(title: string, pattern: string): string {
  const sections = [
    ['Context', 'Where calls leave this machine.'],
    ['Pattern', pattern],
    ['Examples', 'The payment client does so.'],
    ['Anti-patterns', 'Trying again at once.'],
    ['When to revisit', 'When the provider changes.'],
  ];
  return `# ${title}\n\n${sections.map(([name, text]) => `## ${name}\n\n${text}\n`).join('\n')}`;
}
