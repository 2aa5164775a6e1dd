/* ---- the page's own layout, where there was no dot: layers from left to right ---- */

/* Math.max(...list) overflows the stack for a large graph. */
function largest(list, of) { return list.reduce((most, item) => Math.max(most, of(item)), -Infinity); }

/* A box around its texts, with room for numbers that leaves dragged along give. */
function drawBox(node, i) {
  const PADDING = 9, ROW = 17, COLUMN = 36, longest = "-0." + "8".repeat(Math.min(digits, 8));
  const group = draw(graph, "g", { class: "node " + node.kind + (i === root ? " root" : ""), id: "n" + node.number });
  let x = PADDING, y = PADDING + 11, width = 0;
  const put = (className, content) => {
    x += lengthOf(draw(group, "text", { class: className, x, y }, content));
    width = Math.max(width, x);
  };
  const putRow = (caption, className, content) => {
    x = PADDING;
    y += ROW;
    put(caption, className);
    x = PADDING + COLUMN;
    put(className, content);
  };
  if (node.kind === "const") {
    if (!isPlain(i)) put("name", node.name + " ");
    put("data", longest);
  } else {
    put("name", nameOf(i));
    put("expression", node.op ? "\u00a0= " + expressionOf(i) : "\u00a0\u00a0" + node.kind);
    putRow("caption", "data", longest);
  }
  if (node.wants) putRow("caption of-grad", "grad", longest);
  drawShape(group, node.kind, width + PADDING, y + PADDING);
  return { group, width: width + PADDING, height: y + PADDING };
}

/* The items of a layer in the order of their wishes, one below the other: pushing down those that would overlap meets
 * the wishes of the upper ones, pushing up those of the lower ones, and halfway between nothing overlaps either. */
function stack(items) {
  const GAP = 26;
  let bottom = -Infinity, top = Infinity;
  items.sort((a, b) => a.wish - b.wish);
  for (const item of items) {
    item.y = Math.max(item.wish, bottom + item.height / 2);
    bottom = item.y + item.height / 2 + GAP;
  }
  for (const item of [...items].reverse()) {
    const raised = Math.min(item.wish, top - item.height / 2);
    top = raised - item.height / 2 - GAP;
    item.y = (item.y + raised) / 2;
  }
}

/* A node's layer is one after its last parent's, and a leaf's one before its first child's. On its way to a child
 * further on, a node's line takes a place, a lane, in each layer between. Then lanes[node][k - layer[node]] is what
 * stands in layer k. */
function makeLayers(drawn) {
  const LANE = 30, SWEEPS = 6;
  const layer = nodes.map(() => 0), before = nodes.map(() => []), layers = [];
  for (const edge of edges) layer[edge.child] = Math.max(layer[edge.child], layer[edge.parent] + 1);
  for (const edge of edges) before[edge.parent].push(layer[edge.child] - 1);
  nodes.forEach((node, i) => { if (!node.op && before[i].length > 0) layer[i] = Math.min(...before[i]); });
  const join = (left, right) => { left.right.push(right); right.left.push(left); };
  const lanes = nodes.map((node, i) => {
    const list = [];
    for (let k = layer[i]; k <= Math.max(layer[i], ...before[i]); k++) {
      const item = { node: i, passes: k > layer[i], height: k > layer[i] ? LANE : drawn[i].height, left: [], right: [] };
      if (item.passes) join(list[list.length - 1], item);
      (layers[k] = layers[k] || []).push(item);
      item.wish = layers[k].length;
      list.push(item);
    }
    return list;
  });
  for (const edge of edges) join(lanes[edge.parent][layer[edge.child] - 1 - layer[edge.parent]], lanes[edge.child][0]);
  layers.forEach(stack);
  const settle = (side) => (items) => {
    for (const item of items)
      if (item[side].length > 0) item.wish = item[side].reduce((sum, other) => sum + other.y, 0) / item[side].length;
      else item.wish = item.y;
    stack(items);
  };
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    layers.slice(1).forEach(settle("left"));
    layers.slice(0, -1).reverse().forEach(settle("right"));
  }
  return { layer, lanes, layers };
}

function drawLabel(group, e) {
  const texts = [["local", localText(e)], ["adds", addsText(e)]].map(([className, text]) =>
    draw(group, "text", { class: className, "text-anchor": "middle" }, text));
  return { texts, width: Math.max(...texts.map(lengthOf)) + 8, height: 32 };
}

/* Move the label up or down to the nearest place where it overlaps nothing; if there is none near, it stays. */
function placeLabel(label, x, y, taken) {
  const TRIES = 9;
  const clear = (at) => taken.every((box) => Math.abs(box.x - x) >= (box.width + label.width) / 2 ||
    Math.abs(box.y - at) >= (box.height + label.height) / 2);
  for (let k = 0; k < TRIES; k++) {
    const at = y + Math.ceil(k / 2) * (k % 2 === 0 ? 1 : -1) * label.height / 2;
    if (!clear(at)) continue;
    y = at;
    break;
  }
  taken.push({ x, y, width: label.width, height: label.height });
  label.texts.forEach((text, k) => { text.setAttribute("x", x); text.setAttribute("y", y - 3 + 14 * k); });
}

/* Layers are side by side, each as wide as its widest box, with room between for the labels of its edges. */
function placeColumns(plan) {
  const MARGIN = 16, GAP = 50;
  let right = MARGIN - GAP;
  const columns = plan.layers.map((items) => {
    const own = items.filter((item) => !item.passes).map((item) => item.node);
    const x = right + GAP + Math.max(0, ...own.flatMap((node) => edgesOf[node].map((e) => plan.labels[e].width)));
    right = x + largest(own, (node) => plan.boxes[node].width);
    return { x, right };
  });
  const all = plan.layers.flat(), above = largest(all, (item) => item.height / 2 - item.y) + MARGIN;
  for (const item of all) item.y += above;
  plan.boxes.forEach((box, i) => {
    const column = columns[plan.layer[i]];
    box.x = (column.x + column.right) / 2;
    box.y = plan.lanes[i][0].y;
    box.group.setAttribute("transform", `translate(${box.x - box.width / 2} ${box.y - box.height / 2})`);
  });
  return columns;
}

/* From the parent's box along its lanes to the child's, and the label at that end where fewer edges meet. */
function drawEdge(plan, edge, e) {
  const BOW = 54, BESIDE = 12, ABOVE = 17;
  const parent = plan.boxes[edge.parent], child = plan.boxes[edge.child], arriving = edgesOf[edge.child];
  const first = plan.layer[edge.parent], last = plan.layer[edge.child];
  let x = parent.x + parent.width / 2, y = parent.y, d = `M${x} ${y}`, start;
  const curve = (toX, toY, bow) => {
    start = { x, y };
    d += `C${(x + toX) / 2} ${y + bow} ${(x + toX) / 2} ${toY + bow} ${toX} ${toY}`;
    x = toX;
    y = toY;
  };
  for (let k = first + 1; k < last; k++) {
    curve(plan.columns[k].x, plan.lanes[edge.parent][k - first].y, 0);
    curve(plan.columns[k].right, y, 0);
  }
  /* edges arrive in the order of where they come from; those of x*x bow apart */
  const equal = arriving.filter((other) => edges[other].parent === edge.parent);
  const bow = BOW * (equal.indexOf(e) - (equal.length - 1) / 2);
  const from = (other) => plan.lanes[edges[other].parent][last - 1 - plan.layer[edges[other].parent]].y;
  const above = arriving.filter((other) => from(other) < from(e) || (from(other) === from(e) && other < e)).length;
  const share = (above + 0.5) / arriving.length - 0.5;
  curve(child.x - child.width / 2, child.y + share * child.height / 2, bow);
  const group = plan.groups[e], label = plan.labels[e], aside = label.width / 2 + BESIDE;
  group.prepend(draw(group, "path", { class: "wire", d, "stroke-width": 1.6 }),
    draw(group, "path", { class: "tip", d: `M${x} ${y}l-9-3.7v7.4z` }));
  if (label.texts.length === 0) return;
  if (bow !== 0) placeLabel(label, (start.x + x) / 2, (start.y + y) / 2 + 0.75 * bow - ABOVE, plan.taken);
  else if (arriving.length >= plan.lanes[edge.parent][0].right.length)
    placeLabel(label, start.x + aside, start.y - ABOVE, plan.taken);
  else placeLabel(label, x - aside, y + (share <= 0 ? -ABOVE : ABOVE), plan.taken);
}

function layOut() {
  const MARGIN = 16;
  const groups = edges.map((edge) => draw(graph, "g", { class: "edge", id: idOf(edge) }));
  const labels = edges.map((edge, e) => nodes[edge.parent].wants ? drawLabel(groups[e], e) : { texts: [], width: 0 });
  const boxes = nodes.map(drawBox);
  const plan = { groups, labels, boxes, taken: [...boxes], ...makeLayers(boxes) };
  plan.columns = placeColumns(plan);
  edges.forEach((edge, e) => drawEdge(plan, edge, e));
  const right = plan.columns[plan.columns.length - 1].right;
  const bottom = largest(plan.layers.flat().concat(plan.taken), (item) => item.y + item.height / 2);
  graph.setAttribute("viewBox", `0 0 ${right + MARGIN} ${bottom + MARGIN}`);
}

