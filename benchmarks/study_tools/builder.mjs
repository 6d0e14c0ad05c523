// lab.js' builder opens a .study.json and makes of it what its runtime plays; bundled with a checkout of lab.js (tools.py)
import { readFileSync, writeFileSync } from 'node:fs'
import { fromJSON } from 'labjs-checkout/packages/builder/src/logic/io/load.js'
import { makeStudyTree } from 'labjs-checkout/packages/builder/src/logic/io/assemble/script.js'

console.log = () => {} // of the builder, which tells what it brings up to date
const [study, stable, next] = process.argv.slice(2), text = readFileSync(study, 'utf-8')
// Version 20.2.4 made a loop's template of its only child; the checkout's makes a list of them
const single = 'tree.content.forEach(part => { if (part.template) part.template = part.template[0] })'
writeFileSync(stable, `window.tree = ${makeStudyTree(JSON.parse(text))}\n${single}`)
writeFileSync(next, `window.tree = ${makeStudyTree(fromJSON(text))}`) // brought up to date
