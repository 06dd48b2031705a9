"use strict";
(() => {
  const root = document.documentElement;
  window.addEventListener("error", (event) => { root.dataset.error = event.message; });
  const data = JSON.parse(document.getElementById("data").textContent);
  const page = document.getElementById("page");
  const charts = [];
  const end = Math.max(1e-3, ...data.phases.map((p) => p.end), ...data.metrics.at);
  let view = [0, end];
  let cursor = null;

  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children.map((child) => child instanceof Node ? child : String(child)));
    return element;
  };
  const color = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  const seconds = (s) => s === null || s === undefined ? "–" : s < 1e-3 ? (s * 1e6).toFixed(0) + " µs"
    : s < 1 ? (s * 1e3).toPrecision(3) + " ms" : s.toPrecision(3) + " s";
  const number = (n) => n === null || n === undefined ? "–" : Math.abs(n) >= 1e9 ? (n / 1e9).toFixed(2) + " G"
    : Math.abs(n) >= 1e6 ? (n / 1e6).toFixed(2) + " M" : Math.abs(n) >= 1e4 ? (n / 1e3).toFixed(1) + " k"
    : Number.isInteger(n) ? String(n) : Math.abs(n) >= 100 ? n.toFixed(0) : n.toPrecision(3);
  const card = (title, ...children) => make("section", { class: "card" }, make("h2", {}, title), ...children);
  const table = (head, rows) => make("div", { class: "scroll" }, make("table", {},
    make("thead", {}, make("tr", {}, ...head.map((h, i) => make("th", i ? { class: "n" } : {}, h)))),
    make("tbody", {}, ...rows.map((row) => make("tr", {}, ...row.map((cell, i) => cell instanceof Node && cell.tagName === "TD"
      ? cell : make("td", i ? { class: "n" } : {}, cell)))))));

  const steps = (span) => {
    const rough = span / 6, power = 10 ** Math.floor(Math.log10(rough || 1));
    return [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough) || power * 10;
  };

  class Chart {
    constructor(title, series, options = {}) {
      Object.assign(this, { series, format: number, marks: true, log: false, x: "time", ...options });
      this.canvas = make("canvas", { role: "img", "aria-label": title });
      this.legend = make("div", { class: "legend" });
      this.element = card(title, this.canvas, this.legend);
      this.canvas.addEventListener("pointermove", (event) => this.moved(event));
      this.canvas.addEventListener("pointerleave", () => { cursor = null; drawAll(); });
      this.canvas.addEventListener("pointerdown", (event) => { this.from = this.at(event); });
      this.canvas.addEventListener("pointerup", (event) => this.zoomed(event));
      this.canvas.addEventListener("dblclick", () => { view = [0, end]; drawAll(); });
      charts.push(this);
    }
    range() { return this.x === "time" ? view : [0, this.series[0]?.points.length - 1 || 1]; }
    at(event) {
      const box = this.canvas.getBoundingClientRect(), [a, b] = this.range();
      return a + (b - a) * Math.min(1, Math.max(0, (event.clientX - box.left - 56) / (box.width - 66)));
    }
    moved(event) { if (this.x === "time") { cursor = this.at(event); drawAll(); } }
    zoomed(event) {
      const to = this.at(event);
      if (this.x === "time" && this.from !== undefined && Math.abs(to - this.from) > (view[1] - view[0]) / 100) {
        view = [Math.min(this.from, to), Math.max(this.from, to)];
        drawAll();
      }
      this.from = undefined;
    }
    draw() {
      const ratio = window.devicePixelRatio || 1, width = this.canvas.clientWidth, height = this.canvas.clientHeight;
      if (!width) return;
      this.canvas.width = width * ratio; this.canvas.height = height * ratio;
      const g = this.canvas.getContext("2d");
      g.scale(ratio, ratio);
      g.font = "11px system-ui, sans-serif";
      const [x0, x1] = this.range(), left = 56, right = width - 10, top = 8, bottom = height - 22;
      const shown = this.series.flatMap((s) => s.points.filter((p) => p[0] >= x0 && p[0] <= x1 && p[1] !== null).map((p) => p[1]));
      let high = Math.max(...shown, this.log ? 1e-9 : 0), low = Math.min(...shown, this.log ? high : 0);
      if (!shown.length) { high = 1; low = 0; }
      if (this.log) { low = Math.log10(Math.max(low, 1e-7)); high = Math.log10(Math.max(high, 1e-6)); }
      if (high <= low) high = low + 1;
      if (!this.log) high += (high - low) * .06;
      const X = (x) => left + (right - left) * (x - x0) / ((x1 - x0) || 1);
      const Y = (y) => bottom - (bottom - top) * ((this.log ? Math.log10(Math.max(y, 1e-7)) : y) - low) / (high - low);
      g.strokeStyle = color("--line"); g.fillStyle = color("--soft"); g.lineWidth = 1;
      g.textAlign = "right"; g.textBaseline = "middle";
      const each = this.log ? 1 : steps(high - low);
      for (let y = Math.ceil(low / each) * each; y <= high + 1e-12; y += each) {
        const at = bottom - (bottom - top) * (y - low) / (high - low);
        g.beginPath(); g.moveTo(left, at); g.lineTo(right, at); g.stroke();
        g.fillText(this.format(this.log ? 10 ** y : Math.abs(y) < each / 1e6 ? 0 : y), left - 8, at);
      }
      g.textAlign = "center"; g.textBaseline = "top";
      if (this.x === "time") {
        const gap = steps(x1 - x0);
        for (let x = Math.ceil(x0 / gap) * gap; x <= x1 + 1e-9; x += gap) {
          g.textAlign = X(x) > right - 16 ? "right" : "center";
          g.fillText(number(+x.toFixed(6)) + " s", Math.min(X(x), right), bottom + 6);
        }
        if (this.marks) this.drawMarks(g, X, top, bottom, x0, x1);
      } else this.labels.forEach((label, i) => {
        g.textAlign = X(i) > right - 16 ? "right" : "center";
        g.fillText(label, X(i), bottom + 6);
      });
      g.save(); g.beginPath(); g.rect(left, top - 4, right - left, bottom - top + 8); g.clip();
      this.series.forEach((s, i) => {
        g.strokeStyle = color("--c" + i % 8); g.lineWidth = 1.6; g.lineJoin = "round"; g.beginPath();
        let pen = false;
        for (const [x, y] of s.points) {
          if (y === null || y === undefined) { pen = false; continue; }
          pen ? g.lineTo(X(x), Y(y)) : g.moveTo(X(x), Y(y)); pen = true;
        }
        g.stroke();
      });
      g.restore();
      if (cursor !== null && this.x === "time" && cursor >= x0 && cursor <= x1) {
        g.strokeStyle = color("--soft"); g.setLineDash([3, 3]); g.beginPath(); g.moveTo(X(cursor), top); g.lineTo(X(cursor), bottom);
        g.stroke(); g.setLineDash([]);
      }
      this.write();
    }
    drawMarks(g, X, top, bottom, x0, x1) {
      for (const phase of data.phases) {
        if (phase.start < x0 || phase.start > x1) continue;
        g.strokeStyle = color("--mark"); g.setLineDash([2, 4]); g.beginPath();
        g.moveTo(X(phase.start), top); g.lineTo(X(phase.start), bottom); g.stroke(); g.setLineDash([]);
      }
      for (const [at, , , , failed] of data.marks) {
        if (at < x0 || at > x1) continue;
        g.fillStyle = color(failed ? "--bad" : "--mark");
        g.fillRect(X(at), bottom - (failed ? 6 : 3), 1, failed ? 6 : 3);
      }
    }
    write() {
      this.legend.replaceChildren(...this.series.map((s, i) => {
        const near = this.x === "time" && cursor !== null
          ? s.points.reduce((best, p) => Math.abs(p[0] - cursor) < Math.abs(best[0] - cursor) ? p : best, s.points[0] || [0, null])[1]
          : null;
        const swatch = make("i"); swatch.style.background = `var(--c${i % 8})`;
        return make("span", {}, swatch, s.name + " ", make("b", {}, near === null ? "" : this.format(near)));
      }));
    }
  }
  const drawAll = () => { charts.forEach((c) => c.draw()); root.dataset.charts = charts.length; };
  const over = (source, names, labels) => names.filter((n) => n in source.series)
    .map((n) => ({ name: labels?.[n] ?? n, points: source.at.map((t, i) => [t, source.series[n][i]]) }));

  const broken = data.verdicts.filter((v) => !v.held).length;
  const badge = data.verdicts.length ? make("span", { class: "badge" + (broken ? " bad" : "") }, broken
    ? `${broken} of ${data.verdicts.length} limits broken` : "all limits held") : make("span");
  const toggle = make("button", { type: "button" }, "Light / dark");
  toggle.addEventListener("click", () => { root.classList.toggle("dark"); drawAll(); });
  const reset = make("button", { type: "button" }, "Whole run");
  reset.addEventListener("click", () => { view = [0, end]; drawAll(); });
  const nodes = Object.entries(data.network.nodes || {}).map(([kind, n]) => `${n.toLocaleString("en")} ${kind}${n === 1 ? "" : kind.endsWith("ch") ? "es" : "s"}`);
  const tiers = Object.entries(data.network.fidelity || {}).map(([tier, n]) => `${n.toLocaleString("en")} ${tier}`);
  page.append(make("header", {}, make("div", {},
    make("h1", {}, `${data.scenario.name} on ${data.network.name}`),
    make("p", {}, `${nodes.join(", ")}, ${data.network.links ?? "?"} links · fidelity ${tiers.join(", ")} · engine ${data.network.engine} · seed ${data.seed}`),
    make("p", {}, new Date(data.began * 1e3).toISOString().slice(0, 19).replace("T", " ") + " UTC · drag to zoom, double click for all")),
    badge, reset, toggle));
  const worries = [...data.doubts, ...data.leaks.leaked, ...(data.interrupted ? [data.interrupted] : [])];
  if (worries.length) {
    const box = card("Read this first", ...worries.map((w) => make("p", {}, w)));
    box.classList.add("warn"); page.append(box);
  }
  if (data.verdicts.length) page.append(card("Limits", table(["limit", ""], data.verdicts.map((v) =>
    [v.limit, make("td", { class: "n " + (v.held ? "held" : "broken") }, v.held ? "held" : "BROKEN")]))));
  page.append(card("Actions", table(["step", "offered", "succeeded", "per second", "errors", "min", "p50", "p90", "p99", "p99.9", "max"],
    data.steps.flatMap((s) => [[s.step, s.latency, s.offered, s.succeeded, s.achieved_rate, s.errors],
      ...Object.entries(s.verbs).map(([verb, l]) => ["\u2003" + verb, l, "", l?.count ?? 0, null, null])].map(
      ([name, l, offered, good, rate, errors]) => [name, offered, good, rate === null ? "" : number(rate),
        errors === null ? "" : Object.values(errors).reduce((a, b) => a + b, 0),
        ...["min", "p50", "p90", "p99", "p99.9", "max"].map((k) => seconds(l?.[k]))])))));

  const grid = make("div", { class: "grid" });
  page.append(grid);
  const add = (title, series, options) => { if (series.length) grid.append(new Chart(title, series, options).element); };
  if (data.rates.at) add("Operations per second", over(data.rates, ["due", "done", "failed"]));
  const curves = data.steps.filter((s) => s.latency);
  if (curves.length) add("Latency by percentile", curves.slice(0, 8).map((s) => ({ name: s.step,
    points: s.latency.curve.map((p, i) => [i, p[1]]) })), { x: "share", log: true, format: seconds,
    labels: curves[0].latency.curve.map(([share]) => share === 1 ? "max" : share === 0 ? "min" : [0.5, 0.9, 0.99, 0.999].includes(share) ? "p" + +(share * 100).toFixed(2) : "") });
  if (data.probes.length) {
    const count = 240, wrong = Array.from({ length: count + 1 }, (_, i) => [i * end / count, 0]);
    for (const probe of data.probes) for (const [a, b] of probe.windows)
      for (const slot of wrong) if (slot[0] >= a && slot[0] <= (b ?? end)) slot[1] += 1;
    add("Probes without a right answer", [{ name: "failing", points: wrong }]);
  }
  const groups = new Map();
  for (const name of Object.keys(data.metrics.series)) {
    const key = name.split(".").slice(0, 2).join(".");
    groups.set(key, [...(groups.get(key) || []), name]);
  }
  for (const [key, names] of groups) add(key, over(data.metrics, names.slice(0, 8)));

  if (data.probes.length) page.append(card("Probes", table(["probe", "from", "to", "sent", "answered", "loss", "longest gap", "p99"],
    [...data.probes].sort((a, b) => b.loss - a.loss).slice(0, 50).map((p) => [p.probe, p.source, p.target, p.sent, p.answered,
      (p.loss * 100).toPrecision(3) + " %", seconds(Math.max(0, ...p.windows.map(([a, b]) => (b ?? end) - a))), seconds(p.round_trip?.p99)]))));
  const facts = make("dl");
  const fact = (key, value) => facts.append(make("dt", {}, key), make("dd", {}, typeof value === "object" ? JSON.stringify(value) : value));
  Object.entries(data.machine).forEach(([key, value]) => fact(key, value));
  fact("sampler", seconds(data.sampler_cpu_seconds) + " of CPU time");
  Object.entries(data.leaks.counts).forEach(([key, [a, b]]) => fact("before / after " + key, `${number(a)} / ${number(b)}`));
  page.lastElementChild.style.marginTop = "16px";
  page.append(card("Machine", facts));

  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  root.classList.toggle("dark", location.hash === "#dark" || (location.hash !== "#light" && dark.matches));
  window.addEventListener("resize", drawAll);
  drawAll();
})();
