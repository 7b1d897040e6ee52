/** Models of a Prisma schema as tables. */
import type { Table } from './tables.ts';

export function prismaTables(source: string, text: string): Table[] {
  const models = new Set([...text.matchAll(/^model\s+(\w+)/gm)].map((match) => match[1]));
  return [...text.matchAll(/^model\s+(\w+)\s*\{([\s\S]*?)^\}/gm)].map((match) => {
    const lines = (match[2] ?? '').split('\n').map((line) => line.replace(/\/\/.*$/, '').trim());
    const columns = lines.flatMap((line) => {
      const [, name = '', type = '', rules = ''] = /^(\w+)\s+(\w+(?:\[\])?\??)\s*(.*)$/.exec(line) ?? [];
      // a field of another model is a relation, not a column
      return name === '' || models.has(type.replace(/[[\]?]/g, '')) ? [] : [{ name, type, rules: rules.trim() }];
    });
    const relations = lines.flatMap((line) => {
      const [, type = '', fields = '', references = ''] =
        /^\w+\s+(\w+)\??\s+@relation\([^)]*fields:\s*\[([^\]]*)\],\s*references:\s*\[([^\]]*)\]/.exec(line) ?? [];
      return type === '' ? [] : [`foreign key (${fields}) references ${type} (${references})`];
    });
    return { name: match[1] ?? '', columns, rules: [...relations, ...lines.filter((line) => line.startsWith('@@'))], source };
  });
}
