// Reads {"schema": {table: {column: type}}, "queries": {name: text}} and prints, by name, what Kusto's own language
// service finds wrong with each query, and the columns of its result.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { runInThisContext } from 'node:vm'

// The library is two scripts that share their globals.
for (const file of ['bridge.min.js', 'Kusto.Language.Bridge.min.js']) {
  const path = createRequire(import.meta.url).resolve(`@kusto/language-service-next/${file}`)
  runInThisContext(readFileSync(path, 'utf8'), path)
}
const { GlobalState, KustoCode, Symbols } = globalThis.Kusto.Language
const items = (list) => Array.from({ length: list.Count }, (_, index) => list.getItem(index))

const { schema, queries } = JSON.parse(readFileSync(0, 'utf8'))
const tables = Object.entries(schema).map(([name, columns]) => {
  const shape = Object.entries(columns).map(([column, type]) => `${column}: ${type}`)
  return new Symbols.TableSymbol.$ctor7(name, `(${shape.join(', ')})`, null)
})
const globals = GlobalState.Default.WithDatabase(new Symbols.DatabaseSymbol.$ctor3('insights', null, tables, false))

const found = Object.entries(queries).map(([name, text]) => {
  const code = KustoCode.ParseAndAnalyze(text, globals)
  const problems = items(code.GetDiagnostics()).map((one) => one.Message)
  return [name, { problems, columns: problems.length ? [] : items(code.ResultType.Columns).map((one) => one.Name) }]
})
console.log(JSON.stringify(Object.fromEntries(found)))
