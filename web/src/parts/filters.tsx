/** Filters that live in the address: a word to look for, one of a few, a project. */
import { api } from '../state/api.ts';
import { useCall } from '../state/query.ts';
import { useParams } from '../state/router.ts';
import { useMay } from '../state/session.tsx';

export function SearchFilter({ label, name = 'q' }: { label: string; name?: string }) {
  const [params, setParams] = useParams();
  return (
    <input
      className="input"
      type="search"
      aria-label={label}
      placeholder={label}
      defaultValue={params.get(name) ?? ''}
      onChange={(event) => setParams({ [name]: event.target.value.trim() })}
    />
  );
}

type ChoiceProps = { label: string; name: string; any?: string; choices: readonly string[] };

export function ChoiceFilter({ label, name, any, choices }: ChoiceProps) {
  const [params, setParams] = useParams();
  return (
    <select className="select" aria-label={label} value={params.get(name) ?? ''} onChange={(event) => setParams({ [name]: event.target.value })}>
      {any !== undefined && <option value="">{any}</option>}
      {choices.map((choice) => (
        <option key={choice} value={choice}>
          {choice.replaceAll('_', ' ')}
        </option>
      ))}
    </select>
  );
}

/** Codes of all projects that there are. */
export function useProjects(): readonly string[] {
  const projects = useCall(api.projects.list, useMay('projects.read') ? { limit: 200 } : null, { live: ['project'] });
  return projects.data?.items.map(({ code }) => code) ?? [];
}

/** Not there where there is no choice. */
export function ProjectFilter() {
  const codes = useProjects();
  if (codes.length < 2) return null;
  return <ChoiceFilter label="Project" name="project" any="Every project" choices={codes} />;
}

/** `{ project }` as lists take it, from the address. */
export function useProjectFilter(): { project?: string } {
  const [params] = useParams();
  const project = params.get('project') ?? '';
  return project === '' ? {} : { project };
}
