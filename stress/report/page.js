// The page: reads the data, lays the sections out, and says in <html data-charts> how many charts are drawn.
(() => {
const root = document.documentElement;
window.addEventListener("error", event => { root.dataset.error = event.message; });
const data = JSON.parse(document.getElementById("data").textContent);
const page = document.getElementById("page");
const end = Math.max(1e-3, data.seconds);
const plural = (n, one) => `${n.toLocaleString("en")} ${one}${n === 1 ? "" : /(ch|s)$/.test(one) ? "es" : "s"}`;
const card = (title, note, ...children) => make("section", {class: "card"},
  make("h2", {}, title, ...(note ? [make("small", {}, note)] : [])), ...children);
const cell = (value, kind) => make("td", kind ? {class: kind} : {}, value);
function table(head, rows, texts = 1) {
  const kind = at => at < texts ? {} : {class: "n"};
  return make("div", {class: "scroll"}, make("table", {},
    make("thead", {}, make("tr", {}, ...head.map((h, i) => make("th", kind(i), h)))),
    make("tbody", {}, ...rows.map(row => make("tr", {}, ...row.map((c, i) => c instanceof Node && c.tagName === "TD" ? c : make("td", kind(i), c)))))));
}

// Header, tiles, what to read first, limits --------------------------------------------------------
function header(timeline) {
  const broken = data.verdicts.filter(v => !v.held).length, total = data.verdicts.length;
  const badge = !total ? make("span", {class: "badge none"}, "no limits") : make("span", {class: "badge" + (broken ? " bad" : "")},
    broken ? `${broken} of ${total} limits failed` : total === 1 ? "the limit passed" : `all ${total} limits passed`);
  const all = make("button", {type: "button", title: "Escape, or a double click"}, "Whole run");
  all.addEventListener("click", () => timeline().look(0, end));
  const scheme = make("button", {type: "button", "aria-label": "Light or dark"}, "◐");
  scheme.addEventListener("click", () => setScheme(dark() ? "light" : "dark"));
  const net = data.network, nodes = Object.entries(net.nodes || {}).map(([kind, n]) => plural(n, kind));
  const tiers = Object.entries(net.fidelity || {}).map(([tier, n]) => `${n.toLocaleString("en")} ${tier}`);
  const began = new Date(data.began * 1e3).toISOString().slice(0, 19).replace("T", " ");
  return make("header", {}, make("div", {},
    make("h1", {}, data.scenario.name || "stress", make("span", {}, ` on ${net.name || "?"}`)),
    make("p", {}, [nodes.join(", "), net.links === undefined ? "" : plural(net.links, "link"), tiers.length ? `fidelity ${tiers.join(", ")}` : "",
      `engine ${net.engine}`, `seed ${data.seed}`].filter(Boolean).join(" · ")),
    make("p", {}, `${began} UTC · ${clock(end)}`)), badge, all, scheme);
}
function tiles() {
  const t = data.tiles, found = [];
  const tile = (value, label, bad) => found.push(make("div", {class: "tile" + (bad ? " bad" : "")}, make("b", {}, value), make("span", {}, label)));
  if (t.offered) {
    tile(`${digits(100 * t.achieved / t.offered, 4)} %`, `of ${t.offered.toLocaleString("en")} offered operations done`, t.achieved < t.offered * .99);
    tile(words(t["latency.p99"], "seconds"), `latency p99 · median ${words(t["latency.p50"], "seconds")}`);
    tile(plain(t.errors), t.errors === 1 ? "error" : "errors", t.errors > 0);
  }
  if (data.probe_groups.length) {
    tile(words(t["probe.loss"], "share"), `of probes lost · longest gap ${words(t["probe.longest"], "seconds")}`, t["probe.loss"] > .01);
    tile(words(t["convergence.p99"], "seconds"), `convergence p99 · ${plural(data.convergence.disturbing, "event")} felt`, data.convergence.unfinished > 0);
  }
  if (t["traffic.flows"]) tile(words(t["traffic.rate"], "bitrate"), `through ${plural(t["traffic.flows"], "flow")}`);
  if (t["host.cpu.busy.mean"] !== null) tile(words(t["host.cpu.busy.mean"], "share"), `CPU on average · at most ${words(t["host.cpu.busy.max"], "share")}`);
  const own = t["run.memory.growth"] ?? null, whole = t["host.memory.used.growth"];
  if (own !== null) tile(words(own, "bytes"), `memory growth of the run · of the machine ${words(whole, "bytes")}`);
  else if (whole !== null) tile(words(whole, "bytes"), "memory growth of the machine");
  return make("div", {class: "tiles"}, ...found);
}
function worries() {
  const found = [...(data.aborted ? [`The run failed before its end: ${data.aborted}`] : []), ...(data.interrupted ? [`The run was interrupted: ${data.interrupted}.`] : []), ...data.doubts, ...data.leaks.leaked.map(w => `Left behind: ${w}`)];
  if (!found.length) return [];
  const box = card("Read this first", "", ...found.map(w => make("p", {}, w)));
  box.classList.add("warn");
  return [box];
}
function limits() {
  if (!data.verdicts.length) return [];
  return [card("Limits", "", table(["", "limit", "found"], data.verdicts.map(v => [
    cell(v.held ? "✓ passed" : "✕ failed", v.held ? "held" : "broken"), cell(make("code", {}, v.text)), cell(v.words || v.limit, "wrap")]), 3))];
}

// The timeline's own rows --------------------------------------------------------------------------
class Axis extends Row {
  constructor(timeline) { super(timeline, "", 40); }
  render() {
    this.svg.replaceChildren();
    const [x0, x1] = this.timeline.view, X = this.X(), each = timeStep(x1 - x0, this.width / 110);
    for (let x = Math.ceil(x0 / each) * each; x <= x1 + 1e-9; x += each)
      draw(this.svg, "text", {x: X(x), y: 12, "text-anchor": X(x) > this.width - 30 ? "end" : "middle"}, axisTime(Math.abs(x) < 1e-9 ? 0 : x, each));
    const taken = [], joined = new Map();
    for (const phase of data.phases) {
      const key = `${phase.start.toFixed(3)} ${phase.end.toFixed(3)}`, other = joined.get(key);
      if (other) other.name += ` + ${phase.name}`; else joined.set(key, {...phase, step: data.steps.some(s => s.step === phase.name)});
    }
    for (const phase of joined.values()) {
      const a = Math.max(X(Math.max(phase.start, x0)), LEFT), b = X(Math.min(phase.end, x1));
      if (b - a < .5) continue;
      draw(this.svg, "rect", {class: "phase" + (phase.step ? " step" : ""), x: a, y: 19, width: Math.max(b - a - 1, 1), height: 20, rx: 4});
      if (b - a > phase.name.length * 6.4 + 10 && !taken.some(([p, q]) => a < q - 2 && b > p + 2)) {
        draw(this.svg, "text", {class: "lane", x: a + 7, y: 33}, phase.name);
        taken.push([a, b]);
      }
    }
    this.drawn = 1;
  }
}
class Events extends Row {
  constructor(timeline) { super(timeline, "", Math.max(16, data.bins.steps.length * 16)); this.move(null); }
  render() {
    const plot = this.frame(), [x0, x1] = this.timeline.view, X = this.X(), w = data.bins.width, px = X(w) - X(0);
    const near = data.marks.filter(m => m[0] >= x0 && m[0] <= x1), few = near.length < 160 && (x1 - x0) < end * .5;
    data.bins.steps.forEach((lane, at) => {
      const most = Math.max(1, ...lane.counts), y = at * 16 + 2, color = `var(--c${at % 8})`;
      lane.counts.forEach((n, i) => {
        const x = data.bins.at[i] - w / 2;
        if (!n || x > x1 || x + w < x0) return;
        draw(plot, "rect", {x: X(x).toFixed(1), y, width: Math.max(px, 1).toFixed(1), height: 12, style: `fill:${color};fill-opacity:${(few ? .16 : .3 + .6 * n / most).toFixed(2)}`});
        if (lane.failed[i]) draw(plot, "rect", {class: "fail", x: X(x).toFixed(1), y: y + 9, width: Math.max(px, 1.5).toFixed(1), height: 4});
      });
      if (few) near.filter(m => m[1] === at).forEach(([x, , verb, target, error]) => {
        const mark = draw(plot, "rect", {x: X(x) - 1, y, width: 2.5, height: 12, rx: 1, style: `fill:${error ? "var(--bad)" : color}`});
        draw(mark, "title", {}, `${verb} ${target}${error ? `: ${error}` : ""}`);
      });
    });
    this.drawn = 1;
  }
  move(moment) {
    const at = moment === null || !data.bins.at.length ? -1 : Math.min(data.bins.at.length - 1, Math.floor(moment / data.bins.width));
    this.legend(data.bins.steps.map((lane, i) => [`var(--c${i % 8})`, lane.name, at < 0 ? "" : plain(Math.round(lane.counts[at] / data.bins.width)) + " /s"]));
  }
}
class Lanes extends Row {
  constructor(timeline) { super(timeline, "Loss windows", data.lanes.lanes.length * 13 + 52); this.now = null; this.move(null); }
  render() {
    const plot = this.frame(), [x0, x1] = this.timeline.view, X = this.X(), beside = this.svg.getBoundingClientRect().left > 150;
    this.names = data.lanes.lanes.map((lane, at) => {
      const y = at * 13 + 48.5;
      draw(plot, "line", {class: "grid", x1: LEFT, x2: this.width - RIGHT, y1: y, y2: y});
      for (const [a, b, lost] of lane.windows) {
        const last = b ?? end;
        if (last < x0 || a > x1) continue;
        const mark = draw(plot, "rect", {class: "loss", x: X(a).toFixed(1), y: y - 4, width: Math.max(X(last) - X(a), 1.5).toFixed(1), height: 8, rx: 1.5});
        draw(mark, "title", {}, `${lane.name}: ${plural(lost, "probe")} lost in ${words(last - a, "seconds")}${b === null ? ", not over" : ""}`);
        this.drawn++;
      }
      return draw(this.svg, "text", {class: "pair", x: beside ? LEFT - 8 : LEFT, y: beside ? y + 3.5 : y - 3, "text-anchor": beside ? "end" : "start"}, lane.name);
    });
  }
  move(moment) {
    const failing = l => moment !== null && l.windows.some(([a, b]) => a <= moment && (b ?? end) >= moment);
    (this.names || []).forEach((name, i) => name.classList.toggle("failing", failing(data.lanes.lanes[i])));
    const count = data.lanes.lanes.filter(failing).length;
    this.legend([["", moment === null ? data.lanes.more > 0 ? `and ${plural(data.lanes.more, "pair")} more` : "" : `${plural(count, "pair")} without an answer`, ""]]);
  }
}
const seriesOf = (names, label) => names.filter(n => n in data.metrics.series).map(n => {
  const values = data.metrics.series[n], good = values.filter(v => v !== null);
  const points = data.metrics.at.map((t, i) => [t, values[i]]);
  return {name: label(n), key: n, points, coarse: perSecond(points, end), zero: good.every(v => v === 0),
    rest: () => good.length ? good.reduce((a, b) => a + b, 0) / good.length : null};
});
const tail = n => n.split(".").slice(2).join(".");
const ofWorker = n => n.slice(7, n.indexOf(".host."));
const program = n => n.replace(/^process\.(.*)\.\w+$/, "$1").replace(/^machine\.(.*)/, "$1 (of the machine)");
const limitsOf = names => data.limit_lines.filter(l => names.includes(l.chart));
const GROUPS = [
  ["CPU by mode", n => /^host\.cpu\.(user|nice|system|softirq|irq|iowait|steal)$/.test(n), {unit: "share", stacked: true, top: 1}],
  ["Workers: CPU", n => /^worker\..*\.host\.cpu\.busy$/.test(n), {unit: "share", top: 1}, ofWorker],
  ["Workers: memory", n => /^worker\..*\.host\.memory\.used$/.test(n), {unit: "bytes"}, ofWorker],
  ["Workers: load average", n => /^worker\..*\.host\.load\.1$/.test(n), {}, ofWorker],
  ["Workers: wait for the kernel's lock (RTNL)", n => /^worker\..*\.host\.rtnl\.wait$/.test(n), {unit: "seconds"}, ofWorker],
  ["CPU by core", n => /^host\.cpu\.core/.test(n), {unit: "share", top: 1}],
  ["Memory of the run (its processes)", n => n === "run.memory", {unit: "bytes"}, () => "its processes"],
  ["Memory of the machine", n => /^host\.memory\.(used|cached)$/.test(n), {unit: "bytes"}],
  ["Kernel memory (slab)", n => n === "host.memory.slab", {unit: "bytes"}],
  ["Context switches, interrupts", n => /^host\.(context_switches|interrupts)$/.test(n), {unit: "rate"}, n => n.slice(5).replace("_", " ")],
  ["Soft interrupts", n => /^host\.softirqs\./.test(n) && !n.endsWith(".total"), {unit: "rate"}],
  ["Network backlog (softnet)", n => /^host\.softnet\./.test(n), {unit: "rate"}],
  ["Stalled for want of (PSI)", n => /^host\.pressure\./.test(n), {unit: "share"}],
  ["Load average", n => /^host\.load\./.test(n), {}, n => `${tail(n)} min`],
  ["Sockets", n => /^host\.sockets/.test(n), {}, n => n.endsWith(".tcp") ? "TCP" : "all"],
  ["Namespaces, interfaces", n => /^host\.(namespaces|interfaces)$/.test(n), {}, n => n.slice(5)],
  ["Neighbours (ARP, IPv6)", n => n === "host.neighbours", {}, () => "entries"],
  ["Neighbour table full", n => n === "host.neighbours.full", {unit: "rate"}, () => "full"],
  ["Wait for the kernel's lock (RTNL)", n => n === "host.rtnl.wait", {unit: "seconds"}, () => "longest"],
  ["Processes of the machine", n => /^host\.processes\./.test(n), {}],
  ["Programs: CPU", n => /^process\..*\.cpu$/.test(n), {unit: "share"}, program],
  ["Programs: memory", n => /^process\..*\.rss$/.test(n), {unit: "bytes"}, program],
  ["Programs: open files", n => /^process\..*\.fds$/.test(n), {}, program],
  ["Ports: bytes", n => /^port\..*_bytes$/.test(n), {unit: "byterate"}, n => n.slice(5)],
  ["Ports: packets", n => /^port\..*_packets$/.test(n), {unit: "rate"}, n => n.slice(5)],
  ["Ports: errors and drops", n => /^port\..*_(errors|dropped)$/.test(n), {unit: "rate"}, n => n.slice(5)],
];
const HIDDEN = new Set(["host.cpu.idle", "host.cpu.busy", "host.memory.available", "host.softirqs.total"]);
// The number of pairs in steps; for the whole run the highest number of each second.
function failingPairs(points) {
  const steps = [];
  for (let at = 0, from = 0, count = 0; at < end; at++) {
    let most = count;
    for (; from < points.length && points[from][0] < at + 1; from++) { count = points[from][1]; most = Math.max(most, count); }
    steps.push([at, most]);
  }
  return {name: "pairs", color: "var(--bad)", points, coarse: points.length > steps.length ? steps : null};
}
function rows(timeline) {
  const found = [], bins = data.bins, zero = [];
  const over = (from, key) => from.at.map((t, i) => [t, key(from)[i]]);
  const both = key => ({points: over(bins, key), coarse: over(data.coarse, key)});
  if (bins.at.length) {
    found.push(new Lines(timeline, "Operations per second", ["due", "done", "failed"].filter(n => bins.rates[n].some(Boolean))
      .map((n, i) => ({name: n, key: n === "done" ? "rate" : n, ...both(b => b.rates[n]), color: ["var(--c7)", "var(--c0)", "var(--bad)"][["due", "done", "failed"].indexOf(n)]})), {unit: "rate", limits: limitsOf(["operations"])}));
    found.push(new Lines(timeline, "Latency", [["max", "var(--c1)"], ["p99", "var(--c3)"], ["p50", "var(--c0)"]]
      .map(([n, color]) => ({name: n, key: n, color, ...both(b => b.latency[n])})), {unit: "seconds", log: true, height: 120, limits: limitsOf(["latency"])}));
  }
  if (data.lanes.failing.length) found.push(new Lines(timeline, "Pairs without an answer",
    [failingPairs([[0, 0], ...data.lanes.failing, [end, data.lanes.failing[data.lanes.failing.length - 1][1]]])], {stepped: true}));
  if (data.lanes.lanes.length) found.push(new Lanes(timeline));
  if (data.convergence.events.length) {
    const steps = [...new Set(data.convergence.events.map(e => e.step))];
    found.push(new Lines(timeline, "Convergence of events", steps.map(s => ({name: s, color: `var(--c${Math.max(0, data.bins.steps.findIndex(l => l.name === s)) % 8})`,
      points: data.convergence.events.filter(e => e.step === s).map(e => [e.at, e.convergence, `${e.verb} ${e.targets.join(", ")}: ${words(e.convergence, "seconds")}, ${plural(e.probes, "probe")}`])})),
      {unit: "seconds", dots: 2.6, log: true, limits: limitsOf(["convergence"])}));
  }
  if (data.answers.length) found.push(new Lines(timeline, "Round trips of probes", [{name: "answers (a sample)", color: "var(--c2)", points: data.answers}],
    {unit: "seconds", dots: 1.3, log: true, limits: limitsOf(["round trips"])}));
  if (data.flows.lines.length) found.push(new Lines(timeline, "Flows: bits received", data.flows.lines.map((line, i) => ({name: line.name,
    key: i ? "" : "traffic.rate", points: line.rates.map((rate, k) => [data.flows.at[k], rate])})), {unit: "bitrate", limits: limitsOf(["flows"])}));
  const left = new Set(Object.keys(data.metrics.series).filter(n => !HIDDEN.has(n)));
  const add = (title, names, options, label) => {
    names.forEach(n => left.delete(n));
    let series = seriesOf(names, label);
    zero.push(...names.filter((n, i) => series[i].zero));
    series = series.filter(s => !s.zero);
    if (series.length > 12) {
      const most = s => Math.max(...s.points.map(p => p[1] ?? 0));
      series = series.sort((a, b) => most(b) - most(a)).slice(0, 12);
      title += " (the 12 highest)";
    }
    if (series.length) found.push(new Lines(timeline, title, series, {...options, limits: limitsOf(options.stacked ? [...names, "host.cpu.busy"] : names)}));
  };
  for (const [title, fits, options, label] of GROUPS) add(title, [...left].filter(fits), options, label || tail);
  const rest = new Map();
  for (const name of left) { const key = name.split(".").slice(0, 2).join("."); rest.set(key, [...(rest.get(key) || []), name]); }
  for (const [key, names] of rest) add(key, names, {unit: data.units[names[0]] || "count"}, n => n);
  return [found, zero];
}

// Latency by percentile ----------------------------------------------------------------------------
const whole = n => n === null ? "–" : n.toLocaleString("en");
const COLUMNS = ["min", "p50", "p90", "p99", "p99.9", "max"];
class Curves {
  constructor(curves) {
    this.curves = curves;
    this.svg = document.createElementNS(NS, "svg");
    this.svg.setAttribute("height", 300);
    this.svg.setAttribute("role", "img");
    this.svg.setAttribute("aria-label", "Latency by percentile");
    this.element = make("div", {}, this.svg, make("div", {class: "legend"}, ...curves.map((c, i) => {
      const dot = make("i", {class: "dot"}); dot.style.background = `var(--c${i % 8})`;
      return make("span", {}, dot, c.name);
    })));
  }
  render() {
    this.svg.replaceChildren();
    const width = this.svg.clientWidth || 560, top = 8, bottom = 270, nines = share => -Math.log10(1 - share);
    const all = this.curves.flatMap(c => c.curve.filter(p => p[0] < 1)), most = Math.max(1, ...all.map(p => -Math.log10(1 - p[0])));
    const values = all.map(p => p[1]).filter(v => v > 0);
    const low = Math.floor(Math.log10(Math.min(...values, 1))), high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values, 1e-9))));
    const X = share => LEFT + (width - LEFT - RIGHT - 6) * nines(share) / most, Y = s => bottom - (bottom - top) * (Math.log10(Math.max(s, 10 ** low)) - low) / (high - low);
    for (let y = low; y <= high; y++) {
      draw(this.svg, "line", {class: "grid", x1: LEFT, x2: width - RIGHT, y1: Y(10 ** y), y2: Y(10 ** y)});
      draw(this.svg, "text", {x: LEFT - 8, y: Y(10 ** y) + 3.5, "text-anchor": "end"}, words(10 ** y, "seconds"));
    }
    for (const share of [0, .5, .9, .99, .999, .9999, .99999, .999999]) {
      if (-Math.log10(1 - share) > most + 1e-9) break;
      draw(this.svg, "line", {class: "grid", x1: X(share), x2: X(share), y1: top, y2: bottom});
      draw(this.svg, "text", {x: X(share), y: bottom + 18, "text-anchor": share ? "middle" : "start"}, share ? `${+(share * 100).toFixed(4)} %` : "min");
    }
    this.curves.forEach((c, i) => draw(this.svg, "path", {class: "line", style: `stroke:var(--c${i % 8});stroke-width:2`, d: path(c.curve.filter(p => p[0] < 1), X, Y)}));
    this.drawn = values.length;
  }
}
function actionsTable() {
  const line = (name, s, l, sub) => [cell(name, sub ? "sub" : ""), ...(sub ? ["", whole(l?.count ?? 0), "", "", ""] : [whole(s.offered), whole(s.succeeded),
    s.achieved_rate === null ? "–" : `${plain(s.achieved_rate)} /s`, whole(Object.values(s.skipped).reduce((a, b) => a + b, 0)),
    (n => cell(whole(n), n ? "n broken" : "n"))(Object.values(s.errors).reduce((a, b) => a + b, 0))]), ...COLUMNS.map(k => words(l?.[k], "seconds"))];
  const all = data.steps.flatMap(s => [line(s.step, s, s.latency), ...(Object.keys(s.verbs).length > 1 ? Object.entries(s.verbs).map(([v, l]) => line(v, s, l, true)) : [])]);
  const kinds = data.steps.flatMap(s => [...Object.entries(s.errors).map(([why, n]) => [s.step, "error", why, n]), ...Object.entries(s.skipped).map(([why, n]) => [s.step, "skipped", why, n])]);
  return card("Actions", "latency from when an operation was due until it was done: lateness is part of it",
    table(["step", "offered", "done", "rate", "skipped", "errors", ...COLUMNS], all),
    ...(kinds.length ? [make("details", {}, make("summary", {}, "Errors and skipped operations by kind"), table(["step", "", "why", "times"], kinds.map(k => [...k.slice(0, 3), whole(k[3])]), 3))] : []));
}
function probesSection() {
  if (!data.probe_groups.length) return [];
  const groups = table(["probe", "pairs", "asked", "lost", "late", "not asked", "gaps", "longest", "blackhole", "p50", "p99", "max"], data.probe_groups.map(g => [`${g.probe}`, whole(g.pairs), whole(g.sent),
    words(g.loss, "share"), whole(g.late), whole(g.unasked), whole(g.windows), words(g.longest, "seconds"), words(g.blackhole, "seconds"), ...["p50", "p99", "max"].map(k => words(g.round_trip?.[k], "seconds"))]));
  const worst = table(["probe", "from", "to", "lost", "gaps", "p99"], data.pairs.filter(p => p.sent > p.answered).slice(0, 12).map(p => [p.probe, p.source, p.target,
    `${whole(p.sent - p.answered)} of ${whole(p.sent)}`, whole(p.windows.length), words(p.round_trip?.p99, "seconds")]), 3);
  const longest = data.windows.length ? [card("Longest loss windows", "from the first lost probe to the first answer after it", table(["probe", "from", "to", "at", "lasted", "lost"],
    data.windows.map(w => [w.probe, w.source, w.target, clock(w.start), words((w.end ?? end) - w.start, "seconds") + (w.end === null ? ", not over" : ""), whole(w.lost)]), 3))] : [];
  const c = data.convergence, events = [...c.events].sort((a, b) => b.convergence - a.convergence).slice(0, 12);
  const note = [plural(c.disturbing, "event"), "felt,", c.undisturbing.toLocaleString("en"), "not felt", c.unexplained ? `· ${plural(c.unexplained, "gap")} without an event` : ""].join(" ");
  return [card("Probes", "", groups), ...longest, make("div", {class: "two"},
    card("Slowest convergence", note, events.length ? table(["at", "event", "probes", "right again", "after undo"], events.map(e => [clock(e.at), `${e.verb} ${e.targets.join(", ")}`, whole(e.probes),
      cell(words(e.convergence, "seconds") + (e.unfinished ? ", not over" : ""), e.unfinished ? "n broken" : "n"), words(e.recovery, "seconds")]), 2) : make("p", {}, "No event made a probe wrong.")),
    card("Pairs that lost most", "", data.pairs.some(p => p.sent > p.answered) ? worst : make("p", {}, "Every probe was answered.")))];
}
function flowsTable() {
  const {rows, more} = data.flows;
  if (!rows.length) return [];
  return [card("Flows", more ? `failed ones, then the slowest: ${rows.length} of ${whole(rows.length + more)}` : "", table(["flow", "step", "rate", "received", "lost", ""], rows.map(f => [f.name, f.step,
    words(f.rate, "bitrate"), words(f.received, "bytes"), words(f.loss, "share"), cell(f.error, f.error ? "wrap broken" : "")]), 2))];
}
function workers() {
  if (!data.workers.length) return [];
  const mean = (w, name) => { const good = (data.metrics.series[`worker.${w}.${name}`] || []).filter(v => v !== null);
    return good.length ? good.reduce((a, b) => a + b, 0) / good.length : null; };
  const shown = data.workers.map(w => [w.name, whole(w.operations), cell(whole(w.errors), w.errors ? "n broken" : "n"), ...["p50", "p99", "max"].map(k => words(w.lateness?.[k], "seconds")),
    `± ${words(w.clock_error, "seconds")}`, words(mean(w.name, "host.cpu.busy"), "share"), words(mean(w.name, "host.memory.used"), "bytes"),
    words(mean(w.name, "host.load.1"), "count"), cell(w.failure, "wrap")]);
  return [card("Workers", "each by its own clock; late is from when an operation was due until it was begun",
    table(["worker", "operations", "errors", "late p50", "p99", "max", "clock", "CPU", "memory", "load", ""], shown))];
}
function lightPorts() {
  const rows = (of, title) => {
    const all = data.light_ports[of] || [];
    if (!all.length) return [];
    const shown = all.slice(0, 30).map(r => [r.name, words(r.rx_bytes, "bytes"), whole(r.rx_packets), words(r.tx_bytes, "bytes"), whole(r.tx_packets), cell(whole(r.dropped), r.dropped ? "n broken" : "n")]);
    return [card(title, all.length > 30 ? `the busiest 30 of ${whole(all.length)}` : "", table(["", "received", "packets", "sent", "packets", "dropped"], shown))];
  };
  const cards = [...rows("vpcs", "Light ports by VPC"), ...rows("compute_hosts", "Light ports by compute host")];
  return cards.length ? [make("div", {class: "two"}, ...cards)] : [];
}
function facts(zero) {
  const list = entries => make("dl", {}, ...entries.flatMap(([k, v]) => [make("dt", {}, k), make("dd", {}, v)]));
  const text = (key, v) => key === "memory" && typeof v === "number" ? words(v, "bytes") : Array.isArray(v) ? v.map(x => typeof x === "number" ? digits(x, 3) : x).join(", ")
    : typeof v === "object" && v ? Object.entries(v).map(([k, x]) => `${k} ${x}`).join(", ") : String(v);
  const machine = Object.entries(data.machine).map(([k, v]) => [k.replace("_", " "), text(k, v)]);
  machine.push(["seed", data.seed], ["sampler", `${words(data.sampler_cpu_seconds, "seconds")} of CPU time${data.tiles["sampler.cpu"] === null ? "" : `, ${words(data.tiles["sampler.cpu"], "share")} of a core`}`]);
  if (data.probe_cpu_seconds) machine.push(["probes", `${words(data.probe_cpu_seconds, "seconds")} of CPU time, ${words(data.tiles["probe.cpu"], "share")} of a core`]);
  const unit = key => key.includes("memory") ? "bytes" : "count";
  const leaks = Object.entries(data.leaks.counts).map(([k, [a, b]]) => [k, words(a, unit(k)), words(b, unit(k)), (b > a ? "+" : "") + words(b - a, unit(k))]);
  const steps = (data.scenario.steps || []).map(s => [s.name, s.action, clock(s.start ?? 0), clock(s.seconds ?? 0)]);
  const after = card("Before and after", "", leaks.length ? table(["", "before", "after", "change"], leaks) : make("p", {}, "Nothing was counted."),
    make("p", {}, data.leaks.leaked.length ? "" : "Nothing was left behind."),
    make("p", {}, data.restored.length ? `Given back at the end: ${data.restored.slice(0, 12).join(", ")}${data.restored.length > 12 ? ` and ${data.restored.length - 12} more` : ""}` : "Nothing had to be given back at the end."));
  const ramps = data.ramps.map(r => make("p", {}, `${r.step}: good up to ${plain(r.last_good)} hosts; ${r.stopped_by ? `stopped because ${r.stopped_by}` : "no limit broke"}`));
  const plan = card("Scenario", "", ...(steps.length ? [table(["step", "action", "begins", "takes"], steps, 2)] : []), ...ramps,
    make("details", {}, make("summary", {}, "As it was run"), make("pre", {}, JSON.stringify(data.scenario, null, 2))));
  const net = card("Machine and versions", "", list(machine));
  if (zero.length) net.append(make("p", {class: "none"}, `Zero all the time: ${zero.join(", ")}`));
  return [make("div", {class: "two"}, net, make("div", {}, after, plan))];
}

// Light and dark -----------------------------------------------------------------------------------
const media = window.matchMedia("(prefers-color-scheme: dark)");
const dark = () => (root.dataset.theme || (media.matches ? "dark" : "light")) === "dark";
function setScheme(name) {
  if (name) { root.dataset.theme = name; root.style.colorScheme = name; }
  root.dataset.scheme = dark() ? "dark" : "light";
}
media.addEventListener("change", () => setScheme());
setScheme(["dark", "light"].find(name => location.hash === `#${name}`));

// All together -------------------------------------------------------------------------------------
const body = make("section", {class: "card timeline"}, make("h2", {}, "The run", make("small", {}, "drag to zoom, double click for the whole run")));
const timeline = new Timeline(body, data.phases, end);
const axis = new Axis(timeline), events = data.bins.steps.length ? [new Events(timeline)] : [];
const [found, zero] = rows(timeline);
body.append(make("div", {class: "top"}, axis.element, ...events.map(e => e.element)), ...found.map(row => row.element));
const timed = data.steps.filter(s => s.latency);
const curves = timed.flatMap(s => [{name: s.step, curve: s.latency.curve}]);
for (const g of data.probe_groups) if (g.round_trip) curves.push({name: `${g.probe} (round trip)`, curve: g.round_trip.curve});
const plot = curves.length ? new Curves(curves.slice(0, 8)) : null;
page.append(header(() => timeline), tiles(), ...worries(), ...limits(), body,
  ...(plot ? [card("Latency by percentile", "", plot.element)] : []), actionsTable(), ...workers(), ...flowsTable(), ...probesSection(), ...lightPorts(), ...facts(zero));
function render() {
  timeline.render();
  timeline.point(null);
  if (plot) plot.render();
  const charts = [...timeline.rows, ...(plot ? [plot] : [])];
  root.dataset.charts = charts.filter(c => c.drawn).length;
  root.dataset.empty = charts.filter(c => !c.drawn).length;
}
window.addEventListener("resize", render);
render();
})();
