// Forms and links of a page answer without loading it anew: the server renders, and only what differs is replaced. Without this
// file everything works the same, with whole pages. HTML is parsed by XMLHttpRequest, which Trusted Types allow.

/** Loads a page as a document. Resolves to [document, address] also for an error's page. */
const load = (method, url, body) => new Promise((resolve, reject) => {
  const request = new XMLHttpRequest();
  request.open(method, url);
  request.responseType = "document";
  request.setRequestHeader("Accept", "text/html");
  request.timeout = 20000;
  request.onload = () => (request.response ? resolve([request.response, request.responseURL || url, request.status]) : reject(new Error("empty")));
  request.onerror = request.ontimeout = () => reject(new Error("network"));
  if (body) request.setRequestHeader("Content-Type", "application/x-www-form-urlencoded");
  request.send(body ?? null);
});

const kept = new Set(["open"]); // what a person unfolded stays so

/** Makes the old node like the new one and keeps what is equal, so that focus, scroll and pictures stay. */
const patch = (old, fresh) => {
  if (old.isEqualNode(fresh)) return;
  if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName || old.id !== fresh.id) {
    old.replaceWith(document.adoptNode(fresh));
    return;
  }
  if (old.nodeType !== Node.ELEMENT_NODE) {
    old.nodeValue = fresh.nodeValue;
    return;
  }
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name) && !kept.has(name)) old.removeAttribute(name);
  for (const { name, value } of [...fresh.attributes]) if (old.getAttribute(name) !== value && !kept.has(name)) old.setAttribute(name, value);
  if (old === document.activeElement && /^(INPUT|TEXTAREA|SELECT)$/.test(old.nodeName)) return;
  const after = [...fresh.childNodes];
  const byId = new Map([...old.children].filter((e) => e.id).map((e) => [e.id, e]));
  let at = old.firstChild;
  for (const node of after) {
    const known = node.id && byId.get(node.id);
    if (known && known !== at) old.insertBefore(known, at);
    if (known) at = known;
    if (!at) {
      old.append(document.adoptNode(node));
      continue;
    }
    const next = at.nextSibling;
    if (!known && at.id && at.nodeName === node.nodeName && after.some((n) => n.id === at.id)) {
      old.insertBefore(document.adoptNode(node), at); // something new before something that stays
      continue;
    }
    patch(at, node);
    at = next;
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
};

const regions = ["said", "tabs", "main", "foot"];

const show = ([fresh, address], { push = false } = {}) => {
  const next = new URL(address);
  for (const name of ["did", "undo"]) next.searchParams.delete(name); // what was said once is not said again when the page is loaded anew
  history[push ? "pushState" : "replaceState"](null, "", next);
  document.title = fresh.title;
  for (const id of regions) {
    const old = document.getElementById(id), now = fresh.getElementById(id);
    if (old && now) patch(old, now);
  }
  document.dispatchEvent(new CustomEvent("chortle:shown"));
};

if (/[?&]did=/.test(location.search)) {
  const here = new URL(location);
  for (const name of ["did", "undo"]) here.searchParams.delete(name);
  history.replaceState(null, "", here);
}

// A page that shows work under way is loaded anew as long as it says so, while somebody looks.
let waiting;
const wait = () => {
  clearTimeout(waiting);
  const seconds = Number(document.querySelector("[data-refresh]")?.dataset.refresh ?? 0);
  if (seconds) waiting = setTimeout(() => { if (document.hidden) wait(); else go("GET", location.href).finally(wait); }, seconds * 1000);
};
document.addEventListener("chortle:shown", wait);
wait();

let latest = 0;
/** Goes to an address or sends a form to it, and shows the answer. */
export const go = async (method, url, body, options) => {
  const turn = ++latest;
  try {
    const answer = await load(method, url, body);
    const problem = answer[2] >= 400 && answer[0].getElementById("problem");
    if (problem) document.getElementById("said").textContent = problem.textContent; // the page stays, with what was typed
    else if (turn === latest || method === "POST") show(answer, options);
  } catch {
    const said = document.getElementById("said");
    said.textContent = said.dataset.offline; // nothing was lost: what was typed is still there
  }
};

document.addEventListener("submit", (event) => {
  const form = event.target, button = event.submitter;
  if (!form.matches("form[data-swap]") || event.defaultPrevented) return;
  event.preventDefault();
  const data = new URLSearchParams(new FormData(form));
  if (button?.name) data.set(button.name, button.value);
  const action = button?.hasAttribute("formaction") ? button.formAction : form.action;
  if (form.method === "get") {
    go("GET", `${action.split("?")[0]}?${data}`);
    return;
  }
  const card = form.closest(".card");
  card?.classList.add("leaving");
  go("POST", action, data.toString()).finally(() => document.querySelector(".card.leaving")?.classList.remove("leaving"));
});

// A slider asks as it moves, at most once at a time.
let asking = false, wanted = null;
const ask = async (form) => {
  wanted = form;
  if (asking) return;
  asking = true;
  while (wanted) {
    const now = wanted;
    wanted = null;
    await go("GET", `${now.action.split("?")[0]}?${new URLSearchParams(new FormData(now))}`);
  }
  asking = false;
};
document.addEventListener("input", (event) => {
  if (event.target.matches("form[data-swap] input[type=range], form[data-swap] select[name=with]")) ask(event.target.form);
});

// One box ticks all boxes of its form; Shift ticks what lies between two.
let ticked = null;
document.addEventListener("click", (event) => {
  const box = event.target;
  if (!box.matches("input[type=checkbox]") || !box.form) return;
  if (box.dataset.all) {
    for (const other of box.form.querySelectorAll(`input[name="${box.dataset.all}"]`)) other.checked = box.checked;
    return;
  }
  const boxes = [...box.form.querySelectorAll(`input[type=checkbox][name="${box.name}"]`)];
  const from = boxes.indexOf(ticked), to = boxes.indexOf(box);
  if (event.shiftKey && from >= 0) for (const other of boxes.slice(Math.min(from, to), Math.max(from, to) + 1)) other.checked = box.checked;
  ticked = box;
});

// "Copy link" selects the field, and copies it where the browser allows that.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const field = document.getElementById(button.dataset.copy);
  field.select();
  navigator.clipboard?.writeText(field.value).then(() => { document.getElementById("said").textContent = button.dataset.copied; }, () => {});
});

// An open menu closes by Escape and by a click beside it.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  const menu = document.querySelector("details.menu[open]");
  if (event.key === "Escape" && menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// The browser's own message says that something was done; it goes away with the next one, or by its own button.
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-close]")) event.target.closest("[role=status]")?.replaceChildren();
});
