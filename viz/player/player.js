"use strict";
/* The player's page: shows one moment of the two passes at a time. All numbers are texts that the engine wrote.
 * Moments: the start, one per node in the forward pass, the seed, one per node in the reverse walk, the end. */
(() => {
  const data = JSON.parse(document.getElementById("steps").textContent);
  const { nodes, edges, steps, ops } = data;
  const root = nodes.length - 1;
  const get = (id) => document.getElementById(id);
  const stage = get("stage"), graph = get("graph"), slider = get("slider");

  /* ---- the moments ---- */

  const moments = [{ kind: "start" }];
  nodes.forEach((node, i) => { if (node.op) moments.push({ kind: "forward", node: i }); });
  const seedAt = moments.length;
  if (nodes[root].wants) {
    moments.push({ kind: "seed", node: root });
    steps.forEach((step) => moments.push({ kind: "push", node: step.node, step }));
  }
  moments.push({ kind: "end" });
  const last = moments.length - 1;

  /* What the picture shows of each node and edge, from which moment on: known[node], grads[node] = [[moment, text], …],
   * pushed[edge] = moment, adds[edge] = text. */
  const known = nodes.map(() => 0);
  const grads = nodes.map(() => []);
  const pushed = edges.map(() => Infinity);
  const adds = edges.map(() => "");
  const parentsOf = nodes.map(() => []);
  edges.forEach((edge, e) => parentsOf[edge.child].push(e));
  moments.forEach((moment, at) => {
    if (moment.kind === "forward") known[moment.node] = at;
    if (moment.kind === "seed") grads[root].push([at, "1"]);
    if (moment.kind !== "push") return;
    for (const push of moment.step.pushes) {
      const seen = grads[edges[push.edge].parent];
      if (seen.length > 0 && seen[seen.length - 1][0] === at) seen.pop();
      seen.push([at, push.after]);
      pushed[push.edge] = at;
      adds[push.edge] = push.product;
    }
  });

  /* ---- the picture ---- */

  const nameOf = (node) => nodes[node].kind === "const" && /^v\d+$/.test(nodes[node].name) ? nodes[node].data
    : nodes[node].name;
  const inProduct = (text) => /[ <>]/.test(text) || text.startsWith("-") ? "(" + text + ")" : text;
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

  if (get("graph").querySelector(".node")) dress();
  else layOut();

  /* A gradient is written from its right end: on the way it may be longer or shorter than in the end. */
  const boxes = nodes.map((node) => {
    const group = get("n" + node.number), grad = group.querySelector(".grad");
    if (grad !== null) {
      grad.setAttribute("x", Number(grad.getAttribute("x")) + lengthOf(grad));
      grad.setAttribute("text-anchor", "end");
    }
    return { group, grad, base: group.getAttribute("class"), shown: "", text: null };
  });
  const wires = edges.map((edge) => ({ group: get(idOf(edge)), shown: "" }));

  const signOf = (text) => /nan/.test(text) ? "unsound" : text === "0" ? "zero" : text.startsWith("-") ? "minus" : "plus";

  function gradAt(node, at) {
    let found = "0";
    for (const [from, text] of grads[node]) {
      if (from > at) break;
      found = text;
    }
    return found;
  }

  function setClass(item, text) {
    if (item.shown === text) return;
    item.shown = text;
    item.group.setAttribute("class", text);
  }

  function drawNodes(at, roles) {
    boxes.forEach((box, i) => {
      const grad = gradAt(i, at);
      let text = box.base + (known[i] > at ? " waiting" : "") + (roles.nodes.get(i) || "");
      if (box.grad !== null) {
        if (at >= seedAt) text += " " + signOf(grad);
        if (box.text !== grad) box.grad.textContent = box.text = grad;
      }
      setClass(box, text);
    });
  }

  function drawEdges(at, roles) {
    wires.forEach((wire, e) => {
      const sign = pushed[e] <= at ? " " + signOf(adds[e]) : " unpushed";
      setClass(wire, "edge" + sign + (roles.edges.get(e) || ""));
    });
  }

  /* Which nodes and edges play a part in this moment. */
  function rolesOf(moment) {
    const roles = { nodes: new Map(), edges: new Map() };
    if (moment.kind === "forward") {
      for (const e of parentsOf[moment.node]) {
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

  /* ---- the page's own layout, where there was no dot: layers from left to right ---- */

  /* Math.max(...list) overflows the stack for a large graph. */
  function largest(list, of) { return list.reduce((most, item) => Math.max(most, of(item)), -Infinity); }

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

  /* A box around its texts, with room for the longest gradient. */
  function drawBox(node, i) {
    const PADDING = 9, ROW = 17, COLUMN = 36;
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
      if (nameOf(i) === node.name) put("name", node.name + " ");
      put("data", node.data);
    } else {
      put("name", node.name);
      put("expression", node.op ? "\u00a0= " + node.formula : "\u00a0\u00a0" + node.kind);
      putRow("caption", "data", node.data);
    }
    const longest = grads[i].reduce((text, [, next]) => next.length > text.length ? next : text, "0");
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

  function drawLabel(group, edge, e) {
    const formula = edge.formula === edge.local ? "" : (/[<>]/.test(edge.formula) ? inProduct(edge.formula) : edge.formula) + "=";
    const texts = [["local", "∂=" + formula + edge.local], ["adds", "+= " + adds[e]]].map(([className, text]) =>
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
      const x = right + GAP + Math.max(0, ...own.flatMap((node) => parentsOf[node].map((e) => plan.labels[e].width)));
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
    const parent = plan.boxes[edge.parent], child = plan.boxes[edge.child], arriving = parentsOf[edge.child];
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
    const labels = edges.map((edge, e) => nodes[edge.parent].wants ? drawLabel(groups[e], edge, e) : { texts: [], width: 0 });
    const boxes = nodes.map(drawBox);
    const plan = { groups, labels, boxes, taken: [...boxes], ...makeLayers(boxes) };
    plan.columns = placeColumns(plan);
    edges.forEach((edge, e) => drawEdge(plan, edge, e));
    const right = plan.columns[plan.columns.length - 1].right;
    const bottom = largest(plan.layers.flat().concat(plan.taken), (item) => item.y + item.height / 2);
    graph.setAttribute("viewBox", `0 0 ${right + MARGIN} ${bottom + MARGIN}`);
  }

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
        "gradients go back, from right to left.",
      work: legend(),
    };
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
    const node = nodes[moment.node];
    const parents = parentsOf[moment.node].map((e) => edges[e].parent);
    const work = document.createDocumentFragment();
    work.append(make("div", "engine/ops.h: " + node.op + "_forward,  y = " + ops[node.op].text, "code"));
    const indent = " ".repeat([...node.name.replace(/\u200e/g, "")].length); /* direction marks have no width */
    const lines = make("div", node.name + " = " + node.formula + "\n" + indent + " = " +
      node.numbers + "\n" + indent + " = ", "lines");
    lines.append(make("b", node.data));
    work.append(lines);
    return {
      phase: "Forward", headline: node.name + " = " + node.data,
      words: node.name + " is computed from " + listNames(parents) +
        (new Set(parents).size === 1 ? ", whose value is known by now." : ", whose values are known by now."),
      why: moment.node === root ? "This is the root: the value being differentiated." :
        "It keeps its operands, so that the gradient can find its way back to them.",
      work,
    };
  }

  function explainSeed() {
    const name = nodes[root].name;
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
    const node = nodes[moment.node];
    const table = make("table");
    const by = new Set(moment.step.pushes.map((push) => edges[push.edge].by).filter((text) => text !== ""));
    table.append(make("caption", "engine/backward.c" + ([...by].length ? ", local by " + [...by].map((text) =>
      node.op + text).join(" and ") : "")));
    const head = make("tr");
    for (const word of ["parent->grad", "+=", "local", "*", "grad;"]) head.append(make("th", word));
    head.append(make("th", "adds", "aside"), make("th", "grad now", "aside"));
    const top = make("thead"), body = make("tbody");
    top.append(head);
    for (const push of moment.step.pushes) {
      const edge = edges[push.edge], row = make("tr"), parent = nameOf(edge.parent);
      cell(row, parent + ".grad", push.before);
      cell(row, "\u00a0", "+=");
      cell(row, partial(edge) + (edge.formula === edge.local ? "" : " = " + edge.formula), edge.local);
      cell(row, "\u00a0", "·");
      cell(row, node.name + ".grad", moment.step.grad);
      cell(row, "\u00a0", push.product, signOf(push.product));
      cell(row, parent + ".grad", push.after, "result " + signOf(push.after));
      body.append(row);
    }
    table.append(top, body);
    return table;
  }

  /* What the local derivatives say here, and why += where something was there before. */
  function explainNumbers(moment) {
    const pushes = moment.step.pushes;
    const first = pushes[0], edge = edges[first.edge], child = nodes[moment.node].name, parent = nameOf(edge.parent);
    let text = "Nudge " + parent + " by a little h, and " + child + " moves by about " + edge.local + "·h. A gradient of " +
      moment.step.grad + " at " + child + " is therefore worth " + inProduct(edge.local) + "·" +
      inProduct(moment.step.grad) + " = " + first.product + " at " + parent + ".";
    const again = pushes.find((push) => push.before !== "0");
    if (again) {
      const name = nameOf(edges[again.edge].parent);
      text += " " + name + " had " + again.before + " already, along another edge: the paths add up, hence +=.";
    }
    return text;
  }

  function explainPush(moment) {
    const node = nodes[moment.node];
    const pushes = moment.step.pushes;
    const others = parentsOf[moment.node].map((e) => edges[e].parent).filter((p) => !nodes[p].wants);
    let words = pushes.length > 0 ? explainNumbers(moment) : "";
    if (others.length > 0)
      words += (words ? " " : "") + "Nothing goes to " + listNames(others) + ": no gradient is needed there.";
    return {
      phase: "Backward", headline: node.name + " pushes its gradient " + moment.step.grad + " to " +
        listNames(pushes.map((push) => edges[push.edge].parent)),
      words, why: ops[node.op].why || node.op + " computes y = " + ops[node.op].text + ".", work: productTable(moment),
    };
  }

  function explainEnd() {
    if (!nodes[root].wants)
      return {
        phase: "End", headline: nodes[root].name + " = " + nodes[root].data,
        words: nodes[root].name + " depends on no param, so there is no gradient to compute. Make the leaves that " +
          "want one with v_param.", why: "",
      };
    const name = nodes[root].name, table = make("table"), body = make("tbody"), head = make("thead"), row = make("tr");
    const params = nodes.map((node, i) => i).filter((i) => nodes[i].kind === "param");
    row.append(make("th", "param"), make("th", "data"), make("th", "grad = ∂" + name + "/∂param"));
    head.append(row);
    for (const i of params) {
      const line = make("tr"), grad = gradAt(i, last);
      line.append(make("td", nodes[i].name), make("td", nodes[i].data), make("td", grad, "result " + signOf(grad)));
      body.append(line);
    }
    table.append(head, body);
    const turned = new Set(steps.map((step) => step.node));
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

  /* ---- showing a moment ---- */

  let current = -1, timer = null;

  function show(at) {
    at = Math.max(0, Math.min(last, at));
    if (at === last) pause();
    if (at === current) return;
    current = at;
    const moment = moments[at], roles = rolesOf(moment), text = explainers[moment.kind](moment);
    graph.classList.toggle("no-grads", at < seedAt || !nodes[root].wants);
    drawNodes(at, roles);
    drawEdges(at, roles);
    get("phase").textContent = text.phase;
    get("headline").textContent = text.headline;
    get("words").textContent = text.words;
    get("why").textContent = text.why;
    get("work").replaceChildren(...(text.work ? [text.work] : []));
    get("panel").className = at === 0 || at === last ? "" : at < seedAt ? "forward" : "backward";
    get("panel").scrollTop = 0;
    slider.value = at;
    slider.setAttribute("aria-valuetext", at + " of " + last + ", " + text.phase + ": " + text.headline);
    get("count").textContent = at + " / " + last;
    get("first").disabled = get("back").disabled = at === 0;
    get("next").disabled = get("last").disabled = at === last;
    if (list) markInList();
    if (moment.node !== undefined) follow(moment.node, roles.nodes.keys());
  }

  /* ---- playing ---- */

  const MOMENT_MS = 1800;

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
    timer = setTimeout(tick, MOMENT_MS / Number(get("speed").value));
    show(current + 1);
  }

  function play() {
    if (current === last) show(0);
    timer = setTimeout(tick, MOMENT_MS / 3 / Number(get("speed").value));
    describePlay();
  }

  const toggle = () => timer !== null ? pause() : play();
  const go = (at) => { pause(); show(at); };

  /* ---- zoom ---- */

  const size = graph.viewBox.baseVal;
  const MOST = 3;
  let scale = 1, fitted = true;
  const calm = matchMedia("(prefers-reduced-motion: reduce)");

  function setScale(wanted) {
    const middle = [(stage.scrollLeft + stage.clientWidth / 2) / scale, (stage.scrollTop + stage.clientHeight / 2) / scale];
    scale = Math.max(0.05, Math.min(MOST, wanted));
    graph.style.width = size.width * scale + "px";
    graph.style.height = size.height * scale + "px";
    stage.scrollLeft = middle[0] * scale - stage.clientWidth / 2;
    stage.scrollTop = middle[1] * scale - stage.clientHeight / 2;
  }

  const scaleToFit = () => Math.min(stage.clientWidth / size.width, stage.clientHeight / size.height, 2);
  const zoom = (factor) => { fitted = false; setScale(scale * factor); };
  const LEAST_READABLE = 1;
  const fitAll = () => { fitted = false; setScale(scaleToFit()); };
  const fitReadable = () => { if (fitted) setScale(Math.max(LEAST_READABLE, scaleToFit())); };

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

  function linesOf(moment) {
    const node = nodes[moment.node];
    if (moment.kind === "start") return ["the leaves are given"];
    if (moment.kind === "forward") return [node.name + " = " + node.formula + " = " + node.numbers + " = " + node.data];
    if (moment.kind === "seed") return [node.name + ".grad = 1"];
    if (moment.kind === "end") return ["every gradient is complete"];
    return moment.step.pushes.map((push) => {
      const edge = edges[push.edge];
      return nameOf(edge.parent) + ".grad += " + partial(edge) + " · " + node.name + ".grad = " +
        (edge.formula === edge.local ? "" : inProduct(edge.formula) + " · " + moment.step.grad + " = ") +
        edge.local + " · " + moment.step.grad + " = " + push.product + "   (" + push.before + " → " + push.after + ")";
    });
  }

  function makeList() {
    if (list) return;
    list = get("list");
    list.setAttribute("start", "0");
    moments.forEach((moment, at) => {
      const item = make("li"), button = make("button");
      button.type = "button";
      const lines = linesOf(moment);
      for (const line of lines.length > 0 ? lines : [nodes[moment.node].name + " pushes nothing"])
        button.append(make("span", line));
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
  get("all").addEventListener("toggle", makeList);
  addEventListener("beforeprint", () => {
    makeList();
    openedForPrint = !get("all").open;
    get("all").open = true;
  });
  addEventListener("afterprint", () => { if (openedForPrint) get("all").open = false; });

  /* ---- light and dark: the system's setting, until the button is pressed ---- */

  const dark = matchMedia("(prefers-color-scheme: dark)"), page = document.documentElement;
  function setTheme(theme) {
    page.dataset.theme = theme;
    get("theme").textContent = theme === "dark" ? "Light" : "Dark";
  }
  const followSystem = () => setTheme(dark.matches ? "dark" : "light");
  function switchTheme() {
    dark.removeEventListener("change", followSystem);
    setTheme(page.dataset.theme === "dark" ? "light" : "dark");
  }
  dark.addEventListener("change", followSystem);
  followSystem();

  /* ---- buttons and keys ---- */

  const buttons = {
    first: () => go(0), back: () => go(current - 1), play: toggle, next: () => go(current + 1), last: () => go(last),
    smaller: () => zoom(1 / 1.25), larger: () => zoom(1.25), fit: fitAll, theme: switchTheme,
  };
  for (const id of Object.keys(buttons)) get(id).addEventListener("click", buttons[id]);
  slider.addEventListener("input", () => go(Number(slider.value)));

  const keys = {
    " ": toggle, ArrowRight: buttons.next, ArrowLeft: buttons.back, Home: buttons.first, End: buttons.last,
    "+": buttons.larger, "=": buttons.larger, "-": buttons.smaller, "0": buttons.fit, t: switchTheme, T: switchTheme,
  };
  document.addEventListener("keydown", (event) => {
    const target = event.target, action = keys[event.key];
    if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
    if (target.tagName === "SELECT") return;
    const pressed = event.key === " " && (target.tagName === "BUTTON" || target.tagName === "SUMMARY");
    const slides = target === slider && /^(Arrow|Home|End)/.test(event.key);
    if (pressed || slides) return; /* the browser does it */
    event.preventDefault();
    action();
  });

  slider.max = last;
  const split = document.querySelector(".slider");
  split.style.setProperty("--split", nodes[root].wants ? 100 * (seedAt - 0.5) / last + "%" : "100%");
  get("backward-half").hidden = !nodes[root].wants;
  addEventListener("resize", fitReadable);
  fitReadable();
  show(0);
  follow(0, []);
})();
