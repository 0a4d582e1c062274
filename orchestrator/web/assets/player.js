// One player for all laughs of a page: it plays on to the next, levelled for listening, and falls back to WAV where a browser
// cannot play the original. Without this file every play button is a link to the laugh's own page, which has the browser's player.

const bar = document.getElementById("player");
const audio = new Audio();
audio.preload = "none";
const part = (name) => bar?.querySelector(`[data-part=${name}]`);
const remember = (name, value) => { try { localStorage.setItem(name, value); } catch { /* a private window */ } };
const recall = (name) => { try { return localStorage.getItem(name); } catch { return null; } };

let current = null; // the button, by which a laugh is known
let fellBack = false;
let autoplay = false;
let graph = null;

const buttons = () => [...document.querySelectorAll("[data-clip]")];
const item = (button) => button.closest("[data-laugh]") ?? button;
const same = (button) => current && button.dataset.clip === current.clip;

/** How much a laugh is brought up, which the server knows from its waveform. */
const gainOf = async (laugh) => {
  try {
    const answer = await fetch(laugh.wave); // the list has it already
    return Number(answer.headers.get("Chortle-Gain")) || 1;
  } catch { return 1; }
};
/** Levels what is quiet. A graph on a suspended context would play silence, so the player joins it only once it runs. */
const level = async () => {
  const laugh = current;
  if (!window.AudioContext) return;
  if (!graph) {
    const context = new AudioContext();
    await context.resume();
    if (context.state !== "running" || graph) return;
    const source = context.createMediaElementSource(audio), gain = context.createGain(), limit = context.createDynamicsCompressor();
    limit.threshold.value = -6;
    limit.ratio.value = 20;
    limit.attack.value = 0.002;
    source.connect(gain).connect(limit).connect(context.destination);
    graph = { gain };
  }
  const gain = recall("level") === "off" ? 1 : await gainOf(laugh);
  if (laugh === current) graph.gain.gain.value = gain;
};

const mark = () => {
  for (const button of buttons()) {
    const on = same(button);
    item(button).classList.toggle("now", Boolean(on) && item(button) !== button);
    const sounding = Boolean(on) && !audio.paused;
    button.classList.toggle("sounding", sounding);
    button.setAttribute("aria-pressed", String(sounding));
  }
  for (const rect of document.querySelectorAll(".strip .laugh")) rect.classList.toggle("now", Boolean(current) && rect.dataset.id === current.id);
  const toggle = part("toggle");
  toggle?.classList.toggle("sounding", !audio.paused);
  document.dispatchEvent(new CustomEvent("chortle:now", { detail: current }));
};

const announce = () => {
  if (!bar || !current) return;
  bar.hidden = false;
  document.body.classList.add("has-player");
  part("time").textContent = current.time;
  part("what").textContent = current.what;
  const save = part("save");
  save.href = current.clip;
  save.download = current.file;
  const aside = document.getElementById("now-playing");
  if (aside) {
    aside.hidden = false;
    aside.querySelector("[data-part=time]").textContent = current.time;
    aside.querySelector("[data-part=what]").textContent = current.what;
    aside.querySelector("[data-part=more]").href = current.page;
    const picture = aside.querySelector("img");
    picture.src = current.picture;
    picture.alt = current.alt;
  }
};

export const play = async (button) => {
  if (!button) return;
  if (same(button)) {
    if (audio.paused) await audio.play().catch(() => {});
    else audio.pause();
    return;
  }
  const { clip, wav, wave, id, time, what, file, picture, alt, length } = button.dataset;
  current = { clip, wav, wave, id, time, what, file, picture, alt, length: Number(length), page: button.dataset.page };
  fellBack = false;
  audio.src = clip;
  audio.playbackRate = Number(recall("speed")) || 1;
  announce();
  mark();
  const started = audio.play();
  level().catch(() => {});
  await started.catch((problem) => { if (problem.name === "NotAllowedError") mark(); });
};

export const step = (by) => {
  const all = buttons();
  const at = all.findIndex(same);
  const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by];
  if (!next) return false;
  play(next);
  item(next).scrollIntoView({ block: "nearest" });
  return true;
};
export const toggle = () => {
  const all = buttons();
  play(all.find(same) ?? all[0]);
};
export const playing = () => buttons().find(same);

audio.addEventListener("error", () => {
  if (!current) return;
  if (!fellBack && current.wav) {
    fellBack = true;
    audio.src = current.wav;
    audio.play().catch(() => {});
    return;
  }
  const said = document.getElementById("said");
  said.textContent = said.dataset.gone;
  mark();
});
audio.addEventListener("ended", () => {
  if (document.querySelector("[data-one]") || !step(1)) mark();
});
for (const name of ["play", "pause", "playing"]) audio.addEventListener(name, mark);

// The playhead runs by the share of the file that was played: a browser's idea of the length of Ogg Opus is not the row's.
const still = matchMedia("(prefers-reduced-motion: reduce)");
const follow = () => {
  const share = audio.duration ? Math.min(1, audio.currentTime / audio.duration) : 0;
  const seek = part("seek");
  if (seek && document.activeElement !== seek) seek.value = String(Math.round(share * 1000));
  const clock = part("clock");
  if (clock && current) clock.textContent = `${(share * current.length).toFixed(1)} s`;
  for (const head of document.querySelectorAll(".playhead")) {
    const here = head.closest("[data-laugh]")?.dataset.laugh === current?.id;
    head.hidden = !here;
    if (here) head.style.left = `${share * 100}%`;
  }
  if (!audio.paused && !still.matches) requestAnimationFrame(follow);
};
audio.addEventListener("play", follow);
audio.addEventListener("timeupdate", follow);
audio.addEventListener("seeked", follow);
const seekTo = (share) => { if (audio.duration) audio.currentTime = share * audio.duration; };

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-clip]");
  if (button && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    autoplay = true;
    play(button);
    return;
  }
  const rect = event.target.closest(".strip .laugh");
  const row = rect && document.querySelector(`[data-clip][data-id="${CSS.escape(rect.dataset.id)}"]`);
  if (row) {
    event.preventDefault();
    play(row);
    item(row).scrollIntoView({ block: "nearest" });
    return;
  }
  const scene = event.target.closest("[data-seek]");
  if (scene) {
    const box = scene.getBoundingClientRect();
    const share = (event.clientX - box.left) / box.width;
    const owner = item(scene).querySelector("[data-clip]");
    if (owner && !same(owner)) play(owner).then(() => audio.addEventListener("loadedmetadata", () => seekTo(share), { once: true }));
    else seekTo(share);
  }
});

part("toggle")?.addEventListener("click", () => toggle());
part("next")?.addEventListener("click", () => step(1));
part("seek")?.addEventListener("input", (event) => seekTo(Number(event.target.value) / 1000));
part("speed")?.addEventListener("change", (event) => {
  audio.playbackRate = Number(event.target.value);
  remember("speed", event.target.value);
});
part("level")?.addEventListener("change", (event) => {
  remember("level", event.target.checked ? "on" : "off");
  if (current) level().catch(() => {});
});
part("close")?.addEventListener("click", () => {
  audio.pause();
  bar.hidden = true;
  document.body.classList.remove("has-player");
});
if (part("speed")) part("speed").value = recall("speed") ?? "1";
if (part("level")) part("level").checked = recall("level") !== "off";

// A page whose one laugh has changed, as in the review, plays the new one, once a person has started to listen.
document.addEventListener("chortle:shown", () => {
  mark();
  const one = document.querySelector("[data-one] [data-clip]");
  if (one && autoplay && !same(one)) play(one);
});
document.addEventListener("chortle:key", (event) => {
  const act = { next: () => step(1), previous: () => step(-1), play: toggle }[event.detail];
  if (!act) return;
  autoplay = true;
  event.preventDefault();
  act();
});
