/** What is read out of repositories of several kinds: routes, tables, manifests, outlines; and what is none of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readManifests, readTargets } from '../../../src/work/inspection/manifests.ts';
import { readOpenApi } from '../../../src/work/inspection/openapi.ts';
import { readOutline, summaryOf } from '../../../src/work/inspection/outline.ts';
import type { Repository } from '../../../src/work/inspection/repository.ts';
import { readRoutes, routesIn, withoutComments } from '../../../src/work/inspection/routes.ts';
import { readTables } from '../../../src/work/inspection/tables.ts';
import { listAt, readToml, textAt } from '../../../src/work/inspection/toml.ts';
import { capabilitiesOf, generate } from '../../../src/work/documents/generate.ts';

function repositoryOf(files: Readonly<Record<string, string>>): Repository {
  return { files: Object.keys(files).toSorted(), cut: false, read: async (file) => files[file] ?? null };
}
const routesOf = (file: string, text: string) => routesIn(file, text).map(({ method, path, handler }) => [method, path, handler]);

test('routes are read in the forms of common frameworks [DOC-3]', () => {
  const fastapi = `from fastapi import APIRouter\nrouter = APIRouter(prefix="/items", tags=["x"])\n\n@router.get(\n    "/{id}", response_model=Item)\nasync def read_item(id: int):\n    """Get one.\n    More."""\n\n@router.post("/")\ndef add(): ...\n`;
  assert.deepEqual(routesIn('a.py', fastapi), [
    { method: 'GET', path: '/items/{id}', handler: 'read_item', about: 'Get one.', source: 'a.py', line: 4 },
    { method: 'POST', path: '/items/', handler: 'add', about: null, source: 'a.py', line: 10 },
  ]);
  assert.deepEqual(routesOf('b.py', `from flask import Flask\napp = Flask(__name__)\n@app.route("/x", methods=["GET", "POST"])\ndef x(): pass\n`), [
    ['GET', '/x', 'x'],
    ['POST', '/x', 'x'],
  ]);
  const go =
    'mux.HandleFunc("GET /v1/users", h.users)\nsr := router.PathPrefix("/v2").Subrouter()\nsr.HandleFunc("/me", h.me).Methods(http.MethodPut)\n// mux.HandleFunc("GET /old", h.old)\n';
  assert.deepEqual(routesOf('a.go', go), [
    ['GET', '/v1/users', 'h.users'],
    ['PUT', '/v2/me', 'h.me'],
  ]);
  assert.deepEqual(routesOf('b.go', 'import "github.com/go-chi/chi"\nr.Get("/chi", list)\n'), [['GET', '/chi', 'list']]);
  const express = `import express from 'express';\nconst app = express();\n/** app.get('/never', x) */\napp.get('/users/:id', auth(1), showUser);\nrouter.all("/any", (q, s) => s.end());\ncache.get('/not-a-route', x);\n`;
  assert.deepEqual(routesOf('a.ts', express), [
    ['GET', '/users/:id', 'showUser'],
    ['ANY', '/any', null],
  ]);
  const hono = `import { Hono } from 'hono';\nconst api = new Hono().basePath('/api');\napi.post('/books', create);\n`;
  assert.deepEqual(routesOf('b.ts', hono), [['POST', '/api/books', 'create']]);
  const nest = `@Controller('cats')\nexport class Cats {\n  @Get(':id')\n  findOne(@Param() p) {}\n}\n`;
  assert.deepEqual(routesOf('c.ts', nest), [['GET', '/cats/:id', 'findOne']]);
  assert.deepEqual(
    routesOf('a.rs', `let app = Router::new().route("/", get(root)).route("/u", post(users::create));\n#[get("/actix")]\nasync fn shown() {}\n`),
    [
      ['GET', '/', 'root'],
      ['POST', '/u', 'users::create'],
      ['GET', '/actix', 'shown'],
    ],
  );
  assert.deepEqual(routesOf('lib.ts', `app.get('/a', x);`), [], 'a file that uses no framework declares no route');
  assert.equal(withoutComments(`a('// no') /* yes */ b // too\nc`), `a('// no')           b       \nc`);
});

test('tests, examples and documentation declare nothing [DOC-3]', async () => {
  const text = `import express from 'express';\napp.get('/a', x);\n`;
  const found = await readRoutes(
    repositoryOf({ 'test/a.ts': text, 'src/a.test.ts': text, 'examples/a.js': text, 'docs/x.js': text, 'benchmarks/y.js': text, 'src/a.ts': text }),
  );
  assert.deepEqual(
    found.routes.map(({ source }) => source),
    ['src/a.ts'],
  );
});

test('tables are what the migrations leave: added, renamed, retyped, dropped, in their order [DOC-3]', async () => {
  const sql = {
    'db/migrations/2_change.sql':
      'ALTER TABLE users ADD COLUMN age int NOT NULL DEFAULT 0, DROP COLUMN old;\nALTER TABLE users ALTER COLUMN name TYPE varchar(80);\nALTER TABLE users RENAME COLUMN mail TO email;',
    'db/migrations/1_init.sql':
      '-- users\nCREATE TABLE IF NOT EXISTS public.users (\n  id bigint PRIMARY KEY, key text NOT NULL, name text, mail text UNIQUE, price numeric(10,2) CHECK (price > 0), old int,\n  UNIQUE (name, mail), CONSTRAINT c FOREIGN KEY (old) REFERENCES b (id));\nCREATE TABLE gone (id int);',
    'db/migrations/10_last.sql': 'DROP TABLE gone;\nCREATE FUNCTION f() RETURNS int AS $$ BEGIN; DROP TABLE users; END $$ LANGUAGE plpgsql;',
    'db/migrations/10_last.down.sql': 'DROP TABLE users;',
  };
  const { tables, sources } = await readTables(repositoryOf(sql));
  assert.deepEqual(
    tables.map(({ name }) => name),
    ['users'],
  );
  assert.deepEqual(
    tables[0]?.columns.map(({ name, type, rules }) => `${name}|${type}|${rules}`),
    [
      'id|bigint|PRIMARY KEY',
      'key|text|NOT NULL',
      'name|varchar(80)|',
      'email|text|UNIQUE',
      'price|numeric(10,2)|CHECK (price > 0)',
      'age|int|NOT NULL DEFAULT 0',
    ],
  );
  assert.deepEqual(tables[0]?.rules, ['UNIQUE (name, mail)'], 'a foreign key went with its column');
  assert.deepEqual(sources, ['db/migrations/1_init.sql', 'db/migrations/2_change.sql', 'db/migrations/10_last.sql']);
  const go = await readTables(
    repositoryOf({ 'internal/database/migrations.go': 'var m = []string{`CREATE TABLE a (id int)`, `ALTER TABLE a ADD b text`}' }),
  );
  assert.deepEqual(
    go.tables[0]?.columns.map(({ name }) => name),
    ['id', 'b'],
  );
  const prisma = await readTables(
    repositoryOf({
      'prisma/schema.prisma':
        'model User {\n  id Int @id\n  posts Post[]\n}\nmodel Post {\n  id Int @id\n  author User @relation(fields: [authorId], references: [id])\n  authorId Int\n}\n',
    }),
  );
  assert.deepEqual(
    prisma.tables.map(({ name, columns, rules }) => [name, columns.map((each) => each.name), rules]),
    [
      ['Post', ['id', 'authorId'], ['foreign key (authorId) references User (id)']],
      ['User', ['id'], []],
    ],
  );
});

test('Alembic is read in the order of its revisions, whatever the files are called [DOC-3]', async () => {
  const first = `revision = 'aaa'\ndown_revision = None\ndef upgrade():\n    op.create_table(\n        'item',\n        sa.Column('id', sa.Integer(), nullable=False),\n        sa.Column('title', sa.String(length=50), nullable=True),\n        sa.Column('owner', sa.Integer(), sa.ForeignKey('user.id'), nullable=False),\n        sa.PrimaryKeyConstraint('id')\n    )\n\ndef downgrade():\n    op.drop_table('item')\n`;
  const second = `revision: str = "bbb"\ndown_revision: Union[str, None] = "aaa"\ndef upgrade():\n    # op.drop_table('item')\n    op.add_column('item', sa.Column('new', sa.UUID(), nullable=True))\n    op.alter_column('item', 'title', type_=sa.Text(), nullable=False)\n    op.drop_column('item', 'owner')\n`;
  const { tables } = await readTables(repositoryOf({ 'app/alembic/versions/0_bbb.py': second, 'app/alembic/versions/9_aaa.py': first }));
  assert.deepEqual(
    tables[0]?.columns.map(({ name, type, rules }) => `${name}|${type}|${rules}`),
    ['id|integer|not null', 'title|text|not null', 'new|uuid|'],
  );
  assert.deepEqual(tables[0]?.rules, ['PRIMARY KEY (id)']);
});

test('manifests tell names, needs, parts and commands with what they run [DOC-3]', async () => {
  const repository = repositoryOf({
    'package.json': JSON.stringify({
      name: 'mill',
      description: 'Grinds.',
      engines: { node: '>=22' },
      scripts: { test: 'vitest', prebuild: 'x', build: 'tsc' },
      workspaces: ['packages/*'],
      bin: { mill: 'x.js' },
    }),
    'pnpm-lock.yaml': '',
    'go.mod': 'module example.com/mill\n\ngo 1.24\n',
    'tests/fixtures/package.json': '{"name":"not-me"}',
    Makefile: 'run: ## Starts it\n\tgo run .\nX := 1\n.PHONY: run\nlong:\n\tdocker build \\\n\t  -t x .\n',
    'broken/package.json': '{',
  });
  const manifests = await readManifests(repository);
  assert.deepEqual(
    manifests.map(({ source, name, needs }) => [source, name, needs]),
    [
      ['go.mod', 'example.com/mill', 'Go 1.24'],
      ['package.json', 'mill', 'Node >=22'],
    ],
  );
  assert.deepEqual(
    manifests[1]?.commands.map(({ command, does }) => [command, does]),
    [
      ['pnpm install', 'installs what it depends on'],
      ['pnpm run test', 'vitest'],
      ['pnpm run build', 'tsc'],
    ],
  );
  assert.deepEqual(manifests[1]?.parts, ['packages/*', 'command mill']);
  assert.deepEqual(
    (await readTargets(repository)).map(({ command, does }) => [command, does]),
    [
      ['make run', 'Starts it'],
      ['make long', 'docker build -t x .'],
    ],
  );
  const toml = readToml(
    'a = "x" # c\n[project]\nname = \'y\'\nlist = [\n  "one", # two\n  "three",\n]\nlong = """\nline\nnext"""\n[[bin]]\nname = "b"\n',
  );
  assert.deepEqual(
    [
      textAt(toml, '', 'a'),
      textAt(toml, 'project', 'name'),
      listAt(toml, 'project', 'list'),
      textAt(toml, 'project', 'long'),
      textAt(toml, 'bin[0]', 'name'),
    ],
    ['x', 'y', ['one', 'three'], 'line next', 'b'],
  );
});

test('a README gives its first words of prose, and CI what it checks [DOC-3]', async () => {
  assert.deepEqual(
    summaryOf('# **Mill** <img src=x>\n\n[![b](c)](d)\n\n> note\n\n- list\n\nA [mill](x) that *grinds* grain.\nSlowly.\n\n## Install\n\nRun it now.'),
    { title: 'Mill', summary: 'A mill that grinds grain. Slowly.' },
  );
  assert.deepEqual(
    summaryOf('Mill\n====\n\n## Install\n\nClick the button to install it.'),
    { title: 'Mill', summary: null },
    'a step of another section is no description',
  );
  assert.equal(summaryOf('# M\n\n## About\n\nIt grinds grain into flour.').summary, 'It grinds grain into flour.');
  const outline = await readOutline(
    repositoryOf({
      '.github/workflows/ci.yml':
        'name: CI\non: [push, pull_request]\njobs:\n  a:\n    steps:\n      - run: |\n          set -e\n          npm test\n          git push\n      - uses: x\n',
      '.github/workflows/release.yml': 'name: Release\non: push\njobs: {a: {steps: [{run: npm publish}]}}\n',
      '.github/workflows/bad.yml': ': [',
      '.env.example': 'A_KEY=secret-value\n# B=1\nexport C=2\n',
      'src/a.test.ts': '',
      'src/a.ts': '',
      'CONTRIBUTING.md': '# How\n## Tests\n```\n# not a heading\n```\n',
      '.editorconfig': '',
    }),
  );
  assert.deepEqual(
    outline.workflows.map(({ name, runs, checks }) => [name, runs, checks]),
    [
      ['CI', ['npm test'], true],
      ['Release', ['npm publish'], false],
    ],
  );
  assert.deepEqual(
    [outline.variables, outline.tests, outline.guides, outline.style],
    [
      [{ source: '.env.example', names: ['A_KEY', 'C'] }],
      [{ folder: 'src', files: 1 }],
      [{ source: 'CONTRIBUTING.md', headings: ['How', 'Tests'] }],
      ['.editorconfig'],
    ],
  );
});

test('an OpenAPI description stands above what code shows, and capabilities follow what is there [DOC-3, PRJ-4]', async () => {
  const openapi =
    'openapi: 3.1.0\ninfo: {title: Mill API, version: 2}\nservers: [{url: https://x.example}]\npaths:\n  /grain/{id}:\n    get:\n      summary: Shows | grain\n      parameters: [{name: id, in: path}]\n      responses: {"200": {}, "404": {}}\n';
  const files = { 'docs/openapi.yaml': openapi, 'src/a.ts': `import express from 'express';\napp.get('/hidden', x);` };
  const [description] = await readOpenApi(repositoryOf(files));
  assert.deepEqual(description?.operations, [
    { method: 'GET', path: '/grain/{id}', summary: 'Shows | grain', parameters: ['id (path)'], answers: ['200', '404'] },
  ]);
  const made = await generate('docs/API.md', repositoryOf(files), 'mill');
  assert.ok(
    'text' in made && made.text.includes('| GET | `/grain/{id}` | Shows \\| grain | id (path) | 200, 404 |') && !made.text.includes('hidden'),
  );
  assert.deepEqual(await capabilitiesOf(repositoryOf(files)), ['has_api']);
  assert.deepEqual(await capabilitiesOf(repositoryOf({ 'schema.sql': 'create table a (id int);', 'src/components/A.tsx': '' })), [
    'has_database',
    'has_ui',
  ]);
});

test('nothing is written from nothing: an empty repository gives a reason, never a template [DOC-3]', async () => {
  const empty = repositoryOf({ 'src/a.c': 'int main;' });
  for (const name of ['AGENTS.md', 'docs/API.md', 'docs/SCHEMA.md', 'docs/RUNBOOK.md']) {
    const made = await generate(name, empty, 'mill');
    assert.ok('reason' in made && made.reason.length > 20, name);
  }
  const files = {
    'package.json': '{"name":"mill","description":"Grinds --> grain.","scripts":{"test":"a`b|c"}}',
    'AGENTS.md': '# Rules\nBe kind.\n',
    'src/a.ts': '',
  };
  const [first, again] = [await generate('CLAUDE.md', repositoryOf(files), 'mill'), await generate('CLAUDE.md', repositoryOf(files), 'mill')];
  assert.ok('text' in first && first.text.startsWith('<!-- Generated by Windlass from package.json'));
  assert.deepEqual(first, again, 'the same repository gives the same text');
  assert.ok(first.text.includes('## What AGENTS.md says\n\n### Rules\nBe kind.') && first.text.includes('`` a`b\\|c ``'));
});
