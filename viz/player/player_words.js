/* ---- the words ---- */

const make = (tag, text, className) => {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  if (className) element.className = className;
  return element;
};
const listNames = (list) => {
  const names = [...new Set(list.map(nameOf))];
  if (names.length > 6) return names.slice(0, 5).join(", ") + " and " + (names.length - 5) + " more";
  return names.length < 2 ? names.join("") : names.slice(0, -1).join(", ") + " and " + names[names.length - 1];
};
const partial = (edge) => "∂" + nameOf(edge.child) + "/∂" + nameOf(edge.parent);

function explainStart() {
  const kinds = ["param", "input", "const"].map((kind) => nodes.filter((node) => node.kind === kind).length);
  const parts = kinds.map((count, k) => count + " " + ["param", "input", "constant"][k] + (count === 1 ? "" : "s"))
    .filter((_, k) => kinds[k] > 0);
  return {
    phase: "Start", headline: "The leaves are given",
    words: "There are " + nodes.length + " nodes: " + parts.join(", ") + ", and " +
      nodes.filter((node) => node.op).length + " computed from them.",
    why: "First the values go forward, from left to right, each node once its operands are known. Then the " +
      "gradients go back, from right to left." + (isLive ? " Change a leaf, and all numbers follow." : ""),
    work: legend(),
  };
}

/* The kinds of node differ in shape: a param has a double frame, an input a folded corner, a constant is a pill, and
 * what was computed has round corners. */
function drawShape(group, kind, w, h) {
  const rounded = (r) => `M${r} 0h${w - 2 * r}a${r} ${r} 0 0 1 ${r} ${r}v${h - 2 * r}a${r} ${r} 0 0 1 ${-r} ${r}` +
    `h${2 * r - w}a${r} ${r} 0 0 1 ${-r} ${-r}v${2 * r - h}a${r} ${r} 0 0 1 ${r} ${-r}z`;
  const shapes = {
    param: [rounded(2), `M3 3h${w - 6}v${h - 6}h${6 - w}z`], input: [`M0 0h${w - 9}l9 9v${h - 9}h${-w}z`, `M${w - 9} 0v9h9`],
    const: [rounded(h / 2)], op: [rounded(9)],
  };
  shapes[kind].forEach((d, k) => group.insertBefore(draw(group, "path", { class: k === 0 ? "frame" : "inner", d }),
    group.children[k]));
}

/* What the shapes and colours mean. */
const LEGEND = { param: "a param: is learned, wants a gradient", input: "an input: is given",
  const: "a constant: a plain number", op: "computed from the nodes that point to it; drawn thick: the root" };

function legend() {
  const list = make("ul", undefined, "legend");
  for (const kind of Object.keys(LEGEND)) {
    if (kind !== "op" && !nodes.some((node) => node.kind === kind)) continue;
    const item = make("li");
    drawShape(draw(item, "svg", { class: "node " + kind, viewBox: "-2 -2 34 24", "aria-hidden": "true" }), kind, 30, 20);
    item.append(make("span", LEGEND[kind]));
    list.append(item);
  }
  const item = make("li"), signs = make("span", undefined, "signs");
  signs.append(make("b", "2", "plus"), " ", make("b", "-2", "minus"));
  item.append(signs, make("span", "gradients: blue above 0, orange below"));
  list.append(item);
  return list;
}

function explainForward(moment) {
  const node = nodes[moment.node], name = nameOf(moment.node), y = short(passes.data[moment.node]);
  const parents = edgesOf[moment.node].map((e) => edges[e].parent);
  const work = document.createDocumentFragment();
  work.append(make("div", "engine/ops.h: " + node.op + "_forward,  y = " + ops[node.op].text, "code"));
  const indent = " ".repeat([...name.replace(/\u200e/g, "")].length); /* direction marks have no width */
  const lines = make("div", name + " = " + expressionOf(moment.node) + "\n" + indent + " = " +
    numbersOf(moment.node) + "\n" + indent + " = ", "lines");
  lines.append(make("b", y));
  work.append(lines);
  return {
    phase: "Forward", headline: name + " = " + y,
    words: name + " is computed from " + listNames(parents) +
      (new Set(parents).size === 1 ? ", whose value is known by now." : ", whose values are known by now."),
    why: moment.node === root ? "This is the root: the value being differentiated." :
      "It keeps its operands, so that the gradient can find its way back to them.",
    work,
  };
}

function explainSeed() {
  const name = nameOf(root);
  const work = document.createDocumentFragment();
  work.append(make("div", "root->grad += seed;", "code"));
  work.append(make("div", name + ".grad = ∂" + name + "/∂" + name + " = 1", "lines"));
  return {
    phase: "Backward: the seed", headline: name + ".grad = 1",
    words: "∂" + name + "/∂" + name + " = 1: " + name + " moves by exactly as much as " + name + " moves. All other " +
      "gradients are 0 so far.",
    why: "From here the gradients go back through the graph. When a node's turn comes, all that it is used in has " +
      "pushed already, so its gradient is complete.",
    work,
  };
}

function cell(row, small, text, className) {
  const td = make("td", undefined, className);
  td.append(make("small", small), text);
  row.append(td);
}

/* The line of C as the head of the table, and below each of its words the numbers of this step. */
function productTable(moment) {
  const { op } = nodes[moment.node], grad = short(moment.step.grad);
  const table = make("table");
  const by = new Set(moment.step.pushes.map((push) => edges[push.edge].by).filter((text) => text !== ""));
  table.append(make("caption", "engine/backward.c" + ([...by].length ? ", local by " + [...by].map((text) =>
    op + "_" + text).join(" and ") : "")));
  const head = make("tr");
  for (const word of ["parent->grad", "+=", "local", "*", "grad;"]) head.append(make("th", word));
  head.append(make("th", "adds", "aside"), make("th", "grad now", "aside"));
  const top = make("thead"), body = make("tbody");
  top.append(head);
  for (const push of moment.step.pushes) {
    const edge = edges[push.edge], row = make("tr"), parent = nameOf(edge.parent);
    const formula = derivativeOf(push.edge), local = short(passes.local[push.edge]);
    cell(row, parent + ".grad", short(push.before));
    cell(row, "\u00a0", "+=");
    cell(row, partial(edge) + (formula === local ? "" : " = " + formula), local);
    cell(row, "\u00a0", "·");
    cell(row, nameOf(moment.node) + ".grad", grad);
    cell(row, "\u00a0", short(push.product), signOf(push.product));
    cell(row, parent + ".grad", short(push.after), "result " + signOf(push.after));
    body.append(row);
  }
  table.append(top, body);
  return table;
}

/* What the local derivatives say here, and why += where something was there before. */
function explainNumbers(moment) {
  const pushes = moment.step.pushes;
  const first = pushes[0], child = nameOf(moment.node), parent = nameOf(edges[first.edge].parent);
  const local = short(passes.local[first.edge]), grad = short(moment.step.grad);
  let text = "Nudge " + parent + " by a little h, and " + child + " moves by about " + local + "·h. A gradient of " +
    grad + " at " + child + " is therefore worth " + inProduct(local) + "·" + inProduct(grad) + " = " +
    short(first.product) + " at " + parent + ".";
  const again = pushes.find((push) => push.before !== 0);
  if (again) {
    const name = nameOf(edges[again.edge].parent);
    text += " " + name + " had " + short(again.before) + " already, along another edge: the paths add up, hence +=.";
  }
  return text;
}

function explainPush(moment) {
  const { op } = nodes[moment.node], { pushes, grad } = moment.step;
  const others = edgesOf[moment.node].map((e) => edges[e].parent).filter((p) => !nodes[p].wants);
  let words = pushes.length > 0 ? explainNumbers(moment) : "";
  if (others.length > 0)
    words += (words ? " " : "") + "Nothing goes to " + listNames(others) + ": no gradient is needed there.";
  return {
    phase: "Backward", headline: nameOf(moment.node) + " pushes its gradient " + short(grad) + " to " +
      listNames(pushes.map((push) => edges[push.edge].parent)),
    words, why: ops[op].why || op + " computes y = " + ops[op].text + ".", work: productTable(moment),
  };
}

function explainEnd() {
  if (!nodes[root].wants)
    return {
      phase: "End", headline: nameOf(root) + " = " + short(passes.data[root]),
      words: nameOf(root) + " depends on no param, so there is no gradient to compute. Make the leaves that " +
        "want one with v_param.", why: "",
    };
  const name = nameOf(root), table = make("table"), body = make("tbody"), head = make("thead"), row = make("tr");
  const params = nodes.map((node, i) => i).filter((i) => nodes[i].kind === "param");
  row.append(make("th", "param"), make("th", "data"), make("th", "grad = ∂" + name + "/∂param"));
  head.append(row);
  for (const i of params) {
    const line = make("tr"), grad = passes.grads[i];
    line.append(make("td", nameOf(i)), make("td", short(passes.data[i])), make("td", short(grad), "result " + signOf(grad)));
    body.append(line);
  }
  table.append(head, body);
  const turned = new Set(passes.steps.map((step) => step.node));
  const passed = nodes.map((node, i) => i).filter((i) => nodes[i].op && nodes[i].wants && !turned.has(i));
  return {
    phase: "End", headline: "Every gradient is complete",
    words: "Each param's gradient says how " + name + " responds to it: nudge the param by a little h, and " + name +
      " moves by about gradient·h. To lower " + name + ", move each param against its gradient.",
    why: passed.length > 0 ? listNames(passed) + (passed.length === 1 ? " was" : " were") + " passed over: a gradient " +
      "of 0 has nothing to push." : "",
    work: table,
  };
}

const explainers = { start: explainStart, forward: explainForward, seed: explainSeed, push: explainPush, end: explainEnd };

/* ---- a moment in a line, or a line per push ---- */

function pushText(push, node, grad) {
  const edge = edges[push.edge], formula = derivativeOf(push.edge), local = short(passes.local[push.edge]);
  return nameOf(edge.parent) + ".grad += " + partial(edge) + " · " + nameOf(node) + ".grad = " +
    (formula === local ? "" : inProduct(formula) + " · " + short(grad) + " = ") +
    local + " · " + short(grad) + " = " + short(push.product);
}

function linesOf(moment) {
  const i = moment.node;
  if (moment.kind === "start") return ["the leaves are given"];
  if (moment.kind === "forward")
    return [nameOf(i) + " = " + expressionOf(i) + " = " + numbersOf(i) + " = " + short(passes.data[i])];
  if (moment.kind === "seed") return [nameOf(i) + ".grad = 1"];
  if (moment.kind === "end") return ["every gradient is complete"];
  const { pushes, grad } = moment.step;
  if (pushes.length === 0) return [nameOf(i) + " pushes nothing"];
  return pushes.map((push) => pushText(push, i, grad) + "   (" + short(push.before) + " → " + short(push.after) + ")");
}
