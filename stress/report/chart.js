"use strict";
// Charts in SVG. Colours are CSS variables, so a change of scheme redraws nothing. Timelines share one
// view [from, to] in seconds, one cross-hair and one zoom; each row draws itself for the view.
const NS = "http://www.w3.org/2000/svg", LEFT = 56, RIGHT = 8;

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children.map(child => child instanceof Node ? child : String(child)));
  return element;
}
function draw(parent, tag, attributes = {}, text) {
  const element = document.createElementNS(NS, tag);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  parent.append(element);
  return element;
}

// Numbers in words ------------------------------------------------------------------------------
const digits = (n, most) => {
  const text = Math.abs(n) >= 10 ** (most - 1) ? n.toFixed(0) : n.toPrecision(most);
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
};
const scaled = (n, scales, most = 3) => {
  const [factor, name] = scales.find(([f]) => Math.abs(n) >= f * .9995) || scales[scales.length - 1];
  return `${digits(n / factor, most)} ${name}`.trim();
};
const BINARY = [[2 ** 40, "TiB"], [2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"], [1, "B"]];
const TIMES = [[1, "s"], [1e-3, "ms"], [1e-6, "µs"], [1e-9, "ns"]];
const THOUSANDS = [[1e9, "G"], [1e6, "M"], [1e4, "k"], [1, ""]];
const plain = n => n === 0 ? "0" : Math.abs(n) >= 1e4
  ? digits(n / (Math.abs(n) >= 1e9 ? 1e9 : Math.abs(n) >= 1e6 ? 1e6 : 1e3), 3) + (Math.abs(n) >= 1e9 ? " G" : Math.abs(n) >= 1e6 ? " M" : " k")
  : Number.isInteger(n) ? n.toLocaleString("en") : digits(n, 3);
const FORMATS = {
  seconds: n => n === 0 ? "0" : scaled(n, TIMES),
  share: n => `${digits(n * 100, 3)} %`,
  bytes: n => n === 0 ? "0" : scaled(n, BINARY),
  byterate: n => n === 0 ? "0" : scaled(n, BINARY) + "/s",
  bitrate: n => n === 0 ? "0" : scaled(n, [[1e9, "Gbit/s"], [1e6, "Mbit/s"], [1e3, "kbit/s"], [1, "bit/s"]]),
  rate: n => plain(n) + " /s",
  count: plain,
};
const words = (n, unit) => n === null || n === undefined ? "–" : FORMATS[unit](n);
const clock = s => s >= 3600 ? `${Math.floor(s / 3600)} h ${Math.floor(s / 60) % 60} min` : s >= 120
  ? `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")} min` : `${digits(s, 4)} s`;

// Scales ----------------------------------------------------------------------------------------
function step(span, about, binary) {
  const rough = span / about || 1, base = binary ? 2 : 10;
  const power = base ** Math.floor(Math.log(rough) / Math.log(base));
  return (binary ? [1, 2, 4] : [1, 2, 5, 10]).map(m => m * power).find(s => s >= rough * .999) || power * base;
}
function timeStep(span, about) {
  const nice = [.001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400];
  return nice.find(s => s >= span / about) || 86400;
}
const axisTime = (s, each) => !s ? "0" : each >= 3600 ? `${digits(s / 3600, 3)} h` : each >= 60 ? `${Math.round(s / 60)} min`
  : s >= 60 && each >= 1 ? `${Math.floor(s / 60)}:${String(Math.round(s % 60)).padStart(2, "0")}` : `${+s.toFixed(3)} s`;

// At most two points a pixel: the lowest and the highest of those that share it.
function reduced(points, x0, x1, width) {
  let from = points.findIndex(p => p[0] >= x0), to = points.length - 1;
  if (from < 0) return [];
  while (to > from && points[to][0] > x1) to--;
  const some = points.slice(Math.max(0, from - 1), to + 2);
  if (some.length <= width * 2) return some;
  const per = some.length / width, found = [];
  for (let at = 0; at < width; at++) {
    const part = some.slice(Math.floor(at * per), Math.floor((at + 1) * per)).filter(p => p[1] !== null);
    if (!part.length) continue;
    let low = part[0], high = part[0];
    for (const p of part) { if (p[1] < low[1]) low = p; if (p[1] > high[1]) high = p; }
    found.push(...(low[0] <= high[0] ? [low, high] : [high, low]));
  }
  return found;
}
// A point without neighbours is a short dash: a line of one point is not painted.
function path(points, X, Y, stepped) {
  const missing = point => !point || point[1] === null || point[1] === undefined;
  let text = "", pen = false;
  points.forEach((point, i) => {
    if (missing(point)) { pen = false; return; }
    const px = X(point[0]), py = Y(point[1]).toFixed(1);
    if (pen) text += stepped ? `H${px.toFixed(1)}V${py}` : `L${px.toFixed(1)} ${py}`;
    else text += missing(points[i + 1]) ? `M${(px - 1.5).toFixed(1)} ${py}h3` : `M${px.toFixed(1)} ${py}`;
    pen = true;
  });
  return text;
}
// One point a second at most: the mean of those in it, or the highest. Nothing where there are no more anyway.
function perSecond(points, end, highest) {
  if (points.length <= Math.ceil(end) + 2) return null;
  const parts = new Map();
  for (const [x, y] of points) {
    const at = Math.floor(x), part = parts.get(at) || parts.set(at, []).get(at);
    if (y !== null) part.push(y);
  }
  return [...parts].map(([at, part]) => [Math.min(at + .5, end), !part.length ? null : highest ? Math.max(...part) : part.reduce((a, b) => a + b, 0) / part.length]);
}
// The value of a series at a moment: of the nearest point, or the one before for steps.
function valueAt(points, moment, stepped) {
  let low = 0, high = points.length - 1;
  if (high < 0) return null;
  while (low < high) { const mid = (low + high + 1) >> 1; if (points[mid][0] <= moment) low = mid; else high = mid - 1; }
  if (stepped) return points[low][0] <= moment ? points[low][1] : 0;
  const next = points[Math.min(low + 1, points.length - 1)];
  return Math.abs(next[0] - moment) < Math.abs(points[low][0] - moment) ? next[1] : points[low][1];
}

// One row of the timeline -------------------------------------------------------------------------
class Row {
  constructor(timeline, title, height) {
    Object.assign(this, {timeline, height, drawn: 0});
    this.list = make("ul");
    this.svg = document.createElementNS(NS, "svg");
    this.svg.setAttribute("height", height);
    this.svg.setAttribute("role", "img");
    this.svg.setAttribute("aria-label", title);
    this.element = make("div", {class: "row"}, make("div", {}, ...(title ? [make("h3", {}, title)] : []), this.list), this.svg);
    timeline.rows.push(this);
  }
  get width() { return this.svg.clientWidth || this.timeline.width; }
  X() {
    const [x0, x1] = this.timeline.view, width = this.width - LEFT - RIGHT;
    return x => LEFT + width * (x - x0) / (x1 - x0);
  }
  frame() {
    this.svg.replaceChildren();
    const [x0, x1] = this.timeline.view, X = this.X(), each = timeStep(x1 - x0, this.width / 110);
    for (let x = Math.ceil(x0 / each) * each; x <= x1 + 1e-9; x += each)
      draw(this.svg, "line", {class: "grid", x1: X(x), x2: X(x), y1: 0, y2: this.height});
    for (const phase of this.timeline.phases) for (const at of [phase.start])
      if (at > x0 && at < x1) draw(this.svg, "line", {class: "edge", x1: X(at), x2: X(at), y1: 0, y2: this.height});
    const clip = `clip${this.timeline.rows.indexOf(this)}`;
    draw(draw(this.svg, "clipPath", {id: clip}), "rect", {x: LEFT, y: -2, width: Math.max(this.width - LEFT - RIGHT, 1), height: this.height + 4});
    return draw(this.svg, "g", {"clip-path": `url(#${clip})`});
  }
  legend(entries) {
    this.list.replaceChildren(...entries.map(([color, name, value]) => {
      const dot = make("i", {class: "dot"});
      if (color) dot.style.background = color; else dot.style.visibility = "hidden";
      return make("li", {title: name}, dot, make("span", {}, name), make("b", {}, value));
    }));
  }
  move() {}
}

class Lines extends Row {
  // series: [{name, points: [[x, y]], coarse?, key?, color?}]; coarse points are those of the whole run.
  // options: unit, stacked, stepped, log, dots, top, limits: [{at, text, line, held, below}]
  constructor(timeline, title, series, options = {}) {
    super(timeline, title, options.height || Math.max(96, 34 + 18 * Math.min(series.length, 8)));
    Object.assign(this, {series, unit: "count", stacked: false, stepped: false, log: false, dots: false, top: null, limits: []}, options);
    this.series.forEach((s, i) => { s.color ||= `var(--c${i % 8})`; });
  }
  pointsOf(s) { const [x0, x1] = this.timeline.view; return s.coarse && x0 <= 0 && x1 >= this.timeline.end ? s.coarse : s.points; }
  layers() {
    if (!this.stacked) return this.series.map(s => this.pointsOf(s));
    const sums = new Map();
    return this.series.map(s => this.pointsOf(s).map(([x, y]) => {
      if (y === null) return [x, null];
      sums.set(x, (sums.get(x) || 0) + y);
      return [x, sums.get(x)];
    }));
  }
  render() {
    const plot = this.frame(), [x0, x1] = this.timeline.view, X = this.X(), top = 6, bottom = this.height - 5;
    const layers = this.layers().map(points => reduced(points, x0, x1, this.width));
    const shown = layers.flat().filter(p => p[1] !== null && p[0] >= x0 && p[0] <= x1).map(p => p[1]);
    let low = 0, high = shown.length ? Math.max(...shown) : 1;
    const heights = this.limits.map(l => l.at).filter(at => shown.length && at <= high * (this.log ? 100 : 3) && (!this.log || at > 0));
    high = Math.max(high, ...heights);
    if (this.log) {
      const least = Math.min(...shown.filter(y => y > 0), ...heights, high || 1);
      low = Math.floor(Math.log10(least || 1e-6) + 1e-9); high = Math.max(Math.ceil(Math.log10(high || 1)), low + 1);
    } else {
      if (!this.stacked && shown.length) {
        const least = Math.min(...shown, ...heights);
        if (least > 0 && least > high * .9 && this.unit !== "share") low = least - (high - least || high) * .5;
        else if (least < 0) low = least;
      }
      if (high <= low) high = low + (this.unit === "share" ? .01 : 1);
      if (this.top !== null && high > this.top * .6) high = Math.max(this.top, high); else high += (high - low) * .08;
    }
    const Y = y => bottom - (bottom - top) * ((this.log ? Math.log10(Math.max(y, 10 ** (low - 1))) : y) - low) / (high - low);
    this.ticks(low, high, Y);
    layers.forEach((points, i) => this.layer(plot, points, layers[i - 1], X, Y, this.series[i].color, bottom));
    this.limits.forEach((limit, i) => { if (heights.includes(limit.at)) this.limit(plot, limit, i, layers, X, Y); });
    this.drawn = shown.length;
  }
  // A limit is a dashed line; what breaks it is red.
  limit(plot, limit, number, layers, X, Y) {
    const y = Y(limit.at);
    if (!limit.held && !this.stacked && !this.dots) {
      const id = `beyond${this.timeline.rows.indexOf(this)}-${number}`;
      draw(draw(this.svg, "clipPath", {id}), "rect", {x: LEFT, y: limit.below ? y : -2, width: Math.max(this.width - LEFT - RIGHT, 1), height: limit.below ? this.height - y : y + 2});
      layers.forEach((points, i) => { if (this.series[i].key === limit.line)
        draw(plot, "path", {class: "line beyond", "clip-path": `url(#${id})`, d: path(points, X, Y, this.stepped)}); });
    }
    const line = draw(plot, "line", {class: "limit" + (limit.held ? "" : " broken"), x1: LEFT, x2: this.width - RIGHT, y1: y, y2: y});
    draw(line, "title", {}, limit.text);
  }
  ticks(low, high, Y) {
    const each = this.log ? Math.max(1, Math.ceil((high - low) / 4)) : step(high - low, 3, this.unit === "bytes" || this.unit === "byterate");
    for (let y = Math.ceil(low / each - 1e-9) * each; y <= high + each * 1e-6; y += each) {
      const value = this.log ? 10 ** y : Math.abs(y) < each * 1e-6 ? 0 : y;
      const line = draw(this.svg, "line", {class: "grid", x1: LEFT, x2: this.width - RIGHT, y1: Y(value), y2: Y(value)});
      this.svg.prepend(line);
      draw(this.svg, "text", {x: LEFT - 8, y: Y(value) + 3.5, "text-anchor": "end"}, FORMATS[this.unit](value));
    }
  }
  layer(plot, points, below, X, Y, color, bottom) {
    if (this.dots) {
      for (const [x, y, why] of points) if (y !== null) {
        const bad = this.limits.some(l => !l.held && (l.below ? y < l.at : y > l.at));
        const dot = draw(plot, "circle", {cx: X(x).toFixed(1), cy: Y(y).toFixed(1), r: this.dots, style: `fill:${bad ? "var(--bad)" : color};fill-opacity:.6`});
        if (why) draw(dot, "title", {}, why);
      }
    } else if (this.stacked) {
      const good = points.filter(p => p[1] !== null), under = (below || []).filter(p => p[1] !== null).reverse();
      if (good.length) draw(plot, "path", {class: "area", style: `fill:${color}`, d: path(good, X, Y) +
        (under.length ? path(under, X, Y).replace("M", "L") : `L${X(good[good.length - 1][0]).toFixed(1)} ${bottom}L${X(good[0][0]).toFixed(1)} ${bottom}`) + "Z"});
    } else {
      const d = path(points, X, Y, this.stepped), good = points.filter(p => p[1] !== null);
      if (this.series.length === 1 && good.length && !points.some(p => p[1] === null)) draw(plot, "path", {class: "fillin", style: `fill:${color}`,
        d: `${d}V${bottom}H${X(good[0][0]).toFixed(1)}Z`});
      draw(plot, "path", {class: "line", style: `stroke:${color}`, d});
    }
  }
  move(moment) {
    this.legend(this.series.map(s => {
      const value = moment === null ? s.rest?.() ?? null : this.dots ? null : valueAt(this.pointsOf(s), moment, this.stepped);
      return [s.color, s.name, value === null ? "" : words(value, this.unit)];
    }).concat(this.limits.map(l => [l.held ? "var(--soft)" : "var(--bad)", l.text, l.held ? "held" : "broken"])));
  }
}

// The timeline: rows under each other, one view ---------------------------------------------------
class Timeline {
  constructor(element, phases, end) {
    Object.assign(this, {element, phases, end, view: [0, end], rows: [], from: null, width: 900});
    this.label = make("span");
    this.cross = make("div", {class: "cross"}, this.label);
    this.band = make("div", {class: "zoom"});
    element.append(this.cross, this.band);
    element.addEventListener("pointermove", event => this.moved(event));
    element.addEventListener("pointerleave", () => this.point(null));
    element.addEventListener("pointerdown", event => { if (event.target.closest("svg")) this.from = this.moment(event); });
    window.addEventListener("pointerup", event => this.released(event));
    element.addEventListener("dblclick", () => this.look(0, end));
    window.addEventListener("keydown", event => { if (event.key === "Escape") this.look(0, end); });
  }
  box() { return (this.rows.find(row => row.svg.clientWidth) || this.rows[0]).svg.getBoundingClientRect(); }
  moment(event) {
    const box = this.box(), [x0, x1] = this.view;
    return x0 + (x1 - x0) * Math.min(1, Math.max(0, (event.clientX - box.left - LEFT) / (box.width - LEFT - RIGHT)));
  }
  place(moment) {
    const box = this.box(), [x0, x1] = this.view;
    return box.left - this.element.getBoundingClientRect().left + LEFT + (box.width - LEFT - RIGHT) * (moment - x0) / (x1 - x0);
  }
  moved(event) {
    if (event.clientX < this.box().left + LEFT - 4) return this.point(null);
    const moment = this.moment(event);
    this.point(moment);
    if (this.from === null) return;
    const [a, b] = [this.place(Math.min(this.from, moment)), this.place(Math.max(this.from, moment))];
    Object.assign(this.band.style, {display: "block", left: `${a}px`, width: `${b - a}px`});
  }
  released(event) {
    this.band.style.display = "none";
    if (this.from === null) return;
    const to = this.moment(event), from = this.from;
    this.from = null;
    if (Math.abs(to - from) > (this.view[1] - this.view[0]) / 120) this.look(Math.min(from, to), Math.max(from, to));
  }
  point(moment) {
    this.cross.style.display = moment === null ? "none" : "block";
    if (moment !== null) {
      this.cross.style.left = `${this.place(moment)}px`;
      this.cross.classList.toggle("left", (moment - this.view[0]) / (this.view[1] - this.view[0]) > .85);
      this.label.textContent = clock(moment);
    }
    for (const row of this.rows) row.move(moment);
  }
  look(from, to) { this.view = [from, to]; this.render(); this.point(null); }
  render() {
    document.documentElement.dataset.view = this.view.map(x => x.toFixed(1)).join(" ");
    for (const row of this.rows) row.render();
  }
}
