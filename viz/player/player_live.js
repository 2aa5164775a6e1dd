/* The two passes, computed in the page: what the engine does, for leaves that the reader has changed. Until then the
 * values and local derivatives are those that the engine wrote; the reverse walk over them is always done here. */
const get = (id) => document.getElementById(id);
const { digits, expression, ops, nodes, groups } = JSON.parse(get("numbers").textContent);
const root = nodes.length - 1;
const indexOf = new Map(nodes.map((node, i) => [node.number, i])); /* by the node's number in the engine */

/* Edges lie child by child, and for each child in operand order, repeats included: all of a, then the bias, then all of
 * b. An edge knows the function of its derivative, and the nodes a and b that this function is asked for. */
const edges = [], edgesOf = nodes.map(() => []);
nodes.forEach((node, child) => {
  if (!node.op) return;
  const count = node.parents.length, bias = node.bias ? 1 : 0, hasB = ops[node.op].db !== undefined;
  const parents = node.parents.map((number) => indexOf.get(number)), n = hasB ? (count - bias) / 2 : count;
  const lists = { a: parents.slice(0, n), b: parents.slice(n + bias), bias: bias ? parents[n] : undefined };
  Object.assign(node, { n, lists });
  parents.forEach((parent, operand) => {
    const by = operand < n ? "da" : bias && operand === n ? "" : "db", i = by === "db" ? operand - n - bias : operand;
    edgesOf[child].push(edges.length);
    edges.push({ parent, child, operand, by, a: lists.a[i], b: lists.b[i] });
  });
});

/* The order in which the walk pushes: pair by pair, and to the bias last. */
const turnsOf = nodes.map((node, i) => {
  const all = edgesOf[i], b = all.filter((e) => edges[e].by === "db");
  return [...all.filter((e) => edges[e].by === "da").flatMap((e, k) => k < b.length ? [e, b[k]] : [e]),
    ...all.filter((e) => edges[e].by === "")];
});

/* ---- numbers as text ---- */

/* As C's printf("%.*g") writes it, with halves to even; -0 is 0, and NaN has no sign. */
function numberText(x, precision) {
  if (Number.isNaN(x)) return "nan";
  if (x === 0 || !Number.isFinite(x)) return x === 0 ? "0" : x > 0 ? "inf" : "-inf";
  const [mantissa, power] = Math.abs(x).toExponential(100).split("e"), all = mantissa.replace(".", "");
  const rest = all.slice(precision), half = "5".padEnd(rest.length, "0");
  let kept = BigInt(all.slice(0, precision)), exponent = Number(power);
  if (rest > half || (rest === half && kept % 2n === 1n)) kept++;
  let text = String(kept);
  if (text.length > precision) exponent++;
  text = text.slice(0, precision);
  const trim = (decimal) => decimal.includes(".") ? decimal.replace(/\.?0*$/, "") : decimal;
  const sign = x < 0 ? "-" : "", size = String(Math.abs(exponent)).padStart(2, "0");
  if (exponent < -4 || exponent >= precision)
    return sign + trim(text[0] + "." + text.slice(1)) + "e" + (exponent < 0 ? "-" : "+") + size;
  if (exponent < 0) return sign + trim("0." + "0".repeat(-exponent - 1) + text);
  return sign + trim(text.slice(0, exponent + 1) + "." + text.slice(exponent + 1));
}

const short = (x) => numberText(x, digits); /* as the page shows it */

/* A number in the page's JSON: what JSON cannot write is a text. */
const numberOf = (x) => typeof x === "number" ? x : { nan: NaN, inf: Infinity, "-inf": -Infinity }[x];

/* ---- the two passes ---- */

const functions = cFunctions(get("functions").textContent);
const isLive = nodes.every((node) => !node.op || functions[node.op + "_forward"]);

function evaluate(node, data) {
  const forward = functions[node.op + "_forward"], dataOf = (list) => list.map((i) => data[i]);
  const a = dataOf(node.lists.a), b = dataOf(node.lists.b);
  if (!ops[node.op].takesLists) return forward(a[0], b.length > 0 ? b[0] : 0);
  const y = forward(node.n, a, b, 1);
  return node.bias ? y + data[node.lists.bias] : y;
}

/* What stands for a, b and y at an edge; where there is no b it is how many operands there are. */
const variablesAt = (edge, data) =>
  ({ a: data[edge.a], b: edge.b === undefined ? nodes[edge.child].n : data[edge.b], y: data[edge.child] });

function localDerivative(edge, data) {
  if (edge.by === "") return 1;
  const { a, b, y } = variablesAt(edge, data);
  return functions[nodes[edge.child].op + "_" + edge.by](a, b, y);
}

/* The reverse walk of engine/backward.c: a step for each node that has a gradient to push. */
function walk(local) {
  const grads = nodes.map(() => 0), steps = [];
  if (nodes[root].wants) grads[root] = 1;
  for (let node = root; node >= 0; node--) {
    const grad = grads[node];
    if (!nodes[node].op || grad === 0) continue;
    const pushes = turnsOf[node].filter((e) => nodes[edges[e].parent].wants).map((edge) => {
      const { parent } = edges[edge], before = grads[parent], product = local[edge] === 0 ? 0 : local[edge] * grad;
      return { edge, product, before, after: grads[parent] += product };
    });
    steps.push({ node, grad, pushes });
  }
  return { grads, steps };
}

/* Both passes for leaves of these values: data of each node, local derivative of each edge, gradients and steps. */
function computePasses(leaves) {
  const data = [];
  nodes.forEach((node, i) => data.push(node.op ? evaluate(node, data) : leaves[i]));
  const local = edges.map((edge) => localDerivative(edge, data));
  return { data, local, ...walk(local) };
}

/* The passes that the engine made. */
const written = nodes.map((node) => numberOf(node.data));
function writtenPasses() {
  const local = nodes.flatMap((node) => node.op ? node.local.map(numberOf) : []);
  return { data: written, local, ...walk(local) };
}

/* ---- formulas: the op table's texts, where #a, #b and #y or the numbers of nodes hold the place of operands ---- */

const isWord = (text) => /^[\w.\]'\u0080-\uffff]*(\[[\w.[\]',\u0080-\uffff]*)?$/.test(text);

/* An operand that has an operator beside it, (#a), keeps its parentheses if it has one of its own. */
function fill(formula, textOf) {
  return formula.replace(/(?<![\w.])\(#(\w+)\)|#(\w+)/g, (_, apart, alone) => {
    const text = textOf(apart || alone);
    return alone || isWord(text) ? text : "(" + text + ")";
  });
}

const formulas = new Map(); /* the derivatives' formulas as functions, null where a function is not known */
function formulaOf(text) {
  if (!formulas.has(text)) {
    try { formulas.set(text, cExpression(text.replaceAll("#", ""), functions)); } catch { formulas.set(text, null); }
  }
  return formulas.get(text);
}

/* Whether a formula gives the derivative, as in engine/value.c: not at a kink. */
function formulaHolds(text, variables, derivative) {
  const compute = formulaOf(text), value = compute ? compute(variables) : derivative;
  if (!Number.isFinite(value) || !Number.isFinite(derivative)) return Object.is(value, derivative);
  return Math.abs(value - derivative) <= 1e-9 * Math.max(1, Math.abs(derivative));
}

/* ---- what is shown now ---- */

let passes = writtenPasses();
let story; /* the same as a list of moments */

/* Moments: the start, one per node in the forward pass, the seed, one per node in the reverse walk, the end. What the
 * picture shows of each node and edge, from which moment on: known[node], grads[node] = [[moment, number], …],
 * pushed[edge] = moment, adds[edge] = number. */
function makeStory() {
  const known = nodes.map(() => 0), grads = nodes.map(() => []);
  const pushed = edges.map(() => Infinity), adds = edges.map(() => 0);
  const moments = [{ kind: "start" }];
  nodes.forEach((node, i) => { if (node.op) known[i] = moments.push({ kind: "forward", node: i }) - 1; });
  const seedAt = moments.length;
  if (nodes[root].wants) grads[root].push([moments.push({ kind: "seed", node: root }) - 1, 1]);
  for (const step of passes.steps) {
    const at = moments.push({ kind: "push", node: step.node, step }) - 1;
    for (const push of step.pushes) {
      const seen = grads[edges[push.edge].parent];
      if (seen.length > 0 && seen[seen.length - 1][0] === at) seen.pop();
      seen.push([at, push.after]);
      pushed[push.edge] = at;
      adds[push.edge] = push.product;
    }
  }
  moments.push({ kind: "end" });
  return { moments, seedAt, last: moments.length - 1, known, grads, pushed, adds };
}

function gradAt(node, at) {
  let found = 0;
  for (const [from, grad] of story.grads[node]) {
    if (from > at) break;
    found = grad;
  }
  return found;
}

/* ---- names and formulas with the numbers of now ---- */

const isPlain = (node) => nodes[node].kind === "const" && nodes[node].name === undefined; /* its number is its name */
const nameOf = (node) => isPlain(node) ? short(passes.data[node]) : nodes[node].name || "v" + nodes[node].number;
const nameInside = (node) => nodes[node].inside || nameOf(node);
const inProduct = (text) => /[ <>]/.test(text) || text.startsWith("-") ? "(" + text + ")" : text;
const expressionOf = (node) => fill(nodes[node].formula, (number) => nameInside(indexOf.get(Number(number))));
const numbersOf = (node) => fill(nodes[node].formula, (number) => short(passes.data[indexOf.get(Number(number))]));

/* A derivative as a formula of names, or its number where the formula does not give it. */
function derivativeOf(e) {
  const edge = edges[e], local = passes.local[e], formula = edge.by ? ops[nodes[edge.child].op][edge.by] : "1";
  if (!formulaHolds(formula, variablesAt(edge, passes.data), local)) return short(local);
  return fill(formula, (place) => nameInside(edge[{ a: "a", b: "b", y: "child" }[place]]));
}
