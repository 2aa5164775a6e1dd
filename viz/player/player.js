/* The player: shows one moment of the two passes at a time, by button, key and slider, or by itself. */

/* ---- showing a moment ---- */

const slider = get("slider");
let current = -1, timer = null;

function showMoment(wanted) {
  const at = Math.max(0, Math.min(story.last, wanted)), forth = at === current + 1;
  if (at === story.last) pause();
  if (at === current) return;
  current = at;
  const moment = story.moments[at];
  redraw();
  get("panel").scrollTop = 0;
  clearPackets();
  if (moment.kind === "push" && forth) sendPackets(moment.step.pushes, Math.min(900, 0.6 * momentTime()));
  if (moment.node !== undefined) follow(moment.node, rolesOf(moment).nodes.keys());
}

/* All that belongs to the current moment. */
function redraw() {
  const at = current, { last, seedAt } = story, moment = story.moments[at], text = explainers[moment.kind](moment);
  graph.classList.toggle("no-grads", at < seedAt || !nodes[root].wants);
  drawMoment(at, rolesOf(moment));
  for (const id of ["phase", "headline", "words", "why"]) get(id).textContent = text[id];
  get("work").replaceChildren(...(text.work ? [text.work] : []));
  get("panel").className = at === 0 || at === last ? "" : at < seedAt ? "forward" : "backward";
  slider.value = at;
  slider.setAttribute("aria-valuetext", at + " of " + last + ", " + text.phase + ": " + text.headline);
  get("count").textContent = at + " / " + last;
  get("first").disabled = get("back").disabled = at === 0;
  get("next").disabled = get("last").disabled = at === last;
  if (list) markInList();
}

/* The numbers have changed: draw them, in the moment that is shown if there still is one. From the start, where nothing
 * has a value yet, it goes to the end. */
function showNewNumbers() {
  const before = story && story.moments[current];
  story = makeStory();
  drawNumbers();
  const title = nameOf(root) + (nodes[root].op ? " = " + expressionOf(root) : ": " + nodes[root].kind);
  get("title").textContent = document.title = title;
  showCommand();
  slider.max = story.last;
  document.querySelector(".slider").style.setProperty("--split",
    nodes[root].wants ? 100 * (story.seedAt - 0.5) / story.last + "%" : "100%");
  if (!before) return;
  const same = story.moments.findIndex((moment) => moment.kind === before.kind && moment.node === before.node);
  current = before.kind === "start" ? story.last : same >= 0 ? same : Math.min(current, story.last);
  clearPackets();
  if (list) makeList();
  redraw();
}

/* ---- playing ---- */

const MOMENT_MS = 1800;
const momentTime = () => MOMENT_MS / Number(get("speed").value);

function pause() {
  if (timer !== null) clearTimeout(timer);
  timer = null;
  describePlay();
}

function describePlay() {
  get("play").setAttribute("aria-label", timer !== null ? "Pause" : "Play");
  get("play").classList.toggle("playing", timer !== null);
  get("say").setAttribute("aria-live", timer !== null ? "off" : "polite"); /* a reader cannot keep up */
}

function tick() {
  timer = setTimeout(tick, momentTime());
  showMoment(current + 1);
}

function play() {
  if (current === story.last) showMoment(0);
  timer = setTimeout(tick, momentTime() / 3);
  describePlay();
}

const toggle = () => timer !== null ? pause() : play();
const go = (at) => { pause(); showMoment(at); };

/* ---- zoom ---- */

const size = graph.viewBox.baseVal;
const MOST = 3;
let scale = 1, fitted = true;

function setScale(wanted) {
  const middle = [(stage.scrollLeft + stage.clientWidth / 2) / scale, (stage.scrollTop + stage.clientHeight / 2) / scale];
  scale = Math.max(0.05, Math.min(MOST, wanted));
  graph.style.width = size.width * scale + "px";
  graph.style.height = size.height * scale + "px";
  stage.scrollLeft = middle[0] * scale - stage.clientWidth / 2;
  stage.scrollTop = middle[1] * scale - stage.clientHeight / 2;
}

/* The stage may be as high as what is in it, up to a limit. */
function scaleToFit() {
  const most = parseFloat(getComputedStyle(stage).maxHeight) || stage.clientHeight;
  return Math.min(stage.clientWidth / size.width, most / size.height, 2);
}
const zoom = (factor) => { fitted = false; setScale(scale * factor); };
const fitAll = () => { fitted = false; setScale(scaleToFit()); };

/* At first letters have nearly their full size, or one that can be read in a frame; a phone shows all of the graph. */
function fitFirst() {
  const PHONE = 500, NARROW = 900, EASY = 0.8, READABLE = 0.5; /* NARROW as in player.css */
  const roomy = innerWidth > NARROW && !document.body.classList.contains("embedded");
  if (fitted) setScale(Math.max(roomy ? EASY : innerWidth > PHONE ? READABLE : 0, scaleToFit()));
}

/* Scroll so that the nodes that play a part are in sight, or at least the one that is at work. */
function follow(node, parts) {
  const frame = stage.getBoundingClientRect(), margin = 30;
  let box = null;
  for (const part of [node, ...parts]) {
    const next = boxes[part].group.getBoundingClientRect();
    const both = box === null ? next : {
      left: Math.min(box.left, next.left), right: Math.max(box.right, next.right),
      top: Math.min(box.top, next.top), bottom: Math.max(box.bottom, next.bottom),
    };
    const fits = both.right - both.left < frame.width - 2 * margin && both.bottom - both.top < frame.height - 2 * margin;
    if (box === null || fits) box = both;
  }
  if (box.left >= frame.left + margin && box.right <= frame.right - margin && box.top >= frame.top + margin &&
      box.bottom <= frame.bottom - margin) return;
  stage.scrollBy({
    left: (box.left + box.right - frame.left - frame.right) / 2,
    top: (box.top + box.bottom - frame.top - frame.bottom) / 2,
    behavior: calm.matches || timer !== null ? "auto" : "smooth",
  });
}

/* ---- all steps, for reading and for print ---- */

let list = null;

function makeList() {
  list = get("list");
  list.replaceChildren();
  list.setAttribute("start", "0");
  story.moments.forEach((moment, at) => {
    const item = make("li"), button = make("button");
    button.type = "button";
    for (const line of linesOf(moment)) button.append(make("span", line));
    button.addEventListener("click", () => { go(at); stage.scrollIntoView(); });
    item.append(button);
    list.append(item);
  });
  markInList();
}

function markInList() {
  const before = list.querySelector("[aria-current]");
  if (before) before.removeAttribute("aria-current");
  list.children[current].firstChild.setAttribute("aria-current", "step");
}

let openedForPrint = false;
get("all").addEventListener("toggle", () => { if (!list) makeList(); });
addEventListener("beforeprint", () => {
  if (!list) makeList();
  openedForPrint = !get("all").open;
  get("all").open = true;
});
addEventListener("afterprint", () => { if (openedForPrint) get("all").open = false; });

/* ---- light and dark: the system's setting, until the button or the page around this one says otherwise ---- */

const dark = matchMedia("(prefers-color-scheme: dark)"), page = document.documentElement;
function setTheme(theme) {
  page.dataset.theme = theme;
  get("theme").textContent = theme === "dark" ? "Light" : "Dark";
}
const followSystem = () => setTheme(dark.matches ? "dark" : "light");
function chooseTheme(theme) {
  dark.removeEventListener("change", followSystem);
  setTheme(theme);
}
const switchTheme = () => chooseTheme(page.dataset.theme === "dark" ? "light" : "dark");
addEventListener("message", ({ source, data }) => {
  if (source === window.parent && /^(light|dark)$/.test(data.theme)) chooseTheme(data.theme);
});
dark.addEventListener("change", followSystem);
followSystem();

/* ---- buttons and keys ---- */

const buttons = {
  first: () => go(0), back: () => go(current - 1), play: toggle, next: () => go(current + 1), last: () => go(story.last),
  smaller: () => zoom(1 / 1.25), larger: () => zoom(1.25), fit: fitAll, theme: switchTheme,
};
for (const id of Object.keys(buttons)) get(id).addEventListener("click", buttons[id]);
slider.addEventListener("input", () => go(Number(slider.value)));

const keys = {
  " ": toggle, ArrowRight: buttons.next, ArrowLeft: buttons.back, Home: buttons.first, End: buttons.last,
  "+": buttons.larger, "=": buttons.larger, "-": buttons.smaller, "0": buttons.fit, t: switchTheme, T: switchTheme,
};
document.addEventListener("keydown", (event) => {
  const target = event.target, frame = frames.find(({ element }) => element === target);
  const action = frame && /^( |Enter)$/.test(event.key) ? () => toggleFrame(frame) : keys[event.key];
  if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
  if (target.tagName === "SELECT" || (target.tagName === "INPUT" && target !== slider)) return;
  const pressed = event.key === " " && (target.tagName === "BUTTON" || target.tagName === "SUMMARY");
  const slides = target === slider && /^(Arrow|Home|End)/.test(event.key);
  if (pressed || slides) return; /* the browser does it */
  event.preventDefault();
  action();
});

document.body.classList.toggle("embedded", location.hash === "#embed" || window.top !== window);
get("backward-half").hidden = !nodes[root].wants;
story = makeStory();
if (graph.querySelector(".node")) dress();
else layOut();
findParts();
dressFrames();
dressTips();
makeLeaves();
showNewNumbers();
addEventListener("resize", fitFirst);
fitFirst();
showMoment(0);
follow(0, []);
