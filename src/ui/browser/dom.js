/** What the page should be, and how it becomes so: only what differs is touched, so that a selection and the focus stay where they are. */

/**
 * An element as it should be. Text in it is only ever text. An element with a `key` stays the same one wherever it moves to;
 * `grow` is its share of the room in its row.
 * @typedef {{ tag: string, attributes: Attributes, children: Array<Child> }} Element
 * @typedef {Element | string} Child
 * @typedef {{ key?: string | number, grow?: number, [name: string]: string | number | undefined }} Attributes
 */

/**
 * Describe an element. Empty text is left out.
 * @param {string} tag
 * @param {Attributes} attributes
 * @param {Array<Child>} children
 * @returns {Element}
 */
export const h = (tag, attributes, ...children) => ({
  tag,
  attributes,
  children: children.filter((child) => child !== "")
})

/** @type {WeakMap<Node, string | number | undefined>} */
const keys = new WeakMap()

/**
 * @param {Node} node
 * @param {Child} child
 */
const fits = (node, child) =>
  typeof child === "string"
    ? node instanceof Text
    : node instanceof HTMLElement && node.localName === child.tag && keys.get(node) === child.attributes.key

/** @param {Child} child */
const make = (child) => {
  if (typeof child === "string") return document.createTextNode(child)
  const element = document.createElement(child.tag)
  keys.set(element, child.attributes.key)
  return element
}

/**
 * @param {HTMLElement} element
 * @param {Attributes} attributes
 */
const dress = (element, { key, grow, ...attributes }) => {
  // what a `style` attribute says does not count here
  if (grow !== undefined) element.style.flexGrow = `${grow}`
  for (const { name } of [...element.attributes]) {
    // what the viewer has unfolded stays open
    if (!(name in attributes) && name !== "style" && name !== "open") element.removeAttribute(name)
  }
  for (const [name, value] of Object.entries(attributes)) {
    if (element.getAttribute(name) !== `${value}`) element.setAttribute(name, `${value}`)
  }
}

/**
 * Let an element have these children.
 * @param {HTMLElement} element
 * @param {Array<Child>} children
 */
export const patch = (element, children) => {
  let place = element.firstChild
  for (const child of children) {
    /** @type {ChildNode | null} */
    let node = place
    while (node !== null && !fits(node, child)) node = node.nextSibling
    if (node !== null && node === place) place = place.nextSibling
    else {
      node ??= make(child)
      element.insertBefore(node, place)
    }
    if (typeof child !== "string" && node instanceof HTMLElement) {
      dress(node, child.attributes)
      patch(node, child.children)
    } else if (typeof child === "string" && node.nodeValue !== child) node.nodeValue = child
  }
  while (place !== null) {
    const next = place.nextSibling
    place.remove()
    place = next
  }
}
