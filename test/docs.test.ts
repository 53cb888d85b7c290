/**
 * The docs agree with the code: their programs compile, their tables say what the code says, their links lead somewhere.
 *
 * Blocks of ```ts on one page are one program, top to bottom; one that begins with an import begins another.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import ts from 'typescript'
import { expect, test } from 'vitest'
import { ERROR_CODES } from '../src/base/errors.js'
import { namespaceIdOf } from '../src/client/namespace-id.js'
import * as rows from '../src/history/rows.js'
import { DEFAULT_NAMESPACE_ID } from '../src/protocol/ids.js'
import { DEFAULT_SETTINGS, settingsSchema } from '../src/protocol/settings.js'
import * as taskKeys from '../src/queue/task-keys.js'
import { ringHash, shardOf } from '../src/shard/ring.js'
import { TASK_KINDS } from '../src/shard/shard.js'
import * as levelKeys from '../src/storage/level-keys.js'
import { shardId } from '../src/storage/medium.js'

/** Whose marked parts stand on a page as they are. */
const GUIDE_PROGRAMS: readonly (readonly [page: string, example: string])[] = [
  ['docs/guide/cron.md', 'examples/cron/main.ts'],
  ['docs/guide/deploying.md', 'examples/deploy/versions.ts'],
  ['docs/guide/encrypting-payloads.md', 'examples/encryption/aes-codec.ts'],
  ['docs/guide/encrypting-payloads.md', 'examples/encryption/key-ring.ts'],
  ['docs/guide/queries.md', 'examples/approval/main.ts'],
  ['docs/guide/sagas.md', 'examples/saga/main.ts'],
  ['docs/guide/signals.md', 'examples/cart/main.ts'],
]
const DECISIONS = 'docs/decisions/'
const PAGES = ['README.md', 'CHANGELOG.md', ...listPages('docs')].map((path) => ({
  path,
  text: readFileSync(path, 'utf8'),
}))

test('every ts block of the docs compiles', () => {
  const programs = PAGES.filter(({ path }) => !path.startsWith(DECISIONS)).flatMap(({ path, text }) =>
    programsOf(path, text),
  )
  expect(programs.length).toBeGreaterThan(0)
  expect(typeErrors(programs)).toEqual([])
})

test('the program of the README is examples/hello', () => {
  const example = readFileSync('examples/hello/main.ts', 'utf8')
  const [, marked] = /^\/\/ docs: begin\n(.*)^\/\/ docs: end$/ms.exec(example)!
  // The example keeps what it writes apart, so that it can be run again.
  const program = marked!.replace(/^const folder = .*\n/m, '').replace('level(folder)', "level('./data')")
  expect(page('README.md')).toContain(program)
})

test.each(GUIDE_PROGRAMS)('the program of %s is %s', (path, example) => {
  const parts = [...readFileSync(example, 'utf8').matchAll(/^\/\/ docs: begin\n(.*?)^\/\/ docs: end$/gms)]
  expect(parts.length).toBeGreaterThan(0)
  for (const [, part] of parts) expect(page(path)).toContain(part)
  expect(page(path)).toContain(`\`${example}\``)
})

test('errors.md has every error code, and no other', () => {
  const told = tableAt('docs/errors.md', 'code').map(([code, retryable]) => [code, retryable])
  const known = Object.entries(ERROR_CODES).map(([code, { retryable }]) => [code, retryable ? 'yes' : 'no'])
  expect(told.sort()).toEqual(known.sort())
})

test('keys.md has every kind of row, and no other', () => {
  const told = tableAt('docs/keys.md', 'kind').map(([kind, byte]) => [kind, Number(byte)])
  expect(told).toEqual([...Object.entries(TASK_KINDS), ...Object.entries(rows.ROW_KINDS)])
})

test('the builders and readers of keys.md are where it says, and are inverses', () => {
  const files: Readonly<Record<string, object>> = {
    'src/queue/task-keys.ts': taskKeys,
    'src/history/rows.ts': rows,
  }
  const missing = tableAt('docs/keys.md', 'kind').flatMap(([kind, , , , builder, reader, file]) =>
    [builder!, reader!]
      .filter((name) => name !== '—' && !Object.hasOwn(files[file!] ?? {}, name))
      .map((name) => `${kind}: ${file} exports no ${name}`),
  )
  expect(missing).toEqual([])

  const [taskId, dueAtMs, run] = [2 ** 40 + 7, 1_700_000_000_123, '\x01\x8b'.repeat(8)]
  for (const key of [taskKeys.attemptKey(taskId), taskKeys.bufferedKey(taskId), taskKeys.deadLetterKey(taskId)])
    expect(taskKeys.keyTaskId(key)).toBe(taskId)
  expect(taskKeys.timerKeyDue(taskKeys.timerKey(dueAtMs, taskId))).toBe(dueAtMs)
  expect(taskKeys.retentionKeyDue(taskKeys.retentionKey(dueAtMs, taskId))).toBe(dueAtMs)
  const backlog = { namespaceId: DEFAULT_NAMESPACE_ID, kind: 'activity', taskQueue: 'größe', taskId } as const
  expect(
    taskKeys.readBacklogKey(taskKeys.backlogKey(backlog.namespaceId, backlog.kind, backlog.taskQueue, taskId)),
  ).toEqual(backlog)
  expect(rows.progressItem(rows.progressKey(run, 77))).toBe(77)
  const prefix = rows.historyPrefix(run)
  expect(rows.historyKeyAfter(rows.historyKey(prefix, 5))).toBe(rows.historyKey(prefix, 6))
})

test('keys.md has the regions of a level store', () => {
  const told = new Map(tableAt('docs/keys.md', 'region').map(([region, , , builder]) => [region, builder]))
  const { META_KEY, flushKey, headKey, inboxKey, rowPrefix } = levelKeys
  const built: readonly (readonly [name: string, key: string])[] = [
    ['META_KEY', META_KEY],
    ['flushKey', flushKey(1)],
    ['headKey', headKey(1)],
    ['inboxKey', inboxKey(1, 'id')],
    ['rowPrefix', rowPrefix(shardId('history', 1))],
    ['rowPrefix', rowPrefix(shardId('hosts', 1))],
  ]
  expect(told).toEqual(new Map(built.map(([name, key]) => [key[0], name])))
})

test('settings.md says what the schema says', () => {
  const known = Object.entries(settingsSchema.shape).map(([name, { description }]) => {
    const fallback = DEFAULT_SETTINGS[name as keyof typeof DEFAULT_SETTINGS] ?? 'none'
    return [name, String(fallback), description?.replaceAll('`', '')]
  })
  expect(tableAt('docs/settings.md', 'setting')).toEqual(known)
})

test('architecture.md has every folder of src, and no other', () => {
  const folders = readdirSync('src', { withFileTypes: true }).filter((entry) => entry.isDirectory())
  const told = tableAt('docs/architecture.md', 'folder').map(([folder]) => folder)
  expect(told.sort()).toEqual(folders.map(({ name }) => `${name}/`).sort())
})

test('every step of the tour names files, and they exist', () => {
  const steps = page('docs/tour.md')
    .split(/^(?=\d+\. )/m)
    .slice(1)
  expect(steps.length).toBeGreaterThan(10)
  const named = steps.map((step) => [...step.matchAll(/`(src\/[^`]+)`/g)].map((hit) => hit[1]!))
  expect(steps.filter((_, at) => named[at]!.length === 0)).toEqual([])
  expect(named.flat().filter((path) => !existsSync(path))).toEqual([])
})

test('the vectors of ring.md are what the ring gives', () => {
  const vectors = tableAt('docs/ring.md', 'namespace id')
  expect(vectors.length).toBeGreaterThanOrEqual(8)
  const computed = vectors.map(([namespaceId, workflowId]) => {
    const shards = [1, 512, 131_072].map((count) => shardOf(namespaceId!, workflowId!, count))
    return [namespaceId, workflowId, ...[ringHash(namespaceId!, workflowId!), ...shards].map(String)]
  })
  expect(vectors).toEqual(computed)
  expect(page('docs/ring.md')).toContain(`\`default\` has the id \`${namespaceIdOf('default')}\``)
  expect(page('docs/ring.md')).toContain(`\`acme\` is \`${namespaceIdOf('acme')}\``)
})

test('every link within the docs leads to a file', () => {
  const dead = PAGES.flatMap(({ path, text }) =>
    [...text.matchAll(/\]\((?![a-z]+:)([^)#\s]+)[^)]*\)/g)]
      .filter((hit) => !existsSync(join(dirname(path), hit[1]!)))
      .map((hit) => `${path}: ${hit[1]}`),
  )
  expect(dead).toEqual([])
})

test('every file of the repository that the docs name exists', () => {
  const named = PAGES.flatMap(({ path, text }) =>
    [...text.matchAll(/`((?:src|test|docs|bench|examples|scripts|\.ci)\/[^`\s*…<>]+)`/g)].map((hit) => [path, hit[1]!]),
  )
  expect(named.filter(([, file]) => !existsSync(file!))).toEqual([])
})

test('every npm script that the docs name exists', () => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Readonly<Record<string, string>> }
  const named = PAGES.flatMap(({ path, text }) =>
    [...text.matchAll(/\bnpm run ([a-z][a-z:-]*)/g)].map((hit) => `${path}: ${hit[1]}`),
  )
  expect(named.filter((name) => !Object.hasOwn(scripts, name.split(': ')[1]!))).toEqual([])
})

// ---- programs in pages

interface DocsProgram {
  /** As a file beside its page, so that it resolves what that folder does. */
  readonly path: string
  /** Its lines are where they are on the page. */
  readonly text: string
}

function programsOf(path: string, text: string): DocsProgram[] {
  const programs: string[][] = []
  let isInBlock = false
  let begins = false
  for (const [at, line] of text.split('\n').entries()) {
    if (!isInBlock) {
      if (line === '```ts') isInBlock = begins = true
      continue
    }
    if (line === '```') {
      isInBlock = false
      continue
    }
    if (programs.length === 0 || (begins && line.startsWith('import '))) programs.push([])
    begins = false
    programs.at(-1)![at] = line
  }
  return programs.map((lines, at) => ({
    path: resolve(`${path}.${at}.ts`),
    text: Array.from(lines, (line) => line ?? '').join('\n') + '\nexport {}\n',
  }))
}

function typeErrors(programs: readonly DocsProgram[]): string[] {
  const { config } = ts.readConfigFile('tsconfig.json', ts.sys.readFile) as { config: { compilerOptions: object } }
  const { options } = ts.convertCompilerOptionsFromJson(
    {
      ...config.compilerOptions,
      declaration: false,
      isolatedDeclarations: false,
      paths: {
        shardloom: ['./src/index.ts'],
        'shardloom/testing': ['./src/testing/index.ts'],
        'shardloom/opentelemetry': ['./src/opentelemetry/index.ts'],
      },
    },
    resolve('.'),
  )
  const host = ts.createCompilerHost(options)
  const texts = new Map(programs.map(({ path, text }) => [path, text]))
  const { readFile, fileExists, getSourceFile } = host
  host.readFile = (path) => texts.get(path) ?? readFile.call(host, path)
  host.fileExists = (path) => texts.has(path) || fileExists.call(host, path)
  host.getSourceFile = (path, languageVersion, ...rest) => {
    const text = texts.get(path)
    return text === undefined
      ? getSourceFile.call(host, path, languageVersion, ...rest)
      : ts.createSourceFile(path, text, languageVersion)
  }
  const program = ts.createProgram([...texts.keys()], options, host)
  return programs.flatMap(({ path }) =>
    ts.getPreEmitDiagnostics(program, program.getSourceFile(path)).map((problem) => {
      const line = problem.file?.getLineAndCharacterOfPosition(problem.start!).line ?? 0
      return `${relative('.', path).replace(/\.\d+\.ts$/, '')}:${line + 1} ${ts.flattenDiagnosticMessageText(problem.messageText, ' ')}`
    }),
  )
}

// ---- pages

function listPages(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.md') && !path.startsWith('site'))
    .map((path) => join(folder, path))
    .sort()
}

function page(path: string): string {
  const found = PAGES.find((one) => one.path === path)
  if (found === undefined) throw new Error(`there is no ${path}`)
  return found.text
}

/** The rows of the table whose first column is headed `heading`: their cells as plain text. */
function tableAt(path: string, heading: string): string[][] {
  const lines = page(path).split('\n')
  const start = lines.findIndex((line) => line.startsWith('|') && cellsOf(line)[0] === heading)
  if (start === -1) throw new Error(`${path} has no table of ${heading}`)
  const length = lines.slice(start).findIndex((line) => !line.startsWith('|'))
  return lines.slice(start + 2, length === -1 ? undefined : start + length).map(cellsOf)
}

function cellsOf(line: string): string[] {
  return line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim().replaceAll('`', ''))
}
