/** Events of GitHub in the shape its documentation gives, with only what is read here. */
export const AT = '2026-03-01T12:00:00Z';

const repository = { full_name: 'Acme/Mill', html_url: 'https://github.com/Acme/Mill', default_branch: 'main', private: true };

export const githubEvents = {
  workflow: (change: object) => ({
    action: 'completed',
    repository,
    workflow_run: {
      ...{ name: 'build', workflow_id: 7, head_branch: 'main', head_repository: { full_name: 'Acme/Mill' }, conclusion: 'failure' },
      ...{ html_url: 'https://github.com/acme/mill/actions/runs/7', updated_at: AT },
      ...change,
    },
  }),
  suite: (change: object) => ({
    action: 'completed',
    repository,
    check_suite: { head_branch: 'main', conclusion: 'failure', updated_at: AT, app: { slug: 'buildkite', name: 'Buildkite' }, ...change },
  }),
  deployment: (change: object) => ({
    action: 'created',
    repository,
    deployment_status: { state: 'failure', environment: 'production', target_url: '', updated_at: AT, ...change },
    deployment: { production_environment: true, ref: 'main' },
  }),
  dependabot: (action: string, updated_at = AT) => ({
    action,
    repository,
    alert: {
      ...{ number: 3, html_url: 'https://github.com/acme/mill/security/dependabot/3', updated_at },
      dependency: { package: { ecosystem: 'npm', name: 'left-pad' } },
      security_advisory: { severity: 'high', summary: 'Left-pad pads right' },
    },
  }),
  codeScanning: (action: string) => ({
    action,
    repository,
    alert: {
      ...{ number: 4, html_url: 'https://github.com/acme/mill/security/code-scanning/4', created_at: AT, updated_at: null },
      rule: { description: 'SQL injection', severity: 'error', security_severity_level: 'critical' },
    },
  }),
  secretScanning: (action: string) => ({
    action,
    repository,
    alert: {
      number: 5,
      html_url: 'https://github.com/acme/mill/security/secret-scanning/5',
      created_at: AT,
      secret_type: 'aws_key',
      secret: 'hunter2',
    },
  }),
};
