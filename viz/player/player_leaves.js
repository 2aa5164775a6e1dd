/* ---- the leaves: typed in their fields, or dragged in the picture ---- */

const leafIndexes = nodes.map((_, i) => i).filter((i) => !nodes[i].op);
const leaves = [...written];
const fields = new Map();

/* A key or a few pixels change a leaf by a tenth of the power of ten in its first number: 3 by 0.1. */
const unitOf = (i) => {
  const size = Math.abs(written[i]);
  return size > 0 && Number.isFinite(size) ? 10 ** (Math.floor(Math.log10(size)) - 1) : 0.1;
};
const nudged = (i, from, steps) => Number(((Number.isFinite(from) ? from : 0) + steps * unitOf(i)).toPrecision(15));

function setLeaf(i, value) {
  leaves[i] = value;
  const changed = leaves.some((x, k) => !nodes[k].op && !Object.is(x, written[k]));
  passes = changed ? computePasses(leaves) : writtenPasses();
  get("reset").disabled = !changed;
  showNewNumbers();
}

function fillField(i) {
  fields.get(i).value = Number.isFinite(leaves[i]) ? String(leaves[i]) : "";
  fields.get(i).removeAttribute("aria-invalid");
}

function reset() {
  for (const i of leafIndexes) leaves[i] = written[i];
  setLeaf(leafIndexes[0], written[leafIndexes[0]]);
  leafIndexes.forEach(fillField);
}

function makeField(i) {
  const { number, kind } = nodes[i], label = make("label", undefined, kind), field = make("input");
  const child = edges.find((edge) => edge.parent === i);
  Object.assign(field, { type: "number", step: "any", id: "leaf" + number, placeholder: short(written[i]) });
  label.append(make("span", isPlain(i) ? "constant in " + nameOf(child.child) : nameOf(i)), field);
  field.addEventListener("input", () => {
    const valid = field.value !== "" && Number.isFinite(Number(field.value));
    field.toggleAttribute("aria-invalid", !valid);
    if (valid) setLeaf(i, Number(field.value));
  });
  field.addEventListener("keydown", (event) => {
    const steps = { ArrowUp: 1, ArrowDown: -1 }[event.key] * (event.shiftKey ? 10 : 1);
    if (!steps) return;
    event.preventDefault();
    setLeaf(i, nudged(i, leaves[i], steps));
    fillField(i);
  });
  fields.set(i, field);
  fillField(i);
  return label;
}

/* Up and right is more. */
function makeDraggable(i) {
  const PIXELS = 6, { group } = boxes[i];
  let start = null;
  group.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    group.setPointerCapture(event.pointerId);
    start = { x: event.clientX, y: event.clientY, value: leaves[i], steps: 0 };
    pause();
    get("say").setAttribute("aria-live", "off"); /* a reader cannot keep up */
  });
  group.addEventListener("pointermove", (event) => {
    if (start === null) return;
    const steps = Math.round((event.clientX - start.x + start.y - event.clientY) / PIXELS);
    if (steps === start.steps) return;
    start.steps = steps;
    setLeaf(i, steps === 0 ? start.value : nudged(i, start.value, steps));
    fillField(i);
  });
  const end = () => {
    if (start !== null && start.steps === 0) fields.get(i).focus(); /* it was only pressed: to be typed */
    start = null;
    describePlay();
  };
  group.addEventListener("lostpointercapture", end);
}

/* The page cannot read another expression: that takes the program that drew this one. */
function showCommand() {
  if (expression === undefined) return;
  const given = leafIndexes.filter((i) => nodes[i].kind !== "const").map((i) => " " + nameOf(i) + "=" + leaves[i]);
  const quoted = "'" + expression.trim().replaceAll("'", "'\\''") + "'", file = location.pathname.split("/").pop();
  get("command").textContent = "build/draw" + given.join("") + " --html " + file + " -- " + quoted;
  get("another").hidden = false;
}

function makeLeaves() {
  if (!isLive) {
    const own = nodes.find((node) => node.op && !functions[node.op + "_forward"]).op;
    get("fields").append(own + " is an op of your own: the page does not have its function, so the numbers stay.");
    get("hint").hidden = get("reset").hidden = true;
    return;
  }
  get("fields").append(...leafIndexes.map(makeField));
  for (const i of leafIndexes) {
    boxes[i].base += " movable";
    makeDraggable(i);
  }
  get("reset").addEventListener("click", reset);
}
