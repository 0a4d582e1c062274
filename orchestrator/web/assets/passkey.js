// Forms that ask the browser for a passkey. Without this file, or in a browser that has none, they stay hidden.

const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

/** Makes what the server asks for into what the browser wants: bytes instead of text. */
const understood = (options) => {
  options.challenge = bytes(options.challenge);
  if (options.user) options.user.id = bytes(options.user.id);
  for (const list of ["excludeCredentials", "allowCredentials"]) for (const key of options[list] ?? []) key.id = bytes(key.id);
  return options;
};

/** Makes what the browser answers into JSON. */
const told = (credential) => {
  const { id, type, rawId, response, authenticatorAttachment } = credential, out = { clientDataJSON: text(response.clientDataJSON) };
  for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) if (response[name]) out[name] = text(response[name]);
  if (response.getTransports) out.transports = response.getTransports();
  return { id, type, rawId: text(rawId), response: out, authenticatorAttachment, clientExtensionResults: credential.getClientExtensionResults() };
};

/** Sends JSON and resolves to the answer; rejects with the server's own words where it refuses. */
const post = async (address, body) => {
  const response = await fetch(address, { method: "POST", headers: { "Accept": "application/json", "Content-Type": "application/json" }, body: JSON.stringify(body) });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error.message);
  return answer;
};

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("form[data-passkey]")) return;
  event.preventDefault();
  const button = form.querySelector("button"), said = document.getElementById("said");
  button.disabled = true;
  try {
    const { ceremony, options } = await post(`${form.action}/begin`, {});
    const credential = await navigator.credentials[form.dataset.passkey]({ publicKey: understood(options) });
    const { to } = await post(form.action, { ...Object.fromEntries(new FormData(form)), ceremony, answer: told(credential) });
    location.assign(to);
  } catch (error) {
    said.textContent = error instanceof DOMException ? form.dataset.canceled : error.message || form.dataset.failed;
  }
  button.disabled = false;
});

if (window.PublicKeyCredential && window.isSecureContext) for (const form of document.querySelectorAll("form[data-passkey]")) form.hidden = false;
