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

  const boxes = nodes.map((node, i) => {
    const group = get("n" + i);
    return { group, grad: group.querySelector(".grad"), base: group.getAttribute("class"), shown: "", text: null };
  });
  const wires = edges.map((edge, e) => ({ group: get("e" + e), shown: "" }));
  const labels = edges.map((edge, e) => get("l" + e)).map((group) => group && { group, shown: "" });
  edges.forEach((edge, e) => { if (labels[e]) labels[e].group.querySelector(".adds").textContent = "+= " + adds[e]; });

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
      const text = "edge" + sign + (roles.edges.get(e) || "");
      setClass(wire, text);
      if (labels[e]) setClass(labels[e], text);
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

  /* ---- the words ---- */

  const make = (tag, text, className) => {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = text;
    if (className) element.className = className;
    return element;
  };
  const nameOf = (node) => nodes[node].kind === "const" && /^v\d+$/.test(nodes[node].name) ? nodes[node].data
    : nodes[node].name;
  const listNames = (list) => {
    const names = [...new Set(list.map(nameOf))];
    if (names.length > 6) return names.slice(0, 5).join(", ") + " and " + (names.length - 5) + " more";
    return names.length < 2 ? names.join("") : names.slice(0, -1).join(", ") + " and " + names[names.length - 1];
  };
  const partial = (edge) => "∂" + nameOf(edge.child) + "/∂" + nameOf(edge.parent);
  const inProduct = (text) => /[ <>]/.test(text) ? "(" + text + ")" : text.startsWith("-") ? "(" + text + ")" : text;

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
  const LEGEND = [
    ["param", "M2 2h30v20H2z", "M5 5h24v14H5z", "a param: is learned, wants a gradient"],
    ["input", "M2 2h22l8 8v12H2z", "M24 2v8h8", "an input: is given"],
    ["const", "M12 2h10a10 10 0 0 1 0 20H12a10 10 0 0 1 0-20z", "", "a constant: a plain number"],
    ["op", "M9 2h16a7 7 0 0 1 7 7v6a7 7 0 0 1-7 7H9a7 7 0 0 1-7-7V9a7 7 0 0 1 7-7z", "", "computed from the nodes that " +
      "point to it; drawn thick: the root"],
  ];

  function legend() {
    const list = make("ul", undefined, "legend");
    for (const [kind, frame, inner, meaning] of LEGEND) {
      if (kind !== "op" && !nodes.some((node) => node.kind === kind)) continue;
      const item = make("li"), svg = document.createElementNS(graph.namespaceURI, "svg");
      svg.setAttribute("class", "node " + kind);
      svg.setAttribute("viewBox", "0 0 34 24");
      svg.setAttribute("aria-hidden", "true");
      for (const [className, path] of [["frame", frame], ["inner", inner]]) {
        const shape = document.createElementNS(graph.namespaceURI, "path");
        shape.setAttribute("class", className);
        shape.setAttribute("d", path);
        svg.append(shape);
      }
      item.append(svg, make("span", meaning));
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
    const lines = make("div", node.name + " = " + node.formula + "\n" + " ".repeat([...node.name].length) + " = " +
      node.numbers + "\n" + " ".repeat([...node.name].length) + " = ", "lines");
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
        words: "No param leads to " + nodes[root].name + ", so there is no gradient to ask for. Make the leaves that " +
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
      words: "Each param's gradient says how " + name + " answers to it: nudge the param by a little h, and " + name +
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

  const scaleToFit = () => Math.min(stage.clientWidth / size.width, stage.clientHeight / size.height, 1.7);
  const zoom = (factor) => { fitted = false; setScale(scale * factor); };
  const LEAST_READABLE = 0.85;
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

  /* ---- light and dark ---- */

  const dark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (document.documentElement.dataset.theme || (dark.matches ? "dark" : "light")) === "dark";
  const describeTheme = () => { get("theme").textContent = isDark() ? "Light" : "Dark"; };
  function switchTheme() {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    describeTheme();
  }
  dark.addEventListener("change", describeTheme);

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
  describeTheme();
  fitReadable();
  show(0);
})();
