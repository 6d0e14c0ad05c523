// What others' programs make of our exports, in headless Chromium:
//
//   cd benchmarks/readers && npm install --ignore-scripts
//   CHROMIUM=/usr/bin/chromium node open.mjs EXPORTS PICTURES spark:a.spz three:a.splat.glb:time=0.4 vrm:a.vrm:show=happy
//
// opens files of the folder EXPORTS, each with a reader (spark, three, babylon, playcanvas, vrm), prints what the reader
// says and writes what it draws to the folder PICTURES. `validate:FILE` runs Khronos' validator. Camera and timing of
// spark and three: see page.html and ../against.py.
import { createReadStream, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import puppeteer from 'puppeteer-core'

const here = dirname(fileURLToPath(import.meta.url)), [exports, pictures, ...jobs] = process.argv.slice(2)
const folders = { modules: join(here, 'node_modules'), files: exports }
const types = { html: 'text/html', js: 'text/javascript', mjs: 'text/javascript', wasm: 'application/wasm' }
const seconds = 120

const server = createServer((request, response) => {
  const [, first, ...rest] = decodeURIComponent(request.url.split('?')[0]).split('/')
  const path = first in folders ? join(folders[first], ...rest) : join(here, 'page.html')
  if (!existsSync(path) || statSync(path).isDirectory()) return response.writeHead(404).end()
  response.writeHead(200, { 'content-type': types[path.split('.').pop()] ?? 'application/octet-stream' })
  createReadStream(path).pipe(response)
}).listen(0, '127.0.0.1')
await new Promise(resolve => server.on('listening', resolve))

const launch = () => puppeteer.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--use-angle=swiftshader', '--enable-unsafe-swiftshader', '--ignore-gpu-blocklist']
})
mkdirSync(pictures, { recursive: true })

async function open(browser, reader, file, options) {
  const page = await browser.newPage()
  const query = new URLSearchParams([['reader', reader], ['file', file], ...options.map(option => option.split('='))])
  const size = Number(query.get('size') ?? 256)
  await page.setViewport({ width: size, height: size })
  await page.exposeFunction('spent', () => spent(browser.process().pid))
  await page.goto(`http://127.0.0.1:${server.address().port}/?${query}`)
  await page.waitForFunction('window.done || window.failed', { timeout: 1000 * seconds }).catch(() => {})
  const { failed, done, told } = await page.evaluate('({ failed: window.failed, done: window.done, told: window.told })')
  const name = [reader, file, ...options.filter(option => !/^(eye|at|fov)=/.test(option))].join('-')
  if (done) await page.screenshot({ path: join(pictures, `${name}.png`) })
  return done ? JSON.stringify(told) : `cannot: ${failed ?? `not after ${seconds} s`}`
}

// Processor time so far and memory now of a process and all that it started (Linux)
function spent(root) {
  const parents = new Map(), ticks = new Map()
  for (const pid of readdirSync('/proc').filter(name => /^\d+$/.test(name)).map(Number)) {
    try {
      const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').pop().split(' ')
      parents.set(pid, Number(fields[1]))
      ticks.set(pid, Number(fields[11]) + Number(fields[12]))
    } catch {} // it has just ended
  }
  const ours = pid => pid === root || (parents.has(pid) && ours(parents.get(pid)))
  const tree = [...ticks.keys()].filter(ours)
  const share = pid => Number(/^Pss: +(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'))?.[1] ?? 0)
  const sum = numbers => numbers.reduce((a, b) => a + b, 0)
  return { cpu_ms: 10 * sum(tree.map(pid => ticks.get(pid))), memory_mb: sum(tree.map(share)) / 1024 }
}

async function validate(file) {
  const validator = createRequire(import.meta.url)('gltf-validator')
  const { issues } = await validator.validateBytes(readFileSync(join(exports, file)), { maxIssues: 0 })
  const counts = {}
  for (const { severity, code } of issues.messages) {
    const name = `${['error', 'warning', 'info', 'hint'][severity]} ${code}`
    counts[name] = (counts[name] ?? 0) + 1
  }
  return JSON.stringify(counts)
}

for (const job of jobs) {
  const [reader, file, ...options] = job.split(':')
  const browser = reader === 'validate' ? null : await launch() // one each: what hangs takes nothing with it
  const said = browser ? open(browser, reader, file, options) : validate(file)
  console.log(job, await said.catch(error => `cannot: ${error.message}`))
  await browser?.close()
}
server.close()
