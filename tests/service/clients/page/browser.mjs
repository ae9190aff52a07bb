// The page in jsdom, its modules evaluated in that window as a browser evaluates them. What it asks goes to the real
// service, unless a test answers itself.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { afterEach } from "node:test";
import { SourceTextModule } from "node:vm";
import { JSDOM } from "jsdom";

const PAGE = new URL("../../../../service/page/", import.meta.url);
export const SERVICE = process.env.SERVICE_URL;

/** Load a module and all it imports into a window. */
async function load(dom, name) {
  const context = dom.getInternalVMContext();
  const modules = new Map();
  const make = async (identifier) => {
    const module = new SourceTextModule(await readFile(new URL(identifier), "utf8"), { context, identifier });
    modules.set(identifier, module);
    return module;
  };
  const module = await make(new URL(name, PAGE).href);
  await module.link(async (specifier, from) => {
    const identifier = new URL(specifier, from.identifier).href;
    return modules.get(identifier) ?? make(identifier);
  });
  await module.evaluate();
  return module.namespace;
}

function window(hash = "") {
  // The address is where the page lies behind a proxy, so that a path that begins at the root is noticed.
  const html = readFile(new URL("index.html", PAGE), "utf8");
  return html.then((text) => {
    const dom = new JSDOM(text, { url: `http://page.test/osusume/${hash}`, runScripts: "outside-only" });
    // What jsdom has not, and nothing here depends on; and what node has as browsers have it.
    dom.window.Element.prototype.scrollIntoView = () => {};
    Object.assign(dom.window, { Response, DecompressionStream });
    return dom;
  });
}

/** The functions of one module of the page. */
export async function moduleOf(name) {
  return load(await window(), name);
}

/**
 * Open the page.
 *
 * `answers` may answer a request itself, by `(path, request) => Response | undefined`, or throw as a broken network does;
 * `kept` is what the tab's storage holds.
 */
async function openPage({ hash = "", answers = () => undefined, kept = {} } = {}) {
  const dom = await window(hash);
  const asked = [];
  const page = { window: dom.window, document: dom.window.document, asked, answers };
  for (const [name, value] of Object.entries(kept)) dom.window.sessionStorage.setItem(name, value);
  dom.window.fetch = async (address, request = {}) => {
    const { pathname, search } = new URL(address, dom.window.location);
    assert.match(pathname, /^\/osusume\//);
    const path = pathname.replace("/osusume", "") + search;
    asked.push({ path, body: request.body && JSON.parse(request.body) });
    return (await page.answers(path, request)) ?? fetch(SERVICE + path, request);
  };
  page.byId = (id) => page.document.getElementById(id);
  page.texts = (selector) => [...page.document.querySelectorAll(selector)].map((element) => element.textContent);
  page.status = () => page.byId("status").textContent;
  page.failed = () => page.byId("status").classList.contains("failed");
  page.titles = () => page.texts("#cards h2 a");
  page.fire = (element, type, properties = {}) => {
    const event = new dom.window.Event(type, { bubbles: true, cancelable: true });
    element.dispatchEvent(Object.assign(event, properties));
    return event;
  };
  page.type = (id, text) => {
    page.byId(id).value = text;
    page.fire(page.byId(id), "input");
  };
  page.chooseFile = (file) => {
    Object.defineProperty(page.byId("list-file"), "files", { value: [file], configurable: true });
    page.fire(page.byId("list-file"), "change");
  };
  page.close = () => dom.window.close();
  await load(dom, "page.js");
  return page;
}

/** Wait until something holds. */
export async function until(holds, what = String(holds)) {
  const deadline = Date.now() + 30_000;
  while (!holds()) {
    if (Date.now() > deadline) assert.fail(`waited in vain: ${what}`);
    await new Promise((resolve) => { setTimeout(resolve, 5); });
  }
}

/** Ask the service itself. */
export async function ask(path) {
  const answer = await fetch(SERVICE + path);
  assert.equal(answer.status, 200);
  return answer.json();
}

export function problem(status, content) {
  return new Response(JSON.stringify({ status, ...content }), {
    status, headers: { "content-type": "application/problem+json" },
  });
}

const opened = [];
afterEach(() => { opened.splice(0).forEach((page) => page.close()); });

/** Open the page without waiting for an answer; it is closed after the test. */
export async function openAtOnce(options) {
  const page = await openPage(options);
  opened.push(page);
  return page;
}

/** Open the page and wait for its first answer. */
export async function open(options) {
  const page = await openAtOnce(options);
  await until(() => page.status() && page.texts("#model")[0], "the page says something");
  return page;
}
