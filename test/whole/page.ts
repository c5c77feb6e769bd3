/** Measurements within a page of a browser. Each function runs there, and so must contain everything that it uses. */

/** As much of a browser's world as is needed here. */
interface Element {
  readonly ownerDocument: { readonly defaultView: Window }
  readonly parentElement: Element | null
  readonly textContent: string | null
  readonly childNodes: Iterable<{ readonly nodeType: number; readonly nodeValue: string | null }>
  readonly querySelectorAll: (selector: string) => Iterable<Element>
}
interface Window {
  shift: number
  readonly getComputedStyle: (element: Element) => { readonly color: string; readonly backgroundColor: string }
  readonly PerformanceObserver: new (
    told: (list: { readonly getEntries: () => Iterable<{ readonly value: number }> }) => void
  ) => { readonly observe: (what: { readonly type: string }) => void }
}

/** Starts to measure how much of the page moves by itself; below 0.1 counts as good (web.dev/articles/cls). */
export const watchShift = ({ ownerDocument }: Element): void => {
  const page = ownerDocument.defaultView
  page.shift = 0
  new page.PerformanceObserver((list) => {
    for (const { value } of list.getEntries()) page.shift += value
  }).observe({ type: "layout-shift" })
}

/** How much it has moved so far. */
export const shift = ({ ownerDocument }: Element): number => ownerDocument.defaultView.shift

/** Texts with too little contrast to their background (WCAG 2.2, 1.4.3). */
export const faint = (body: Element): ReadonlyArray<{ readonly text: string | null; readonly contrast: number }> => {
  const page = body.ownerDocument.defaultView
  const channels = (colour: string) => (colour.match(/[\d.]+/g) ?? []).map(Number)
  const luminance = (colour: string) => {
    const [r = 0, g = 0, b = 0] = channels(colour)
      .slice(0, 3)
      .map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4))
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const behind = (element: Element | null): string => {
    if (element === null) return "rgb(255, 255, 255)"
    const { backgroundColor } = page.getComputedStyle(element)
    return channels(backgroundColor)[3] === 0 ? behind(element.parentElement) : backgroundColor
  }
  return [...body.querySelectorAll("*")]
    .filter(({ childNodes }) =>
      [...childNodes].some(({ nodeType, nodeValue }) => nodeType === 3 && (nodeValue ?? "").trim() !== "")
    )
    .map((element) => {
      const seen = [page.getComputedStyle(element).color, behind(element)].map(luminance)
      const contrast = (Math.max(...seen) + 0.05) / (Math.min(...seen) + 0.05)
      return { text: element.textContent, contrast }
    })
    .filter(({ contrast }) => contrast < 4.5)
}
