"use strict";
/* C, as much of it as the functions of engine/ops.h are written in: the page computes with the engine's own functions,
 * and there is no second list of them. Expressions, if, for, return, declarations; numbers are doubles, lists arrays.
 * A piece of C becomes a function of its variables: an object with one field for each. */

/* The normal distribution's tail, which JavaScript does not have: 2/√π ∫ e^(−t²) dt from x on. Near 0 by the series of
 * erf, which has no minus signs; further out by the continued fraction, which keeps all digits of a small result. */
function erfc(x) {
  const SERIES_END = 1.5, TERMS = 200, LEAST = 28; /* from there on it is below every double above 0 */
  if (x < 0) return 2 - erfc(-x);
  if (x > LEAST) return 0;
  if (x < SERIES_END) {
    let term = x, sum = x;
    for (let n = 1; n < TERMS && term > 0; n++) sum += term *= 2 * x * x / (2 * n + 1);
    return 1 - 2 / Math.sqrt(Math.PI) * Math.exp(-x * x) * sum;
  }
  let below = x;
  for (let n = TERMS; n > 0; n--) below = x + n / 2 / below;
  const short = Math.fround(x); /* its square is exact: rounding x² would cost e^(−x²) its last digits */
  return Math.exp(-short * short) * Math.exp((short - x) * (short + x)) / (Math.sqrt(Math.PI) * below);
}

/* What C's library has beside the functions of Math that are called the same. */
const LIBRARY = {
  erfc, fabs: Math.abs, isnan: Number.isNaN, isfinite: Number.isFinite, isinf: (x) => Math.abs(x) === Infinity,
  pow: (x, y) => x === 1 || (x === -1 && Math.abs(y) === Infinity) ? 1 : Math.pow(x, y),
};
const CONSTANTS = { NAN: NaN, INFINITY: Infinity, DBL_MIN: 2 ** -1022 };
const OPERATORS = { /* each binds closer than those of a lower rank */
  "||": [1, (x, y) => x() || y()], "&&": [2, (x, y) => x() && y()],
  "==": [3, (x, y) => x() === y()], "!=": [3, (x, y) => x() !== y()],
  "<": [4, (x, y) => x() < y()], ">": [4, (x, y) => x() > y()],
  "<=": [4, (x, y) => x() <= y()], ">=": [4, (x, y) => x() >= y()],
  "+": [5, (x, y) => x() + y()], "-": [5, (x, y) => x() - y()],
  "*": [6, (x, y) => x() * y()], "/": [6, (x, y) => x() / y()], "%": [6, (x, y) => x() % y()],
};
const TYPES = new Set(["static", "inline", "const", "double", "bool", "size_t"]);
const TOKEN = /\s*(\d[\w.]*(?:(?<=[eE])[+-]\d+)?|[A-Za-z_]\w*|\+\+|\+=|&&|\|\||[<>=!]=|\S)/gy;

/* The parser of one text; `functions` are those that it may call. */
function parser(text, functions) {
  const tokens = [...text.matchAll(TOKEN)].map((match) => match[1]);
  let next = 0;
  const ended = () => next >= tokens.length;
  const take = () => tokens[next++];
  const accept = (token) => tokens[next] === token && ++next > 0;
  const expect = (token) => { if (!accept(token)) throw new Error(token + " is missing before " + tokens[next]); };

  function list(close, item) {
    const items = [];
    if (accept(close)) return items;
    do items.push(item()); while (accept(","));
    expect(close);
    return items;
  }

  function call(name) {
    const given = list(")", expression);
    const found = [functions, LIBRARY, Math].find((library) => Object.hasOwn(library, name));
    if (!found) throw new Error("there is no function " + name);
    return (v) => found[name](...given.map((operand) => operand(v)));
  }

  function primary() {
    if (accept("-")) { const x = primary(); return (v) => -x(v); }
    if (accept("!")) { const x = primary(); return (v) => !x(v); }
    if (accept("(")) { const x = expression(); expect(")"); return x; }
    const name = take();
    if (/^\d/.test(name)) { const number = Number(name); return () => number; }
    if (!/^[A-Za-z_]/.test(name)) throw new Error(name + " begins no operand");
    if (accept("(")) return call(name);
    if (accept("[")) { const i = expression(); expect("]"); return (v) => v[name][i(v)]; }
    if (accept("++")) return (v) => v[name]++;
    if (accept("+=")) { const x = expression(); return (v) => v[name] += x(v); }
    if (accept("=")) { const x = expression(); return (v) => v[name] = x(v); }
    return Object.hasOwn(CONSTANTS, name) ? () => CONSTANTS[name] : (v) => v[name];
  }

  function binary(rank) {
    let left = primary();
    while (OPERATORS[tokens[next]] && OPERATORS[tokens[next]][0] >= rank) {
      const [own, compute] = OPERATORS[take()], x = left, y = binary(own + 1);
      left = (v) => compute(() => x(v), () => y(v));
    }
    return left;
  }

  function expression() {
    const test = binary(1);
    if (!accept("?")) return test;
    const yes = expression();
    expect(":");
    const no = expression();
    return (v) => test(v) ? yes(v) : no(v);
  }

  function type() {
    const start = next;
    while (TYPES.has(tokens[next]) || tokens[next] === "*") next++;
    return next > start;
  }

  /* A statement gives undefined, or the number that it returns. */
  function statement() {
    if (accept("{")) return block();
    if (accept("return")) { const x = expression(); expect(";"); return (v) => Number(x(v)); }
    if (accept("if")) {
      expect("(");
      const test = expression();
      expect(")");
      const yes = statement();
      return (v) => test(v) ? yes(v) : undefined;
    }
    if (accept("for")) {
      expect("(");
      const first = statement(), test = expression();
      expect(";");
      const step = expression();
      expect(")");
      const body = statement();
      return (v) => { for (first(v); test(v); step(v)) body(v); };
    }
    const parts = [];
    type();
    do parts.push(expression()); while (accept(","));
    expect(";");
    return (v) => { for (const part of parts) part(v); };
  }

  function block() {
    const statements = [];
    while (!accept("}")) statements.push(statement());
    return (v) => {
      for (const one of statements) {
        const result = one(v);
        if (result !== undefined) return result;
      }
    };
  }

  function definition() {
    type();
    const name = take();
    expect("(");
    const names = list(")", () => { type(); return take(); });
    expect("{");
    const body = block();
    functions[name] = (...given) => body(Object.fromEntries(names.map((parameter, i) => [parameter, given[i]])));
  }

  return { ended, expression, definition };
}

/* The functions that are defined in a text of C, by name. */
function cFunctions(text) {
  const functions = {}, parse = parser(text, functions);
  while (!parse.ended()) parse.definition();
  return functions;
}

/* An expression of C as a function of its variables. */
function cExpression(text, functions) {
  const parse = parser(text, functions), compute = parse.expression();
  if (!parse.ended()) throw new Error("more than an expression: " + text);
  return (variables) => Number(compute(variables));
}
