// Small helpers to build DOM. Text only ever goes in as text: there is no innerHTML here.

const SVG = "http://www.w3.org/2000/svg";

/** An element: `h("button", { class: "x", onclick: f }, "text", child)`. */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** A 24 × 24 line icon that screen readers skip. */
export function icon(...paths) {
  const svg = document.createElementNS(SVG, "svg");
  for (const [name, value] of Object.entries({
    viewBox: "0 0 24 24", width: "24", height: "24", fill: "none", stroke: "currentColor",
    "stroke-width": "1.9", "stroke-linecap": "round", "stroke-linejoin": "round", "aria-hidden": "true",
  })) svg.setAttribute(name, value);
  for (const d of paths) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", d);
    svg.append(path);
  }
  return svg;
}

export const ICONS = {
  chat: ["M20 11.5a8 8 0 0 1-11.6 7.1L4 20l1.4-4.3A8 8 0 1 1 20 11.5Z", "M9 11.5h.01M12.5 11.5h.01M16 11.5h.01"],
  back: ["M14.5 6l-6 6 6 6"],
  close: ["M6 6l12 12M18 6L6 18"],
  down: ["M6 9.5l6 6 6-6"],
  hourglass: ["M7 3.5h10M7 20.5h10", "M8 3.5v3.2c0 2.2 4 3.4 4 5.3s-4 3.1-4 5.3v3.2", "M16 3.5v3.2c0 2.2-4 3.4-4 5.3s4 3.1 4 5.3v3.2"],
  microphone: ["M12 3.5a3 3 0 0 1 3 3v5a3 3 0 0 1-6 0v-5a3 3 0 0 1 3-3Z", "M5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v2.5"],
  on: ["M9.5 6l6 6-6 6"],
  send: ["M12 19V5M5.5 11.5L12 5l6.5 6.5"],
};

/** The address if it is a path of this site or http(s), else null. */
export function safeUrl(address) {
  if (typeof address !== "string" || !address) return null;
  try {
    const url = new URL(address, location.origin);
    return url.protocol === "http:" || url.protocol === "https:" ? url : null;
  } catch {
    return null;
  }
}

/** A link that opens safely: other sites in a new tab, knowing nothing of this page. */
export function link(address, props, ...children) {
  const url = safeUrl(address);
  if (!url) return h("span", props, ...children);
  const outside = url.origin !== location.origin;
  const safety = outside ? { target: "_blank", rel: "noopener noreferrer nofollow" } : {};
  return h("a", { ...props, href: url.href, ...safety }, ...children);
}

/** Make the children of `parent` exactly `wanted`, moving as few as possible. */
export function place(parent, wanted) {
  wanted.forEach((child, index) => {
    const there = parent.children[index];
    if (there !== child) parent.insertBefore(child, there || null);
  });
  while (parent.children.length > wanted.length) parent.lastElementChild.remove();
}
