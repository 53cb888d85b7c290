/**
 * Properties of the code itself: who may import whom, where the outside world may be touched, what a file looks like.
 *
 * A failure names the file and what to do. To change a rule, change it here, in the same commit.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { basename, dirname, join, relative } from 'node:path'
import ts from 'typescript'
import { expect, test } from 'vitest'

/** Published on their own, beside src/index.ts: `shardloom/testing` and so on. */
const ENTRY_FOLDERS = ['testing', 'opentelemetry', 'postgres', 'bucket', 'jetstream', 'temporal', 'dashboard']

/** The floors, ground first. A folder imports from itself and from lower lines, never from its own line. */
const FLOORS = [
  ['base'],
  ['protocol'],
  ['storage', 'machine', 'workflow'],
  ['shard', 'check'],
  ['queue', 'journal'],
  ['history', 'matching', 'visibility', 'stream'],
  ['worker', 'client'],
  ['loom.ts'],
  ['index.ts', 'cli.ts', ...ENTRY_FOLDERS],
]

const ENTRY_FILES = ['src/index.ts', ...ENTRY_FOLDERS.map((folder) => `src/${folder}/index.ts`)]

/** What a simulation must control, and the only files that may touch it. */
const OUTSIDE_WORLD: readonly { touch: RegExp; allowed: readonly string[] }[] = [
  { touch: /\b(Date\.now|performance\.now|process\.hrtime|AbortSignal\.timeout)\b/, allowed: ['src/base/clock.ts'] },
  { touch: /\bnew Date\b(?!\(\s*[^\s)])|(?<!\bnew )\bDate\(/, allowed: ['src/base/clock.ts'] },
  { touch: /\b(setTimeout|setInterval|queueMicrotask)\b/, allowed: ['src/base/clock.ts'] },
  // The slot train runs workflow code to quiescence, which takes real turns of the event loop.
  { touch: /\bsetImmediate\b|\bfrom ['"](node:)?timers\b/, allowed: ['src/base/clock.ts', 'src/workflow/train.ts'] },
  { touch: /\b(Math\.random|random(UUID|Bytes|Int|Fill\w*)|getRandomValues)\b/, allowed: ['src/base/random.ts'] },
]

/** The one checks what comes from outside, wherever it comes in; the other is what src/opentelemetry is about. */
const IMPORTED_ANYWHERE = ['zod', '@opentelemetry/api']

/** Who may pass by the data converter: itself, and markers, which are ours and no user's. */
const KNOWS_PLAIN_PAYLOADS = ['src/workflow/data-converter.ts', 'src/workflow/patches.ts']

const MAX_LINES = 400
const SAYS_NOTHING = /^(utils?|types?|helpers?|common|misc)$/
const EMPTY_SUFFIX = /\b(?:class|interface|type|enum)\s+(\w*(?:Manager|Impl|Helper)s?)\b/g

const files = listFiles('src').map(readSource)
const byPath = new Map(files.map((file) => [file.path, file]))

test('every floor imports downward', () => {
  const upward = files.flatMap((file) =>
    file.imports.filter((target) => !mayImport(file.path, target)).map((target) => `${file.path} imports ${target}`),
  )
  expect(upward).toEqual([])
})

test('no file reaches itself through its imports, types included', () => {
  expect(pathsOf(({ path }) => reaches(path, path))).toEqual([])
})

test('the clock and chance come in only through base', () => {
  const leaks = files.flatMap(({ path, code }) =>
    OUTSIDE_WORLD.filter(({ touch, allowed }) => touch.test(code) && !allowed.includes(path)).map(
      ({ touch, allowed }) => `${path} touches ${touch.exec(code)![0]}: only ${allowed.join(', ')} may`,
    ),
  )
  expect(leaks).toEqual([])
})

test('values of users go through the data converter', () => {
  const passing = files.filter(({ imports }) => imports.includes('src/workflow/converter.ts'))
  expect(passing.map(({ path }) => path)).toEqual(KNOWS_PLAIN_PAYLOADS)
})

test('every file opens by saying what it is', () => {
  expect(pathsOf(({ text }) => !text.startsWith('/**'))).toEqual([])
})

test('each third-party package is imported by one file', () => {
  const importers = new Map<string, string[]>()
  for (const { path, packages } of files) {
    for (const name of packages) importers.set(name, [...(importers.get(name) ?? []), path])
  }
  const shared = [...importers].filter(([name, paths]) => paths.length > 1 && !IMPORTED_ANYWHERE.includes(name))
  expect(shared).toEqual([])
})

test('no file, folder or class has a name that says nothing', () => {
  const paths = files.flatMap(({ path }) =>
    path
      .split('/')
      .filter((part) => SAYS_NOTHING.test(basename(part, '.ts')))
      .map((part) => `${path}: ${part}`),
  )
  const names = files.flatMap(({ path, text }) => [...text.matchAll(EMPTY_SUFFIX)].map((hit) => `${path}: ${hit[1]}`))
  expect([...paths, ...names]).toEqual([])
})

test(`no file is longer than ${MAX_LINES} lines`, () => {
  expect(pathsOf(({ text }) => text.trimEnd().split('\n').length > MAX_LINES)).toEqual([])
})

test('nothing is a default export', () => {
  expect(pathsOf(({ code }) => /^\s*export (default\b|\{[^}]*\bas default\b)/m.test(code))).toEqual([])
})

test('there are no barrels: index.ts and `export *` only at the entry points', () => {
  const inside = files.filter(({ path }) => !ENTRY_FILES.includes(path))
  const barrels = inside.filter(({ path, text }) => basename(path) === 'index.ts' || /^export (type )?\*/m.test(text))
  expect(barrels.map(({ path }) => path)).toEqual([])
})

interface Source {
  readonly path: string
  readonly text: string
  /** `text` without comments, types and the words of messages. */
  readonly code: string
  /** Files of src, by path. */
  readonly imports: readonly string[]
  /** Third-party packages, by name, each once. */
  readonly packages: readonly string[]
}

function readSource(path: string): Source {
  const text = readFileSync(path, 'utf8')
  const { outputText } = ts.transpileModule(text, {
    compilerOptions: { target: ts.ScriptTarget.ESNext, module: ts.ModuleKind.ESNext, removeComments: true },
  })
  const named = ts.preProcessFile(text).importedFiles.map(({ fileName }) => fileName)
  const local = named.filter((name) => name.startsWith('.'))
  const foreign = named.filter((name) => !name.startsWith('.') && !isBuiltin(name))
  return {
    path,
    text,
    code: withoutMessages(outputText),
    imports: local.map((name) => join(dirname(path), name.replace(/\.js$/, '.ts'))),
    packages: [...new Set(foreign.map((name) => /^(@[^/]+\/)?[^/]+/.exec(name)![0]))],
  }
}

function withoutMessages(code: string): string {
  const messages: ts.Node[] = []
  const collect = (node: ts.Node): void => {
    const isText = ts.isStringLiteral(node) || ts.isTemplateLiteralToken(node)
    // What is imported stays, and so does globalThis['setTimeout'].
    const isName = ts.isImportDeclaration(node.parent) || ts.isElementAccessExpression(node.parent)
    if (isText && !isName) messages.push(node)
    node.forEachChild(collect)
  }
  ts.createSourceFile('', code, ts.ScriptTarget.ESNext, true).forEachChild(collect)
  return messages.reduceRight((rest, node) => rest.slice(0, node.getStart()) + "''" + rest.slice(node.end), code)
}

function pathsOf(isBad: (file: Source) => boolean): string[] {
  return files.filter(isBad).map(({ path }) => path)
}

function mayImport(path: string, target: string): boolean {
  return floorName(path) === floorName(target) || floorNumber(path) > floorNumber(target)
}

function floorName(path: string): string {
  return path.split('/')[1]!
}

function floorNumber(path: string): number {
  const number = path.startsWith('src/') ? FLOORS.findIndex((floor) => floor.includes(floorName(path))) : -1
  if (number === -1) throw new Error(`${path}: give its folder a floor in test/tidy.test.ts`)
  return number
}

function reaches(from: string, goal: string, seen = new Set<string>()): boolean {
  return (byPath.get(from)?.imports ?? []).some((next) => {
    if (next === goal) return true
    if (seen.has(next)) return false
    seen.add(next)
    return reaches(next, goal, seen)
  })
}

function listFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative('.', join(entry.parentPath, entry.name)))
    .sort()
}
