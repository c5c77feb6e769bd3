/** Edits of a YAML document that keep its comments. */
import { type Document, isAlias, isMap, isNode, isPair, isScalar, isSeq, type Node, Pair, Scalar, YAMLMap } from "yaml"

/** Maximum number of nodes of a document after its aliases are written out. */
const NODES = 20_000

const shallow = <A extends object>(node: A): A =>
  Object.create(Object.getPrototypeOf(node), Object.getOwnPropertyDescriptors(node))

const isMerge = (pair: Pair): boolean => isScalar(pair.key) && typeof pair.key.value === "symbol"

/**
 * Writes out all aliases and merge keys, so that a change in one place changes no other. Returns whether that worked:
 * there may be too many.
 */
export const unshare = (document: Document.Parsed): boolean => {
  let count = 0
  const pairs = (map: YAMLMap): Array<Pair> => {
    const items = map.items.filter((pair) => !isMerge(pair)).map((pair) => new Pair(fresh(pair.key), fresh(pair.value)))
    for (const { value } of map.items.filter(isMerge)) {
      const source = fresh(value)
      for (const each of isSeq(source) ? source.items : [source]) {
        for (const pair of isMap(each) ? each.items : []) {
          if (!items.some(({ key }) => String(key) === String(pair.key))) items.push(pair)
        }
      }
    }
    return items
  }
  const fresh = (node: unknown): unknown => {
    if (++count > NODES) return null
    if (isAlias(node)) return fresh(node.resolve(document))
    if (!isNode(node)) return node
    const copy = shallow(node)
    if (isMap(node) && isMap(copy)) copy.items = pairs(node)
    if (isSeq(node) && isSeq(copy)) copy.items = node.items.map((item) => (isPair(item) ? item : fresh(item)))
    if (!isAlias(copy)) delete copy.anchor
    return copy
  }
  const contents = fresh(document.contents)
  if (count > NODES) return false
  if (isMap(contents)) document.contents = contents as typeof document.contents
  return true
}

/** The entry of a key. */
export const pairOf = (map: YAMLMap, key: string): Pair | undefined => map.items.find((pair) => keyOf(pair) === key)

/** The name of a key; empty for a key that is no text. */
export const keyOf = ({ key }: Pair): string => (isScalar(key) ? String(key.value) : "")

/** The value of an entry that holds one; undefined for a missing or blank one, and for a collection. */
export const valueOf = (pair: Pair | undefined): string | number | boolean | undefined => {
  const value = isScalar(pair?.value) ? pair.value.value : undefined
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? value : undefined
}

/** The keys in an entry's value; none if it is no map. */
export const mapOf = (pair: Pair | undefined): YAMLMap | undefined => (isMap(pair?.value) ? pair.value : undefined)

/** Puts a comment above a node, before one that is there. */
const above = (node: Node, comment: string) => {
  node.commentBefore = node.commentBefore == null ? comment : `${comment}\n${node.commentBefore}`
}

/** Removes a key. A comment above it stays, before the next key. */
export const remove = (map: YAMLMap, pair: Pair): void => {
  const index = map.items.indexOf(pair)
  if (index === -1) return
  map.items.splice(index, 1)
  const comment = isNode(pair.key) ? pair.key.commentBefore : undefined
  if (comment == null) return
  const next = map.items[index]?.key
  if (isNode(next)) above(next, comment)
  else map.comment = map.comment == null ? comment : `${comment}\n${map.comment}`
}

/** Gives a key another name, at its place. */
export const rename = (pair: Pair, name: string): void => {
  if (isScalar(pair.key)) pair.key.value = name
}

/** Sets the value of an entry; a comment behind it stays. */
export const setValue = (pair: Pair, value: string | number | boolean): void => {
  const scalar = new Scalar(value)
  if (isScalar(pair.value)) {
    if (pair.value.comment != null) scalar.comment = pair.value.comment
    if (pair.value.commentBefore != null) scalar.commentBefore = pair.value.commentBefore
    if (pair.value.range != null) scalar.range = pair.value.range
  }
  pair.value = scalar
}

/** Adds a key at the end. */
export const append = (map: YAMLMap, key: string, value: unknown): Pair => {
  const pair = new Pair<unknown, unknown>(new Scalar(key), isNode(value) ? value : new Scalar(value))
  map.items.push(pair)
  return pair
}

/** Sets a key, at its place or at the end. */
export const put = (map: YAMLMap, key: string, value: string | number | boolean): Pair => {
  const pair = pairOf(map, key)
  if (pair === undefined) return append(map, key, value)
  setValue(pair, value)
  return pair
}

/** The keys in a key's value; an empty map is put there if there is none. */
export const within = (map: YAMLMap, key: string): YAMLMap => {
  const pair = pairOf(map, key) ?? append(map, key, new YAMLMap())
  if (!isMap(pair.value)) pair.value = new YAMLMap()
  return isMap(pair.value) ? pair.value : new YAMLMap()
}

/** A number as text, as it was written, where a key wants text. */
export const asText = (pair: Pair): void => {
  if (!isScalar(pair.value) || typeof pair.value.value === "string" || pair.value.value === null) return
  const { source, value } = pair.value
  setValue(pair, source ?? String(value))
}

/** A choice, also in the words of YAML 1.1, which older versions read; undefined for anything else. */
export const flagOf = (pair: Pair | undefined): boolean | undefined => {
  const value = valueOf(pair)
  if (typeof value === "boolean") return value
  if (typeof value !== "string") return undefined
  return /^(y|yes|true|on)$/i.test(value) ? true : /^(n|no|false|off)$/i.test(value) ? false : undefined
}

/** A number, also in quotes; undefined for anything else. */
export const numberOf = (pair: Pair | undefined): number | undefined => {
  const value = valueOf(pair)
  if (typeof value === "number") return value
  return typeof value === "string" && /^\s*\d{1,15}(\.\d+)?\s*$/.test(value) ? Number(value) : undefined
}

/** Whether the value is a list with something in it, or such a list with commas. */
export const hasItems = (pair: Pair | undefined): boolean =>
  isSeq(pair?.value) ? pair.value.items.length > 0 : (valueOf(pair) ?? "") !== ""
