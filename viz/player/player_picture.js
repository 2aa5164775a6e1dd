/* ---- the picture: the diagram that dot drew, brought to life ---- */

const stage = get("stage"), graph = get("graph");
const draw = (parent, tag, attributes, text) => {
  const element = document.createElementNS(graph.namespaceURI, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  parent.append(element);
  return element;
};
const lengthOf = (text) => text.getComputedTextLength();
const idOf = (edge) => "e" + nodes[edge.child].number + "_" + edge.operand;

/* Give the parts of the diagram that dot drew the classes of player.css. What a text is follows from its place among
 * those of its node, counted from the end. */
function dress() {
  for (const node of nodes) {
    const group = get("n" + node.number);
    group.querySelectorAll("path, polygon, polyline, ellipse").forEach((shape, k) =>
      shape.setAttribute("class", k === 0 ? "frame" : "inner"));
    const roles = node.kind === "const" ? ["data", "name"]
      : [...(node.wants ? ["grad", "caption of-grad"] : []), "data", "caption", "expression", "name"];
    [...group.querySelectorAll("text")].reverse().forEach((text, k) => text.setAttribute("class", roles[k]));
  }
  for (const edge of edges) {
    const group = get(idOf(edge));
    group.querySelector("path").setAttribute("class", "wire");
    group.querySelector("polygon").setAttribute("class", "tip");
    group.querySelectorAll("text").forEach((text, k) => text.setAttribute("class", k === 0 ? "local" : "adds"));
  }
}

/* ---- what an edge says ---- */

const FORMULA_CHARACTERS = 32; /* as in viz/graph/dot.c */

function localText(e) {
  const local = short(passes.local[e]), formula = derivativeOf(e), characters = [...formula];
  if (formula === local) return "∂=" + local;
  const cut = characters.length > FORMULA_CHARACTERS ? characters.slice(0, FORMULA_CHARACTERS).join("") + "…" : formula;
  return "∂=" + (/[<>]/.test(formula) ? "(" + cut + ")" : cut) + "=" + local; /* a > b = 1 would read as a chain */
}

const addsText = (e) => "+= " + short(story.adds[e]);

/* The width grows with the square root of the magnitude, as in viz/graph/dot.c. */
function penWidth(e, largest) {
  const size = Math.abs(story.adds[e]);
  return size === 0 || story.pushed[e] === Infinity ? 1 : Number.isFinite(size) ? 1 + 3 * Math.sqrt(size / largest) : 4;
}

/* ---- nodes and edges in a moment ---- */

let boxes, wires; /* what is drawn of each node and edge */

/* A text that changes: what does not fit between `left` and `right` is drawn narrower. */
const slot = (text, left = 0, right = Infinity) => text && { text, shown: text.textContent, room: right - left };

/* A number ends where it ended when it was drawn. That of a constant is in the middle, unless its name is beside it. */
function numberSlot(text, caption, name, frame) {
  if (text === null) return null;
  const x = Number(text.getAttribute("x")), right = x + lengthOf(text);
  if (caption !== null) {
    text.setAttribute("x", right);
    text.setAttribute("text-anchor", "end");
    return slot(text, Number(caption.getAttribute("x")) + lengthOf(caption) + 2, right);
  }
  const { x: left, width } = frame.getBBox(), edge = left + width;
  if (name !== null && name.getAttribute("y") === text.getAttribute("y")) return slot(text, x, edge - 8);
  text.setAttribute("x", left + width / 2);
  text.setAttribute("text-anchor", "middle");
  return slot(text, left + 4, edge - 4);
}

function write(into, content) {
  const WIDEST = 9.1; /* a bold digit of 13 points in DejaVu Sans, the widest font that is taken for Helvetica */
  if (into === null || into.shown === content) return;
  into.text.textContent = into.shown = content;
  into.text.removeAttribute("textLength");
  if (content.length * WIDEST < into.room || lengthOf(into.text) <= into.room) return;
  into.text.setAttribute("textLength", into.room);
  into.text.setAttribute("lengthAdjust", "spacingAndGlyphs");
}

function findParts() {
  boxes = nodes.map((node) => {
    const group = get("n" + node.number), [frame, data, grad, caption, name, expression] =
      [".frame", ".data", ".grad", ".caption", ".name", ".expression"].map((part) => group.querySelector(part));
    const { x, width } = frame.getBBox(), left = expression && Number(expression.getAttribute("x"));
    return { group, data: numberSlot(data, caption, name, frame), grad: numberSlot(grad, caption, name, frame),
      expression: slot(expression, left, x + width - 4), base: group.getAttribute("class"), shown: "" };
  });
  wires = edges.map((edge) => {
    const group = get(idOf(edge)), local = group.querySelector(".local");
    const place = local && local.textContent.match(/^(.*?)∂=/); /* "1: ", the operand's, where the order matters */
    return { group, wire: group.querySelector(".wire"), place: place && place[1], local: place && slot(local),
      adds: slot(group.querySelector(".adds")), shown: "" };
  });
}

const signOf = (x) => Number.isNaN(x) ? "unsound" : x === 0 ? "zero" : x < 0 ? "minus" : "plus";

function setClass(item, text) {
  if (item.shown === text) return;
  item.shown = text;
  item.group.setAttribute("class", text);
}

/* The numbers that are the same in all moments: after the leaves have changed. */
function drawNumbers() {
  const largest = story.adds.reduce((most, x) => Number.isFinite(x) ? Math.max(most, Math.abs(x)) : most, 0);
  boxes.forEach((box, i) => {
    write(box.data, short(passes.data[i]));
    if (nodes[i].op) write(box.expression, "\u00a0= " + expressionOf(i));
  });
  wires.forEach((wire, e) => {
    write(wire.local, wire.place + localText(e));
    write(wire.adds, addsText(e));
    wire.wire.setAttribute("stroke-width", penWidth(e, largest));
  });
}

function drawMoment(at, roles) {
  boxes.forEach((box, i) => {
    const grad = gradAt(i, at), sign = box.grad !== null && at >= story.seedAt ? " " + signOf(grad) : "";
    write(box.grad, short(grad));
    setClass(box, box.base + (story.known[i] > at ? " waiting" : "") + (roles.nodes.get(i) || "") + sign +
      (isFolded(i) ? " folded" : ""));
  });
  wires.forEach((wire, e) => {
    const sign = story.pushed[e] <= at ? " " + signOf(story.adds[e]) : " unpushed";
    const around = closedAround(edges[e].parent), folded = around !== -1 && around === closedAround(edges[e].child);
    setClass(wire, "edge" + sign + (roles.edges.get(e) || "") + (folded ? " folded" : ""));
  });
  drawFrames(roles);
}

/* Which nodes and edges play a part in this moment. */
function rolesOf(moment) {
  const roles = { nodes: new Map(), edges: new Map() };
  if (moment.kind === "forward") {
    for (const e of edgesOf[moment.node]) {
      roles.edges.set(e, " read");
      roles.nodes.set(edges[e].parent, " read");
    }
    roles.nodes.set(moment.node, " computing");
  } else if (moment.kind === "seed") {
    roles.nodes.set(root, " pushing");
  } else if (moment.kind === "push") {
    for (const push of moment.step.pushes) {
      roles.edges.set(push.edge, " pushed-now");
      roles.nodes.set(edges[push.edge].parent, " receiving");
    }
    roles.nodes.set(moment.node, " pushing");
  }
  return roles;
}

/* ---- frames of neurons and layers: open, or closed to a box that covers what is inside ---- */

const frames = groups.map((group, g) => ({ ...group, element: get("cluster_" + g), shown: "" }));

/* A node belongs to the last group that has it. */
const frameOf = nodes.map(({ number }) => groups.findLastIndex((group) =>
  (number >= group.first && number < group.end) || group.members.includes(number)));

/* The outermost closed frame around a frame, itself included, or -1. */
function outermostClosed(g) {
  let found = -1;
  for (; g !== undefined && g !== -1; g = frames[g].inside) if (frames[g].collapsed) found = g;
  return found;
}
const closedAround = (node) => outermostClosed(frameOf[node]);
const isFolded = (node) => closedAround(node) !== -1;

/* Members, those of frames inside included. */
const membersOf = (g) => nodes.filter((_, i) => {
  for (let around = frameOf[i]; around !== undefined && around !== -1; around = frames[around].inside)
    if (around === g) return true;
  return false;
});

const countOf = (count, word) => count + " " + word + (count === 1 ? "" : "s");

function dressFrames() {
  frames.forEach((frame, g) => {
    if (!frame.element) return;
    const members = membersOf(g), shape = frame.element.querySelector("path, polygon"), box = shape.getBBox();
    const count = countOf(members.length, "node") + ", " +
      countOf(members.filter((node) => node.kind === "param").length, "param");
    shape.setAttribute("class", "cover");
    draw(frame.element, "text", { class: "count", x: box.x + box.width / 2, y: box.y + box.height / 2 + 4,
      "text-anchor": "middle" }, count);
    frame.base = frame.element.getAttribute("class");
    frame.group = frame.element;
    frame.home = document.createComment("");
    frame.element.after(frame.home);
    graph.setAttribute("role", "group"); /* of an img a screen reader would not find the buttons in it */
    frame.element.setAttribute("role", "button");
    frame.element.setAttribute("tabindex", "0");
    frame.element.setAttribute("aria-label", frame.name + ": " + count);
    frame.element.addEventListener("click", () => toggleFrame(frame));
  });
}

/* A closed frame lies above all that it covers. */
function drawFrames(roles) {
  const atWork = new Set([...roles.nodes].filter(([, role]) => role !== " read").map(([node]) => closedAround(node)));
  frames.forEach((frame, g) => {
    if (!frame.element) return;
    const outermost = outermostClosed(g), hidden = outermost !== -1 && outermost !== g;
    const isHome = frame.home.previousSibling === frame.element;
    if (frame.collapsed && isHome) frame.home.parentNode.append(frame.element);
    if (!frame.collapsed && !isHome) frame.home.before(frame.element);
    frame.element.setAttribute("aria-expanded", String(!frame.collapsed));
    setClass(frame, frame.base + (hidden ? " folded" : "") + (frame.collapsed ? " closed" : "") +
      (atWork.has(g) ? " at-work" : ""));
  });
}

function toggleFrame(frame) {
  const focused = document.activeElement === frame.element;
  frame.collapsed = !frame.collapsed;
  drawMoment(current, rolesOf(story.moments[current]));
  if (focused) frame.element.focus(); /* it was moved */
}

/* ---- packets: a gradient travels from a node to its parents ---- */

const calm = matchMedia("(prefers-reduced-motion: reduce)");
let packets = [];

function clearPackets() {
  for (const { dot } of packets) dot.remove();
  packets = [];
}

function sendPackets(pushes, milliseconds) {
  clearPackets();
  if (calm.matches || document.hidden) return;
  packets = pushes.filter(({ edge }) => !wires[edge].group.classList.contains("folded")).map(({ edge, product }) => {
    const { wire } = wires[edge];
    return { wire, length: wire.getTotalLength(),
      dot: draw(wire.parentNode, "circle", { class: "packet " + signOf(product), r: 6, cx: -99, cy: -99 }) };
  });
  const sent = packets, start = performance.now();
  function move(now) {
    if (sent !== packets) return; /* others are on their way */
    const part = Math.min(1, Math.max(0, (now - start) / milliseconds));
    for (const { wire, length, dot } of sent) {
      const { x, y } = wire.getPointAtLength(length * (1 - part));
      dot.setAttribute("cx", x);
      dot.setAttribute("cy", y);
    }
    if (part < 1) requestAnimationFrame(move);
    else clearPackets();
  }
  requestAnimationFrame(move);
}

/* Hovering over a node or an edge tells its expression or product. */
function dressTips() {
  const tip = draw(graph, "title", {});
  graph.addEventListener("pointerover", (event) => {
    const e = wires.findIndex((wire) => wire.group.contains(event.target));
    const i = boxes.findIndex((box) => box.group.contains(event.target));
    const node = e < 0 ? i : edges[e].child, push = e < 0 ? null : { edge: e, product: story.adds[e] };
    tip.textContent = push && story.pushed[e] <= current ? pushText(push, node, passes.grads[node])
      : i >= 0 && nodes[i].op ? linesOf({ kind: "forward", node: i })[0] : "";
  });
}
