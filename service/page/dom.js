// Elements, numbers and words.

export const byId = (id) => document.getElementById(id);
export const number = (value) => value.toLocaleString("en");
export const counted = (n, one, many = `${one}s`) => `${number(n)} ${n === 1 ? one : many}`;

/** Make an element. Text is always text: titles and synopses never become markup. */
export function element(tag, properties = {}, ...children) {
  const { dataset = {}, ...others } = properties;
  const made = Object.assign(document.createElement(tag), others);
  Object.assign(made.dataset, dataset);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** Make a button that does something. */
export function button(words, act, properties = {}) {
  const made = element("button", { type: "button", ...properties }, words);
  made.addEventListener("click", act);
  return made;
}

/** Put things between words: "a, b and c". */
export function listed(things) {
  return things.flatMap((thing, place) => {
    if (!place) return [thing];
    return [place === things.length - 1 ? " and " : ", ", thing];
  });
}

/** Say something under the heading; `more` are elements behind it. */
export function report(text, { failed = false, more = [] } = {}) {
  const status = byId("status");
  status.replaceChildren(text, ...more);
  status.classList.toggle("failed", failed);
}

/** Run something that asks, and say what went wrong where the visitor looks. */
export async function attempt(task) {
  try {
    return await task();
  } catch (error) {
    report(error.message, { failed: true });
    byId("status").scrollIntoView({ block: "nearest" });
    return undefined;
  }
}
