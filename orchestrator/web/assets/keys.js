// Keys, for those who like them. The list in the dialog is the table: what it does not name does nothing. Never in a field, never
// with a modifier, and off where a person turned them off (WCAG 2.1.4).

const dialog = document.getElementById("keys");
const table = new Map([...(dialog?.querySelectorAll("[data-key]") ?? [])].map((e) => [e.dataset.key, e.dataset.do]));
const off = () => { try { return localStorage.getItem("keys") === "off"; } catch { return false; } };
const choice = dialog?.querySelector("[name=use]");

/** The laugh that a key is about: the one that sounds, else the first. */
const laugh = () => document.querySelector("[data-laugh].now") ?? document.querySelector("[data-laugh]");
const press = (name) => {
  const button = laugh()?.querySelector(`[data-act=${name}]`) ?? document.querySelector(`[data-act=${name}]`);
  button?.click();
  if (name === "note") document.getElementById("note-text")?.focus();
  return Boolean(button);
};

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
  const target = event.target;
  if (target.closest("input, textarea, select, [contenteditable], audio, dialog")) return;
  const key = event.key === " " ? "space" : event.key.toLowerCase();
  if (key === "space" && target.closest("button, a, summary")) return; // it presses what has the focus
  const act = table.get(key);
  if (!act || (off() && act !== "help")) return;
  if (act === "help") {
    choice.checked = !off();
    dialog.showModal();
    event.preventDefault();
    return;
  }
  if (!document.dispatchEvent(new CustomEvent("chortle:key", { detail: act, cancelable: true })) || press(act)) event.preventDefault();
});

if (location.hash === "#note-text") document.getElementById("note-text")?.focus();

choice?.addEventListener("change", () => { try { localStorage.setItem("keys", choice.checked ? "on" : "off"); } catch { /* a private window */ } });
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-open=keys]")) {
    choice.checked = !off();
    dialog.showModal();
  }
});
