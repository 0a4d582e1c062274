// Recordings that are chosen or dropped are sent one by one, each with how far it is. Without this file the form sends them all.

const form = document.querySelector("form[data-upload]");
const input = form?.querySelector("input[type=file]");

/** Sends one file and resolves with what went wrong; empty where nothing did. */
const send = (file, last, line) => new Promise((resolve) => {
  const data = new FormData();
  data.append("modified", String(file.lastModified));
  if (last && form.elements.read.checked) data.append("read", "now");
  data.append("file", file, file.name);
  const request = new XMLHttpRequest();
  request.open("POST", form.action);
  request.setRequestHeader("Accept", "application/json");
  request.responseType = "json";
  request.upload.onprogress = (event) => { if (event.lengthComputable) line.value = event.loaded / event.total; };
  request.onload = () => resolve(request.status < 300 ? "" : request.response?.error?.message ?? form.dataset.failed);
  request.onerror = request.onabort = () => resolve(form.dataset.failed);
  request.send(data);
});

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button"), list = document.getElementById("sending"), files = [...input.files];
  button.disabled = true;
  let failed = false;
  for (const [i, file] of files.entries()) {
    const item = document.createElement("li"), line = document.createElement("progress"), said = document.createElement("span");
    line.max = 1;
    line.value = 0;
    line.setAttribute("aria-label", file.name);
    said.textContent = file.name;
    item.append(said, line);
    list.append(item);
    const problem = await send(file, i === files.length - 1, line);
    line.remove();
    said.textContent = `${file.name}: ${problem || form.dataset.done}`;
    failed ||= problem !== "";
  }
  button.disabled = false;
  if (!failed) form.reset();
});

for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
  form?.addEventListener(kind, (event) => {
    event.preventDefault();
    form.classList.toggle("over", kind === "dragenter" || kind === "dragover");
    if (kind === "drop" && event.dataTransfer.files.length) input.files = event.dataTransfer.files;
  });
}
