// Filters: what the address says of them, and the form that changes it.

import { byId, button, element } from "./dom.js";

const MANY = ["type", "genre", "any_genre", "exclude_genre"];
const PLAIN = ["year_from", "year_to", "min_score", "min_members", "max_members", "novelty", "diversity"];
// Those that are on unless the address says otherwise, and those that are off.
const SWITCHES = { collapse_franchise: true, include_plan_to_watch: false, include_new: false };
const FOR_RECOMMENDATIONS = ["include_plan_to_watch", "include_new"];
const NOT_FOR_TITLES = ["collapse_franchise", "novelty", "diversity", "order"];
export const NAMES = [...MANY, ...PLAIN, ...Object.keys(SWITCHES), "order"];

/** The parameters of an address that a kind of list takes: "titles", "similar", "recommendations" or "group". */
export function parametersFor(kind, query) {
  const taken = NAMES.filter((name) => kind === "recommendations" || !FOR_RECOMMENDATIONS.includes(name) || (kind === "group" && name !== "include_new"))
    .filter((name) => kind !== "titles" || !NOT_FOR_TITLES.includes(name));
  return [...query].filter(([name, value]) => taken.includes(name) && value !== "");
}

let changed = () => {};

/** Fill the form once with what the model has; `change` gets the new query. */
export function makeFilters(model, change) {
  changed = change;
  for (const name of MANY) {
    const values = name === "type" ? model.types : model.genres;
    const choice = byId(name);
    choice.append(element("option", { value: "" }, "add …"), ...values.map((value) => element("option", { value }, value)));
    choice.addEventListener("change", () => {
      if (!choice.value) return;
      const query = asked();
      if (!query.getAll(name).includes(choice.value)) query.append(name, choice.value);
      choice.value = "";
      change(query);
    });
  }
  for (const name of PLAIN) byId(name).addEventListener("change", () => change(withValue(name, plainValue(name))));
  for (const [name, usual] of Object.entries(SWITCHES)) {
    byId(name).addEventListener("change", (event) => {
      change(withValue(name, event.target.checked === usual ? "" : String(event.target.checked)));
    });
  }
  byId("clear-filters").addEventListener("click", () => change(new URLSearchParams()));
}

/** Show in the form what a query says, and only what a kind of list takes. */
export function showFilters(kind, query) {
  for (const name of MANY) {
    byId(`${name}-chosen`).replaceChildren(...query.getAll(name).map((value) => chip(name, value)));
  }
  for (const name of PLAIN) byId(name).value = query.get(name) ?? (byId(name).type === "range" ? 0 : "");
  for (const [name, usual] of Object.entries(SWITCHES)) byId(name).checked = (query.get(name) ?? String(usual)) === "true";
  const n = parametersFor(kind, query).filter(([name]) => name !== "order").length;
  byId("n-filters").textContent = n ? ` (${n})` : "";
  byId("clear-filters").hidden = !n;
  for (const part of document.querySelectorAll("#filters [data-for]")) part.hidden = !part.dataset.for.split(" ").includes(kind);
}

function chip(name, value) {
  const remove = () => {
    const query = asked();
    const others = query.getAll(name).filter((one) => one !== value);
    query.delete(name);
    others.forEach((one) => query.append(name, one));
    byId(name).focus();
    changed(query);
  };
  return element("li", {}, button(`${value} ✕`, remove, { className: "chip", ariaLabel: `Remove ${value}` }));
}

const asked = () => new URLSearchParams(location.search);

function plainValue(name) {
  const input = byId(name);
  return input.type === "range" && Number(input.value) === 0 ? "" : input.value;
}

function withValue(name, value) {
  const query = asked();
  if (value === "") query.delete(name);
  else query.set(name, value);
  return query;
}
