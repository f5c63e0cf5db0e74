// What pages do beyond links and forms: live parts, keys, forms that cannot be sent twice. Every page works without.
//
// Live parts: the server sends small signals (SSE); an element with data-live="NAME" then fetches data-from, its own
// fragment, so that filters, rights and language are applied in one place, on the server. Rows keep their ids, and
// what has the focus keeps it. Nothing moves while the page is paused; new rows are counted instead.
"use strict";

const policy = window.trustedTypes ? window.trustedTypes.createPolicy("yuanlu", { createHTML: (text) => text }) : null;
const REFRESH_MS = 400, SILENT_MS = 6000, MOVING_MS = 2000;
let paused = false, source = null, lastBeat = Date.now(), waiting = 0;

function parsed(text) {
  const html = policy ? policy.createHTML(text) : text;
  return new DOMParser().parseFromString(html, "text/html");
}

const blank = (node) => node.nodeType === Node.TEXT_NODE && !node.nodeValue.trim();

// Bring `now` to what `next` is, element by element; what is equal is not touched nor moved, so focus and scroll stay:
// what is gone goes first, and a blank between elements, which the parser leaves out at the beginning, is no place.
function morph(now, next) {
  const kept = new Set([...next.children].map((e) => e.id));
  for (const gone of [...now.children].filter((e) => e.id && !kept.has(e.id))) gone.remove();
  const keyed = new Map([...now.children].filter((e) => e.id).map((e) => [e.id, e]));
  let place = now.firstChild;
  for (const wanted of [...next.childNodes]) {
    while (place && blank(place) && wanted.nodeType === Node.ELEMENT_NODE) place = place.nextSibling;
    const same = wanted.id ? keyed.get(wanted.id) : null;
    let here = same || (place && !place.id && place.nodeName === wanted.nodeName ? place : null);
    if (!here) {
      here = document.importNode(wanted, true);
      now.insertBefore(here, place);
      if (here.nodeName === "TR") here.classList.add("fresh");
      continue;
    }
    if (here !== place) now.insertBefore(here, place);
    place = here.nextSibling;
    if (here.isEqualNode(wanted)) continue;
    if (here.nodeType !== Node.ELEMENT_NODE) { here.nodeValue = wanted.nodeValue; continue; }
    for (const name of here.getAttributeNames()) if (!wanted.hasAttribute(name) && name !== "open") here.removeAttribute(name); // what a reader opened stays open
    for (const name of wanted.getAttributeNames()) if (here.getAttribute(name) !== wanted.getAttribute(name)) here.setAttribute(name, wanted.getAttribute(name));
    if (here !== document.activeElement || !/^(INPUT|SELECT|TEXTAREA)$/.test(here.nodeName)) morph(here, wanted);
  }
  while (place) { const gone = place; place = place.nextSibling; gone.remove(); }
}

async function refresh(part) {
  if (part.busy) { part.again = true; return; }
  part.busy = true;
  try {
    const answer = await fetch(part.dataset.from, { headers: { "x-fragment": "1" }, credentials: "same-origin" });
    if (answer.status === 401) { location.reload(); return; }
    if (answer.ok) morph(part, parsed(await answer.text()).body); // a failed fragment never replaces good content
    document.activeElement?.closest("table[data-rows] tbody tr")?.classList.add("chosen");
  } catch { status("lost"); }
  setTimeout(() => { part.busy = false; if (part.again) { part.again = false; refresh(part); } }, REFRESH_MS);
}

function status(kind) {
  const chip = document.getElementById("live");
  if (!chip || chip.dataset.kind === kind) return;
  chip.dataset.kind = kind;
  chip.className = "live " + kind;
  chip.textContent = chip.dataset[kind] || "";
}

function listen() {
  const address = document.body.dataset.events;
  const parts = [...document.querySelectorAll("[data-live]")];
  if (!address || !parts.length || !window.EventSource) return;
  source = new EventSource(address);
  const heard = () => { lastBeat = Date.now(); status(paused ? "paused" : "on"); };
  source.addEventListener("beat", heard);
  source.addEventListener("open", () => { if (!paused) parts.forEach(refresh); }); // what happened before anyone listened
  for (const name of new Set(parts.flatMap((p) => p.dataset.live.split(" ")))) {
    source.addEventListener(name, () => {
      heard();
      const mine = parts.filter((p) => p.dataset.live.split(" ").includes(name));
      if (!paused) { mine.forEach(refresh); return; }
      waiting += 1;
      const chip = document.getElementById("waiting");
      if (chip) { chip.hidden = false; chip.textContent = chip.dataset.text.replace("{n}", waiting); }
    });
  }
  setInterval(() => { if (Date.now() - lastBeat > SILENT_MS) status("lost"); }, 1000);
  setInterval(() => { if (!paused) parts.filter((p) => p.querySelector("[data-moving]")).forEach(refresh); }, MOVING_MS); // someone stands and waits
}

function pause(on) {
  paused = on;
  const button = document.getElementById("pause");
  if (button) button.setAttribute("aria-pressed", String(on));
  status(on ? "paused" : "on");
  if (!on) { waiting = 0; const chip = document.getElementById("waiting"); if (chip) chip.hidden = true; document.querySelectorAll("[data-live]").forEach(refresh); }
}

function rows() { return [...document.querySelectorAll("table[data-rows] tbody tr")].filter((r) => r.querySelector("a")); }
function step(by) {
  const all = rows();
  if (!all.length) return;
  const at = all.findIndex((r) => r.contains(document.activeElement)); // the focus survives when the page looks again
  const next = all[Math.max(0, Math.min(all.length - 1, at < 0 ? 0 : at + by))];
  next.querySelector("a").focus();
}

// Whoever speaks to the machine or types by accident can switch the keys off (WCAG 2.1.4); each browser remembers it.
const KEYS = "yuanlu-keys";
function keysOff() { try { return localStorage.getItem(KEYS) === "off"; } catch { return false; } }
function switchKeys(button) {
  try { keysOff() ? localStorage.removeItem(KEYS) : localStorage.setItem(KEYS, "off"); } catch { return; }
  button.textContent = keysOff() ? button.dataset.on : button.dataset.off;
}
function help() {
  const list = document.getElementById("keys");
  if (list) { list.open = true; list.querySelector("summary").focus(); }
}

let leader = 0; // when g was pressed
function key(event) {
  const field = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.nodeName) || event.target.isContentEditable;
  if (event.isComposing || event.altKey || event.metaKey || keysOff()) return;
  if ((event.ctrlKey && event.key === "k") || (!field && !event.ctrlKey && event.key === "/")) {
    const box = document.querySelector("[data-search]");
    if (box) { event.preventDefault(); box.focus(); box.select?.(); }
    return;
  }
  if (field || event.ctrlKey) return;
  if (Date.now() - leader < 1500) {
    const place = document.querySelector(`.places [data-key="${CSS.escape(event.key)}"]`);
    leader = 0;
    if (place) { place.click(); return; }
  }
  const link = document.querySelector(`a[data-press="${CSS.escape(event.key)}"], button[data-press="${CSS.escape(event.key)}"]`);
  if (event.key === "g") leader = Date.now();
  else if (event.key === "j") step(1);
  else if (event.key === "k") step(-1);
  else if (event.key === "p" && document.getElementById("pause")) pause(!paused);
  else if (event.key === "?") help();
  else if (link) { event.preventDefault(); link.nodeName === "A" ? follow(link) : link.focus(); } // no key moves money
}

// A link to a form of this page opens it, and the reader can type at once.
function follow(link) {
  link.click();
  const form = link.hash && document.querySelector(link.hash)?.closest("form");
  if (!form) return;
  form.closest("details").open = true;
  form.querySelector("select, textarea, input:not([type=hidden])")?.focus();
}

// What is left of a wait, in seconds; the server says until when.
function countDown() {
  for (const each of document.querySelectorAll("[data-until]")) {
    const left = Math.max(0, Math.ceil((Number(each.dataset.until) - Date.now()) / 1000));
    each.dataset.text ||= each.textContent;
    each.textContent = each.dataset.text.replace(/\d+/, left);
  }
}

function start() {
  if (document.querySelector("[data-until]") || document.querySelector("[data-live]")) setInterval(countDown, 1000);
  document.addEventListener("keydown", key);
  const keys = document.getElementById("keys-switch");
  if (keys) {
    keys.textContent = keysOff() ? keys.dataset.on : keys.dataset.off;
    keys.hidden = false;
    keys.addEventListener("click", () => switchKeys(keys));
  }
  document.getElementById("pause")?.addEventListener("click", () => pause(!paused));
  document.getElementById("waiting")?.addEventListener("click", () => pause(false));
  document.addEventListener("submit", (event) => {
    if (event.defaultPrevented || event.target.method !== "post") return;
    if (event.target.dataset.sent) { event.preventDefault(); return; } // a second press does nothing
    event.target.dataset.sent = "1";
    setTimeout(() => { delete event.target.dataset.sent; }, 5000);
  });
  for (const each of document.querySelectorAll("[data-print]")) each.addEventListener("click", () => window.print());
  const here = document.querySelector(".places [aria-current]"); // on a phone the places are a strip
  if (here) here.parentElement.scrollLeft = here.offsetLeft - here.parentElement.offsetLeft - 48;
  listen();
}
document.readyState === "loading" ? document.addEventListener("DOMContentLoaded", start) : start();
